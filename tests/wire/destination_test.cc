// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/destination.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "tests/support/hex_vector.h"

namespace {

using namespace wire::reload;
using tests::from_hex;
using Bytes = std::vector<std::byte>;

constexpr const char* kNodeA = "0110 00000000 00000000 00000000 0000000a";
constexpr const char* kNodeB = "0110 00000000 00000000 00000000 0000000b";
constexpr const char* kResource = "02 04 03 464f4f";

Bytes join(std::initializer_list<const char*> entries) {
  Bytes list;
  for (const char* entry : entries) {
    const Bytes bytes = from_hex(entry);
    list.insert(list.end(), bytes.begin(), bytes.end());
  }
  return list;
}

Destination read(const Bytes& list) {
  Destination entry;
  EXPECT_TRUE(read_destination(list, entry).ok());
  return entry;
}

void expect_fault(ParseError error, ParseFault fault, std::uint32_t offset) {
  EXPECT_STREQ(fault_name(error.fault), fault_name(fault));
  EXPECT_EQ(error.offset, offset);
}

TEST(Destination, ANodeEntryHoldsSixteenBytes) {
  const Bytes list = join({kNodeA});
  ASSERT_EQ(list.size(), kNodeEntryBytes);
  const Destination entry = read(list);
  EXPECT_EQ(entry.type, DestinationType::kNode);
  EXPECT_FALSE(entry.compact);
  EXPECT_EQ(entry.node_id().high(), 0U);
  EXPECT_EQ(entry.node_id().low(), 10U);
  EXPECT_EQ(entry.entry.size(), kNodeEntryBytes);
}

TEST(Destination, TheResourceFooKeepsItsOwnLengthByte) {
  const Bytes foo = from_hex("464f4f");
  Bytes encoded(6);
  EXPECT_EQ(write_resource_entry(foo, encoded), 6U);
  EXPECT_EQ(encoded, from_hex(kResource));
  const Destination entry = read(encoded);
  EXPECT_EQ(entry.type, DestinationType::kResource);
  EXPECT_TRUE(std::ranges::equal(entry.value, foo));
}

TEST(Destination, ASixteenByteResourceTakesNineteenBytes) {
  Bytes encoded(32);
  EXPECT_EQ(write_resource_entry(Bytes(16, std::byte{1}), encoded), 19U);
  EXPECT_EQ(encoded[0], std::byte{0x02});
  EXPECT_EQ(encoded[1], std::byte{0x11});
  EXPECT_EQ(encoded[2], std::byte{0x10});
}

TEST(Destination, ATwoByteEntryIsTheOpaqueIdOfItsTwoBytes) {
  const Bytes compact = from_hex("9002");
  const Bytes full = from_hex("03 03 02 9002");
  const Destination a = read(compact);
  const Destination b = read(full);
  EXPECT_TRUE(a.compact);
  EXPECT_FALSE(b.compact);
  EXPECT_EQ(a.type, DestinationType::kOpaque);
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.wire_type, b.wire_type);
  EXPECT_TRUE(std::ranges::equal(a.value, b.value));
  EXPECT_EQ(a.entry.size(), kCompactEntryBytes);
}

TEST(Destination, AnUnknownTypeIsSteppedOverByItsLength) {
  const Destination entry = read(from_hex("7f 02 0102 9002"));
  EXPECT_EQ(entry.type, DestinationType::kInvalid);
  EXPECT_EQ(entry.wire_type, 0x7f);
  EXPECT_EQ(entry.entry.size(), 4U);
  EXPECT_EQ(entry.value.size(), 2U);
}

TEST(Destination, MalformedEntriesAreRefusedWhereTheyGoWrong) {
  Destination entry;
  expect_fault(read_destination({}, entry), ParseFault::kTruncated, 0);
  expect_fault(read_destination(from_hex("90"), entry), ParseFault::kTruncated, 1);
  expect_fault(read_destination(from_hex("01"), entry), ParseFault::kTruncated, 1);
  expect_fault(read_destination(from_hex("0110 00"), entry), ParseFault::kTruncated, 1);
  expect_fault(read_destination(from_hex("010100"), entry), ParseFault::kBadDestination, 1);
  expect_fault(read_destination(from_hex("0200"), entry), ParseFault::kBadDestination, 1);
  expect_fault(read_destination(from_hex("02020200"), entry), ParseFault::kBadDestination, 2);
  expect_fault(read_destination(from_hex("03020000"), entry), ParseFault::kBadDestination, 2);
  const Bytes zero = join({"0110", "00000000 00000000 00000000 00000000"});
  expect_fault(read_destination(zero, entry), ParseFault::kBadDestination, 2);
}

TEST(Destination, AResourceStandsOnlyLastInADestinationList) {
  EXPECT_TRUE(check_destination_list(join({kNodeA, kResource}), ListKind::kDestination).ok());
  expect_fault(check_destination_list(join({kResource, kNodeA}), ListKind::kDestination),
               ParseFault::kMisplacedResource, 0);
  expect_fault(check_destination_list(join({kNodeA, kResource}), ListKind::kVia, 38),
               ParseFault::kMisplacedResource, 38 + 18);
}

TEST(Destination, AListIsCheckedToItsEnd) {
  EXPECT_TRUE(check_destination_list({}, ListKind::kVia).ok());
  EXPECT_TRUE(check_destination_list(join({kNodeA, "9002", kNodeB}), ListKind::kVia).ok());
  expect_fault(check_destination_list(join({kNodeA, "9002", "0700"}), ListKind::kVia, 100),
               ParseFault::kUnknownDestination, 120);
  expect_fault(check_destination_list(join({kNodeA, "0000"}), ListKind::kDestination),
               ParseFault::kUnknownDestination, 18);
  expect_fault(check_destination_list(join({kNodeA, "0110 00"}), ListKind::kDestination, 38),
               ParseFault::kTruncated, 38 + 18 + 1);
}

TEST(Destination, ANodeOrResourceNamedTwiceIsADuplicate) {  // B-37
  EXPECT_FALSE(has_duplicate_entries({}));
  EXPECT_FALSE(has_duplicate_entries(join({kNodeA, "9002", kNodeB, "9003"})));
  EXPECT_TRUE(has_duplicate_entries(join({kNodeA, kNodeB, kNodeA})));
  // The same bytes as another type are another entry.
  EXPECT_FALSE(has_duplicate_entries(join({"03 04 03 464f4f", kResource})));
}

TEST(Destination, EqualOpaqueIdsAreNoDuplicateBecauseEachNodeReadsItsOwn) {  // B-37, B-28
  EXPECT_FALSE(has_duplicate_entries(join({kNodeA, "8003", "8003", "8003"})));
  EXPECT_FALSE(has_duplicate_entries(join({"9002", "03 03 02 9002"})));
}

TEST(Destination, AListOfMoreThan64EntriesCountsAsDuplicated) {  // B-37
  Bytes list;
  for (unsigned i = 0; i < 64; ++i) {
    list.push_back(std::byte{0x80});
    list.push_back(static_cast<std::byte>(i));
  }
  EXPECT_FALSE(has_duplicate_entries(list));
  list.push_back(std::byte{0x80});
  list.push_back(std::byte{64});
  EXPECT_TRUE(has_duplicate_entries(list));
}

TEST(Destination, AReversedListHasTheSameEntriesTheOtherWayRound) {  // B-23
  const Bytes list = join({kNodeA, "9002", "03 04 03 010203", kNodeB});
  Bytes reversed(list.size());
  reverse_list(list, reversed);
  EXPECT_EQ(reversed, join({kNodeB, "03 04 03 010203", "9002", kNodeA}));
}

TEST(Destination, WritersRefuseWhatDoesNotFit) {
  const NodeId id = NodeId::wildcard();
  Bytes room(kNodeEntryBytes);
  EXPECT_EQ(write_node_entry(id, room), kNodeEntryBytes);
  EXPECT_EQ(read(room).node_id(), id);
  EXPECT_EQ(write_node_entry(id, std::span(room).first(17)), 0U);
  Bytes large(300);
  EXPECT_EQ(write_opaque_entry(Bytes(254), large), 257U);  // at most 254 bytes
  EXPECT_EQ(write_opaque_entry(Bytes(255), large), 0U);
  EXPECT_EQ(write_resource_entry(Bytes(4), std::span(large).first(6)), 0U);
}

TEST(CompactId, EverySlotAndGenerationSurvivesTheWire) {  // B-29
  for (const std::uint16_t slot : std::array<std::uint16_t, 4>{0, 1, 2047, 4095}) {
    for (std::uint8_t generation = 0; generation < 8; ++generation) {
      const std::uint16_t word = CompactId{slot, generation}.encode();
      EXPECT_NE(word & 0x8000, 0);
      EXPECT_EQ(CompactId::decode(word).slot, slot);
      EXPECT_EQ(CompactId::decode(word).generation, generation);
    }
  }
}

}  // namespace
