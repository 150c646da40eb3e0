// SPDX-License-Identifier: Apache-2.0
// Any bytes as a datagram of DTLS records: what the cursor hands out lies within the datagram, one
// record behind the other, and writes back to the same header; whatever is left has a fault with a
// place.

#include <array>
#include <cstring>

#include "tests/fuzz/check.h"
#include "wire/dtls/record.h"

namespace {

using namespace wire::dtls;

void check_header(const RecordHeader& header, std::span<const std::byte> datagram,
                  std::size_t offset) {
  FUZZ_CHECK(offset <= datagram.size() && header.record_bytes() <= datagram.size() - offset);
  FUZZ_CHECK(header.sequence <= kMaxSequence && header.length <= kMaxPayloadBytes);
  FUZZ_CHECK(header.version == kVersion12 || (header.version == kVersion10 && header.epoch == 0));
  std::array<std::byte, kRecordHeaderBytes> again;
  write_record_header(header, again);
  FUZZ_CHECK(std::memcmp(again.data(), datagram.data() + offset, again.size()) == 0);
}

void check_fault(RecordError error, std::size_t size) {
  FUZZ_CHECK(static_cast<std::size_t>(error.fault) < std::size(kRecordFaultNames));
  FUZZ_CHECK(error.offset <= size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto datagram = std::as_bytes(std::span(data, size));
  RecordCursor records(datagram);
  RecordHeader header;
  std::size_t expected = 0;
  while (records.next(header)) {
    FUZZ_CHECK(records.offset() == expected);
    check_header(header, datagram, expected);
    expected += header.record_bytes();
  }
  check_fault(records.error(), size);
  FUZZ_CHECK(records.error().ok() == (expected == size));
  FUZZ_CHECK(records.error().ok() || records.error().offset >= expected);
  FUZZ_CHECK(!records.next(header));

  // Where no cursor would begin.
  for (std::size_t offset = 0; offset <= size; ++offset) {
    const RecordError error = parse_record(datagram, offset, header);
    if (error.ok()) check_header(header, datagram, offset);
    check_fault(error, size);
  }
  return 0;
}
