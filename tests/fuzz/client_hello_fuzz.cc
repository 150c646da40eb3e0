// SPDX-License-Identifier: Apache-2.0
// The first datagram of strangers: whatever is read of it lies within it, and the answer is a
// record that repeats its numbers.

#include <array>
#include <cstdint>
#include <span>

#include "tests/fuzz/check.h"
#include "wire/dtls/client_hello.h"

namespace {

using namespace wire::dtls;

bool lies_within(std::span<const std::byte> part, std::span<const std::byte> whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto datagram = std::as_bytes(std::span(bytes, size));
  ClientHello hello;
  if (parse_client_hello(datagram, hello) != ClientHelloFault::kNone) return 0;
  for (const auto part : {hello.random, hello.session_id, hello.cookie, hello.cipher_suites,
                          hello.compression_methods, hello.extensions}) {
    FUZZ_CHECK(lies_within(part, datagram));
  }
  FUZZ_CHECK(hello.random.size() == kRandomBytes);
  FUZZ_CHECK(hello.record_bytes <= datagram.size());

  std::array<std::byte, kMaxHelloVerifyBytes> answer;
  const std::size_t length = write_hello_verify_request(hello, hello.cookie, answer);
  FUZZ_CHECK(length == kRecordHeaderBytes + kHandshakeHeaderBytes + 3 + hello.cookie.size());
  RecordHeader record;
  FUZZ_CHECK(parse_record(std::span(answer).first(length), 0, record).ok());
  FUZZ_CHECK(record.sequence == hello.record_sequence && record.record_bytes() == length);
  return 0;
}
