// SPDX-License-Identifier: Apache-2.0
// Reassembly, the static ring, sequence numbers, evidence.

#include <gtest/gtest.h>

#include "controlplane/admin/latency_histogram.h"
#include "controlplane/overlay/configuration_sequence.h"
#include "tests/controlplane/test_overlay.h"

namespace tests {
namespace {

using controlplane::overlay::compare_sequence;
using controlplane::overlay::Delivery;
using controlplane::overlay::Reassembled;
using controlplane::overlay::Reassembly;
using controlplane::overlay::ReassemblyLimits;
using controlplane::overlay::SequenceOrder;
using controlplane::topology::StaticTopology;
using controlplane::trust::EvidenceBook;
using wire::reload::Bytes;
using Verdict = Reassembly::Verdict;

TEST(ConfigurationSequence, RisesModulo65535) {
  EXPECT_EQ(compare_sequence(0, 65534), SequenceOrder::kNewer);
  EXPECT_EQ(compare_sequence(65534, 0), SequenceOrder::kOlder);
  EXPECT_EQ(compare_sequence(5, 5), SequenceOrder::kSame);
  EXPECT_EQ(compare_sequence(32767, 0), SequenceOrder::kNewer);
  EXPECT_EQ(compare_sequence(32768, 0), SequenceOrder::kOlder);
}

Bytes fragment(std::uint64_t transaction, std::uint32_t offset, std::size_t size, bool last,
               unsigned fill, unsigned via = 1) {
  wire::reload::ForwardingHeader header;
  header.transaction_id = wire::reload::TransactionId{transaction};
  header.fragment = wire::reload::FragmentWord::make(offset, last);
  header.via_list_length = 18;
  header.destination_list_length = 18;
  header.length = static_cast<std::uint32_t>(header.size() + size);
  Bytes bytes(wire::reload::kFixedHeaderBytes);
  wire::reload::write_forwarding_header(header, bytes);
  for (const auto& entry : {to_node(node_id(via)), to_node(node_id(2))}) {
    bytes.insert(bytes.end(), entry.begin(), entry.end());
  }
  bytes.resize(header.length, static_cast<std::byte>(fill));
  return bytes;
}

class ReassemblyTest : public testing::Test {
 protected:
  Verdict add(const Bytes& bytes, std::uint64_t ns = 0, std::uint16_t slot = 0,
              bool verified = true) {
    return reassembly_.add(at(ns), Delivery{bytes, {slot, 0}, verified}, whole_);
  }
  Reassembly reassembly_{ReassemblyLimits{}};
  Reassembled whole_;
};

TEST_F(ReassemblyTest, PutsPiecesTogetherInAnyOrder) {
  EXPECT_EQ(add(fragment(1, 600, 10, true, 3)), Verdict::kHeld);
  EXPECT_EQ(add(fragment(1, 0, 300, false, 1)), Verdict::kHeld);
  EXPECT_EQ(add(fragment(1, 300, 300, false, 2)), Verdict::kComplete);
  wire::reload::ForwardingHeader header;
  ASSERT_TRUE(wire::reload::parse_forwarding_header(whole_.message, header).ok());
  EXPECT_TRUE(header.fragment.is_whole());
  ASSERT_EQ(whole_.message.size(), header.size() + 610);
  EXPECT_EQ(whole_.message[header.size() + 299], std::byte{1});
  EXPECT_EQ(whole_.message[header.size() + 300], std::byte{2});
  EXPECT_EQ(whole_.message.back(), std::byte{3});
  EXPECT_TRUE(whole_.verified);
  EXPECT_EQ(reassembly_.bytes_held(), 0U);
  EXPECT_EQ(reassembly_.size(), 0U);
}

TEST_F(ReassemblyTest, TrustsTheWholeOnlyWhenEveryPieceWasVerified) {
  EXPECT_EQ(add(fragment(1, 0, 300, false, 1), 0, 0, false), Verdict::kHeld);
  EXPECT_EQ(add(fragment(1, 300, 10, true, 1)), Verdict::kComplete);
  EXPECT_FALSE(whole_.verified);
}

TEST_F(ReassemblyTest, TakesOverlapsThatAgreeAndDropsThoseThatDoNot) {
  EXPECT_EQ(add(fragment(1, 0, 300, false, 1)), Verdict::kHeld);
  EXPECT_EQ(add(fragment(1, 256, 256, false, 1)), Verdict::kHeld);
  EXPECT_EQ(add(fragment(1, 280, 300, false, 2)), Verdict::kDropped);
  EXPECT_EQ(reassembly_.size(), 0U);
}

TEST_F(ReassemblyTest, DropsPiecesBeyondTheEndAndSecondEnds) {
  EXPECT_EQ(add(fragment(1, 300, 100, true, 1)), Verdict::kHeld);
  EXPECT_EQ(add(fragment(1, 300, 300, false, 1)), Verdict::kDropped);
  EXPECT_EQ(add(fragment(2, 300, 100, true, 1)), Verdict::kHeld);
  EXPECT_EQ(add(fragment(2, 300, 90, true, 1)), Verdict::kDropped);
  EXPECT_EQ(add(fragment(3, 600, 300, false, 1)), Verdict::kHeld);
  EXPECT_EQ(add(fragment(3, 300, 90, true, 1)), Verdict::kDropped);
}

TEST_F(ReassemblyTest, KeepsLinksAndViaListsApart) {
  EXPECT_EQ(add(fragment(1, 0, 300, false, 1, 1)), Verdict::kHeld);
  EXPECT_EQ(add(fragment(1, 300, 10, true, 1, 9)), Verdict::kHeld) << "another first Via entry";
  EXPECT_EQ(add(fragment(1, 300, 10, true, 1, 1), 0, 5), Verdict::kHeld) << "another link";
  EXPECT_EQ(add(fragment(1, 300, 10, true, 1, 1)), Verdict::kComplete);
}

TEST_F(ReassemblyTest, DropsWhatIsTooSmallOrTooLarge) {
  EXPECT_EQ(add(fragment(1, 0, 255, false, 1)), Verdict::kDropped);  // D-04
  EXPECT_EQ(add(fragment(2, 4900, 100, true, 1)), Verdict::kDropped);
}

TEST_F(ReassemblyTest, IsBoundedPerLinkAndInAll) {  // D-14
  ReassemblyLimits limits;
  limits.bytes = 3000;
  limits.bytes_per_link = 1000;
  limits.messages = 6;
  Reassembly small(limits);
  std::size_t held = 0;
  for (std::uint64_t i = 0; i < 100; ++i) {
    const Bytes bytes = fragment(i, 0, 256, false, 1);
    const auto slot = static_cast<std::uint16_t>(i % 10);
    if (small.add(at(0), Delivery{bytes, {slot, 0}, true}, whole_) == Verdict::kHeld) ++held;
    EXPECT_LE(small.bytes_held(), limits.bytes);
  }
  EXPECT_EQ(held, 6U);
  Reassembly one_link(limits);
  for (std::uint64_t i = 0; i < 6; ++i) {
    const Bytes bytes = fragment(i, 0, 300, false, 1);
    const auto verdict = one_link.add(at(0), Delivery{bytes, {0, 0}, true}, whole_);
    EXPECT_EQ(verdict, i < 3 ? Verdict::kHeld : Verdict::kDropped);
  }
}

TEST_F(ReassemblyTest, ForgetsAfterFifteenSeconds) {  // D-13
  EXPECT_EQ(add(fragment(1, 0, 300, false, 1)), Verdict::kHeld);
  EXPECT_EQ(reassembly_.expire(at(15 * kSecond - 1)), 0U);
  EXPECT_EQ(reassembly_.expire(at(15 * kSecond)), 1U);
  EXPECT_EQ(reassembly_.bytes_held(), 0U);
}

TEST(Topology, FindsThePredecessorAcrossTheWrap) {
  const StaticTopology lowest(
      node_id(0x10), true,
      {{node_id(0x80), 0, true}, {node_id(0xc0), 1, true}, {node_id(0xe0), 2, false}});
  EXPECT_EQ(lowest.predecessor(), node_id(0xc0)) << "the client at 0xe0 is no predecessor";
  EXPECT_TRUE(lowest.is_responsible(node_id(0xff).bytes));
  EXPECT_TRUE(lowest.is_responsible(node_id(0x10).bytes));
  EXPECT_FALSE(lowest.is_responsible(node_id(0x10, 1).bytes));
  EXPECT_FALSE(lowest.is_responsible(node_id(0xc0).bytes));
  const StaticTopology middle(node_id(0x90), true,
                              {{node_id(0x80), 0, true}, {node_id(0xc0), 1, true}});
  EXPECT_EQ(middle.predecessor(), node_id(0x80));
  const StaticTopology alone(node_id(0x90), true, {});
  EXPECT_EQ(alone.predecessor(), node_id(0x90));
  EXPECT_TRUE(alone.is_responsible(node_id(0x91).bytes));
  const StaticTopology client(node_id(0x90), false, {{node_id(0x80), 0, true}});
  EXPECT_FALSE(client.is_responsible(node_id(0x90).bytes));
}

TEST(Topology, ListsConnectionsAndRoutingPeersInOrder) {
  const auto table = std::make_unique<wire::shm::RouteTable>();
  StaticTopology topology(
      node_id(0x10), true,
      {{node_id(0xc0), 0, true}, {node_id(0x20), 1, false}, {node_id(0x80), 2, true}});
  topology.fill_routes(*table);
  ASSERT_EQ(table->connection_count, 3U);
  EXPECT_EQ(table->connections[0].id, node_id(0x20));
  EXPECT_EQ(table->connections[1].link_slot, 2);
  ASSERT_EQ(table->peer_count, 2U);  // B-15: the client takes no transit traffic
  EXPECT_EQ(table->peers[0].id, node_id(0x80));
  EXPECT_EQ(table->predecessor, node_id(0xc0));
  EXPECT_EQ(table->is_peer, 1U);

  const auto changes = [&topology](std::uint16_t slot, bool usable) {
    controlplane::topology::Wishes wishes;
    topology.link_changed(at(kSecond), slot, usable, wishes);
    return wishes.routes_changed;
  };
  EXPECT_TRUE(changes(2, false));
  EXPECT_FALSE(changes(2, false)) << "nothing new";
  EXPECT_FALSE(changes(9, false)) << "no such link";
  topology.fill_routes(*table);
  EXPECT_EQ(table->connection_count, 3U);
  EXPECT_EQ(table->peer_count, 1U);
  EXPECT_TRUE(changes(2, true));
  topology.fill_routes(*table);
  EXPECT_EQ(table->peer_count, 2U);
}

wire::shm::Event evidence(std::uint8_t generation, std::uint64_t count, unsigned sample) {
  wire::shm::Event event;
  event.reason = wire::shm::DropReason::kBadSignature;
  event.link_slot = 4;
  event.generation = generation;
  event.count = count;
  event.sample_length = sample == 0 ? 0 : 2;
  event.sample[0] = static_cast<std::byte>(sample);
  event.transaction_id = sample;
  return event;
}

TEST(Evidence, IsSummedPerLinkAndReason) {
  EvidenceBook book;
  EXPECT_TRUE(book.add(at(kSecond), evidence(1, 1, 0xaa)));
  EXPECT_FALSE(book.add(at(2 * kSecond), evidence(1, 41, 0xbb)));
  EXPECT_FALSE(book.add(at(3 * kSecond), evidence(1, 8, 0)));
  ASSERT_EQ(book.entries().size(), 1U);
  const auto& [key, entry] = *book.entries().begin();
  EXPECT_EQ(key.slot, 4);
  EXPECT_EQ(entry.count, 50U);
  EXPECT_EQ(entry.first_unix_ms, kUnixMs + 1000);
  EXPECT_EQ(entry.last_unix_ms, kUnixMs + 3000);
  EXPECT_EQ(entry.sample.at(0), std::byte{0xbb});
  EXPECT_EQ(entry.transaction_id, 0xbbU);
}

TEST(Evidence, IsNotHeldAgainstTheNextNodeInTheSlot) {
  EvidenceBook book;
  book.add(at(0), evidence(1, 5, 1));
  book.add(at(1), evidence(2, 1, 1));
  ASSERT_EQ(book.entries().size(), 1U);
  EXPECT_EQ(book.entries().begin()->first.generation, 2);
  EXPECT_EQ(book.entries().begin()->second.count, 1U);
}

TEST(LatencyHistogram, IsExactWhenSmallAndCloseWhenLarge) {
  controlplane::admin::LatencyHistogram histogram;
  EXPECT_EQ(histogram.percentile(50), 0U);
  for (std::uint64_t value = 1; value <= 100; ++value) histogram.add(value);
  EXPECT_EQ(histogram.percentile(50), 50U);
  EXPECT_EQ(histogram.percentile(99), 99U);
  EXPECT_EQ(histogram.max(), 100U);
  controlplane::admin::LatencyHistogram large;
  for (std::uint64_t value = 1; value <= 100'000; ++value) large.add(value);
  EXPECT_NEAR(static_cast<double>(large.percentile(50)), 50'000.0, 800.0);
  EXPECT_NEAR(static_cast<double>(large.percentile(90)), 90'000.0, 1500.0);
  EXPECT_EQ(large.min(), 1U);
  EXPECT_EQ(large.percentile(100), 100'000U);
}

}  // namespace
}  // namespace tests
