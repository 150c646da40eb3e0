// SPDX-License-Identifier: Apache-2.0
// The short texts an operator writes: addresses, Node-IDs, the line of a shared secret. What is
// read means the same when it is written and read again.

#include <string>
#include <string_view>

#include "config/node_config.h"
#include "controlplane/links/own_context.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (const auto endpoint = config::parse_endpoint(text)) {
    FUZZ_CHECK(endpoint->family == 4 || endpoint->family == 6);
    FUZZ_CHECK(config::parse_endpoint(config::to_string(*endpoint)) == endpoint);
  }
  if (const auto id = config::parse_node_id(text)) {
    FUZZ_CHECK(config::parse_node_id(config::to_string(*id)) == id);
  }
  std::string why;
  if (const auto secret = controlplane::links::parse_shared_secret(text, why)) {
    FUZZ_CHECK(secret->key.size() >= 16 && secret->key.size() <= 64);
    FUZZ_CHECK(!secret->identity.empty() && text.starts_with(secret->identity + ':'));
    FUZZ_CHECK(why.empty());
  } else {
    FUZZ_CHECK(!why.empty());
  }
  return 0;
}
