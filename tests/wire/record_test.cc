// SPDX-License-Identifier: Apache-2.0
// Record headers of DTLS 1.2: what is read, what is refused and where, and several in a datagram.
#include "wire/dtls/record.h"

#include <gtest/gtest.h>

#include <array>
#include <iterator>
#include <vector>

namespace {

using namespace wire::dtls;
using Bytes = std::vector<std::byte>;

Bytes record(const RecordHeader& header) {
  Bytes bytes(header.record_bytes(), std::byte{0xee});
  write_record_header(header, std::span(bytes).first<kRecordHeaderBytes>());
  return bytes;
}

const RecordHeader kData = {.epoch = 1, .sequence = 0x0102030405, .length = 40};

RecordError fault_of(const Bytes& bytes, std::size_t offset = 0) {
  RecordHeader header;
  return parse_record(bytes, offset, header);
}

void expect_fault(const Bytes& bytes, RecordFault fault, std::uint32_t offset) {
  const RecordError error = fault_of(bytes);
  EXPECT_EQ(error.fault, fault) << kRecordFaultNames[static_cast<std::size_t>(error.fault)];
  EXPECT_EQ(error.offset, offset);
}

TEST(RecordTest, LiesOnTheWireAsTheRfcDrawsIt) {
  const Bytes bytes = record({.type = ContentType::kHandshake,
                              .version = kVersion12,
                              .epoch = 0x1122,
                              .sequence = 0x334455667788,
                              .length = 0x0002});
  const std::uint8_t expected[] = {22,   0xfe, 0xfd, 0x11, 0x22, 0x33, 0x44, 0x55,
                                   0x66, 0x77, 0x88, 0x00, 0x02, 0xee, 0xee};
  ASSERT_EQ(bytes.size(), sizeof expected);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_EQ(std::to_integer<int>(bytes[i]), expected[i]) << i;
  }
}

TEST(RecordTest, ReadsWhatItWrote) {
  for (const auto type : {ContentType::kChangeCipherSpec, ContentType::kAlert,
                          ContentType::kHandshake, ContentType::kApplicationData}) {
    for (const std::uint64_t sequence : {std::uint64_t{0}, kMaxSequence}) {
      for (const std::uint16_t epoch : std::array<std::uint16_t, 3>{0, 1, 0xffff}) {
        const RecordHeader in = {.type = type, .epoch = epoch, .sequence = sequence, .length = 300};
        RecordHeader out;
        ASSERT_TRUE(parse_record(record(in), 0, out).ok());
        EXPECT_EQ(out.type, in.type);
        EXPECT_EQ(out.version, kVersion12);
        EXPECT_EQ(out.epoch, in.epoch);
        EXPECT_EQ(out.sequence, in.sequence);
        EXPECT_EQ(out.record_bytes(), 313U);
      }
    }
  }
}

TEST(RecordTest, EveryShorterDatagramIsTruncated) {
  const Bytes whole = record(kData);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    expect_fault(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)),
                 RecordFault::kTruncated, static_cast<std::uint32_t>(size));
  }
  EXPECT_TRUE(fault_of(whole).ok());
}

TEST(RecordTest, KnowsFourContentTypes) {
  for (unsigned type = 0; type < 256; ++type) {
    Bytes bytes = record(kData);
    bytes[0] = static_cast<std::byte>(type);
    if (type >= 20 && type <= 23) {
      EXPECT_TRUE(fault_of(bytes).ok()) << type;
    } else {
      expect_fault(bytes, RecordFault::kContentType, 0);
    }
  }
}

TEST(RecordTest, Dtls10IsForTheFirstHandshakeMessagesOnly) {
  const auto with = [](std::uint16_t version, ContentType type, std::uint16_t epoch) {
    return record({.type = type, .version = version, .epoch = epoch, .length = 20});
  };
  EXPECT_TRUE(fault_of(with(kVersion10, ContentType::kHandshake, 0)).ok());
  expect_fault(with(kVersion10, ContentType::kHandshake, 1), RecordFault::kVersion, 1);
  expect_fault(with(kVersion10, ContentType::kAlert, 0), RecordFault::kVersion, 1);
  expect_fault(with(kVersion10, ContentType::kApplicationData, 0), RecordFault::kVersion, 1);
  for (const std::uint16_t version :
       std::array<std::uint16_t, 5>{0x0303, 0xfefc, 0xfefe, 0x0000, 0xffff}) {
    expect_fault(with(version, ContentType::kHandshake, 0), RecordFault::kVersion, 1);
  }
}

TEST(RecordTest, LengthsEndWhereTheRfcSays) {
  RecordHeader header = kData;
  header.length = static_cast<std::uint16_t>(kMaxPayloadBytes);
  EXPECT_TRUE(fault_of(record(header)).ok());
  ++header.length;
  expect_fault(record(header), RecordFault::kOversized, 11);
}

TEST(RecordTest, OnlyApplicationDataMayBeEmpty) {
  RecordHeader header = {.epoch = 0, .length = 0};
  EXPECT_TRUE(fault_of(record(header)).ok());
  for (const auto type :
       {ContentType::kChangeCipherSpec, ContentType::kAlert, ContentType::kHandshake}) {
    header.type = type;
    expect_fault(record(header), RecordFault::kEmpty, 11);
  }
}

TEST(RecordTest, OverheadIsThatOfTheCipher) {
  EXPECT_EQ(record_overhead(Aead::kAes128Gcm), 37U);
  EXPECT_EQ(record_overhead(Aead::kAes256Gcm), 37U);
  EXPECT_EQ(record_overhead(Aead::kChaCha20Poly1305), 29U);
  EXPECT_EQ(plaintext_offset(Aead::kAes128Gcm), 21U);
  EXPECT_EQ(plaintext_offset(Aead::kChaCha20Poly1305), 13U);
}

TEST(RecordCursorTest, WalksTheRecordsOfADatagram) {
  Bytes datagram;
  std::vector<std::size_t> begins;
  for (const std::uint16_t length : std::array<std::uint16_t, 4>{7, 0, 300, 1}) {
    begins.push_back(datagram.size());
    const Bytes one = record({.epoch = 1, .sequence = length, .length = length});
    datagram.insert(datagram.end(), one.begin(), one.end());
  }
  RecordCursor records(datagram);
  RecordHeader header;
  for (const std::size_t begin : begins) {
    ASSERT_TRUE(records.next(header));
    EXPECT_EQ(records.offset(), begin);
    EXPECT_EQ(header.sequence, header.length);
  }
  EXPECT_FALSE(records.next(header));
  EXPECT_TRUE(records.error().ok());
  EXPECT_FALSE(records.next(header)) << "the end stays the end";
}

TEST(RecordCursorTest, AFaultEndsTheWalkAndKeepsWhatCameBefore) {
  Bytes datagram = record(kData);
  const std::size_t second = datagram.size();
  const Bytes handshake = record({.type = ContentType::kHandshake, .length = 12});
  datagram.insert(datagram.end(), handshake.begin(), handshake.end());
  datagram[second] = std::byte{24};
  RecordCursor records(datagram);
  RecordHeader header;
  EXPECT_TRUE(records.next(header));
  EXPECT_FALSE(records.next(header));
  EXPECT_EQ(records.error().fault, RecordFault::kContentType);
  EXPECT_EQ(records.error().offset, second);
  EXPECT_FALSE(records.next(header));
  EXPECT_EQ(records.error().offset, second);
}

TEST(RecordCursorTest, AnEmptyDatagramHasNoRecordAndNoFault) {
  RecordCursor records({});
  RecordHeader header;
  EXPECT_FALSE(records.next(header));
  EXPECT_TRUE(records.error().ok());
}

static_assert(std::size(kRecordFaultNames) == static_cast<std::size_t>(RecordFault::kEmpty) + 1);

}  // namespace
