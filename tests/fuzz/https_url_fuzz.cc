// SPDX-License-Identifier: Apache-2.0
// URLs that a configuration document brings: what is taken can be written and read again, and holds
// nothing that would end a line of HTTP.

#include <string>
#include <string_view>

#include "controlplane/ctl/https_url.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace controlplane::ctl;
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  std::string why;
  const auto url = parse_https_url(input, why);
  FUZZ_CHECK(url.has_value() == why.empty());
  FUZZ_CHECK(printable(why, why.size()) == why);
  if (!url) return 0;
  FUZZ_CHECK(url->port != 0 && !url->host.empty() && url->target.starts_with('/'));
  const std::string text = url->text();
  FUZZ_CHECK(printable(text, text.size()) == text && text.find(' ') == std::string::npos);
  const auto again = parse_https_url(text, why);
  FUZZ_CHECK(again.has_value() || text.size() > kMostUrlBytes);
  FUZZ_CHECK(!again || again->text() == text);
  return 0;
}
