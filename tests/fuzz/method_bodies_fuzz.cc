// SPDX-License-Identifier: Apache-2.0
// A message code, then a body: no fault lies outside the bytes, and what was understood is built
// again to the same ones. The builders throw for what the parsers refuse, so an exception here is a
// disagreement between the two, and ends the program.

#include <algorithm>
#include <span>
#include <string_view>

#include "tests/fuzz/check.h"
#include "tests/support/method_bodies.h"
#include "wire/byte_order.h"
#include "wire/reload/self_tuning.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace wire::reload;
  if (size < 2) return 0;
  const auto input = std::as_bytes(std::span(bytes, size));
  const std::uint16_t code = wire::load_be16(input.data());
  const std::span<const std::byte> body = input.subspan(2);

  // An extension of Probe rather than a body, and as simple: twelve bytes are one.
  SelfTuningData estimates;
  const bool is_estimates = parse_self_tuning(body, estimates).ok();
  FUZZ_CHECK(is_estimates == (body.size() == 12));
  if (is_estimates) {
    const Bytes rebuilt = self_tuning_contents(estimates);
    FUZZ_CHECK(std::equal(body.begin(), body.end(), rebuilt.begin(), rebuilt.end()));
  }

  const tests::BodyRoundTrip read = tests::read_body(code, body);
  FUZZ_CHECK(read.fault.offset <= body.size());
  FUZZ_CHECK(std::string_view(fault_name(read.fault.fault)) != "unknown_fault");
  FUZZ_CHECK(read.fault.ok() || !read.rebuilt);
  if (!read.rebuilt) return 0;
  FUZZ_CHECK(read.rebuilt->size() == body.size());
  if (!read.reordered) FUZZ_CHECK(std::equal(body.begin(), body.end(), read.rebuilt->begin()));

  const tests::BodyRoundTrip again = tests::read_body(code, *read.rebuilt);
  FUZZ_CHECK(again.fault.ok() && !again.reordered && again.rebuilt == read.rebuilt);
  return 0;
}
