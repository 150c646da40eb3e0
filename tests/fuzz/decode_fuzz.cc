// SPDX-License-Identifier: Apache-2.0
// hopsealctl decode on any file: captures, hex, bytes back to back. It must give a document for
// every datagram it finds, in JSON that can be printed, and a reason for each refusal.

#include <span>
#include <string>

#include "controlplane/ctl/decode_documents.h"
#include "controlplane/ctl/decode_input.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace controlplane::ctl;
  static SignatureCheck signatures;

  const auto file = std::as_bytes(std::span(bytes, size));
  const DecodeInput input = read_decode_input(file);
  FUZZ_CHECK(!input.items.empty() || !input.error.empty() || !input.warnings.empty());

  std::size_t documents = 0;
  std::size_t complaints = 0;
  bool malformed = false;
  const DecodeOutput output{
      [&](const nlohmann::ordered_json& document) {
        ++documents;
        malformed |= document.contains("error");
        FUZZ_CHECK(!document.dump().empty());  // throws on text that is no UTF-8
      },
      [&](const std::string& complaint) {
        ++complaints;
        FUZZ_CHECK(!complaint.empty());
      }};
  const bool good = decode_documents(input.items, &signatures, output);
  FUZZ_CHECK(documents >= input.items.size());
  FUZZ_CHECK(!(good && malformed));
  FUZZ_CHECK(good || complaints > 0);
  return 0;
}
