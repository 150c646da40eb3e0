// SPDX-License-Identifier: Apache-2.0
#include "dataplane/reassembly.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "dataplane/stages/parse.h"
#include "tests/support/stage_rig.h"
#include "wire/byte_order.h"

namespace {

using namespace wire::reload;
using dataplane::Burst;
using dataplane::context_of;
using dataplane::DropReason;
using dataplane::MbufQueue;
using Table = dataplane::Reassembly;
using Outcome = Table::Outcome;
using tests::node_at;

constexpr std::uint32_t kQuota = 262'144;

class Reassembly : public ::testing::Test {
 protected:
  using StageRig = tests::StageRig;

  Reassembly() {
    rig_.add_link(0, node_at(100));
    rig_.add_link(1, node_at(101));
    rig_.policy.max_message_size = 60'000;
  }
  Bytes message(std::uint64_t id = 1, std::size_t padding = 2000) {
    return rig_.ping(node_at(7), id, padding).sign(forger_.identity);
  }
  rte_mbuf* packet(const Bytes& fragment, std::uint16_t link = 0) {
    Burst burst = tests::burst_of({rig_.packet(fragment, link)});
    dataplane::parse(burst, rig_.policy);
    EXPECT_EQ(tests::fate(burst), "live");
    return burst.mbufs[0];
  }
  /// A fragment of @p message with the payload bytes [from, to).
  static Bytes cut(const Bytes& message, std::size_t from, std::size_t to) {
    ForwardingHeader header;
    EXPECT_TRUE(parse_forwarding_header(message, header).ok());
    const std::size_t begin = header.size();
    const bool is_last = begin + to == message.size();
    header.fragment = FragmentWord::make(static_cast<std::uint32_t>(from), is_last);
    header.length = static_cast<std::uint32_t>(begin + to - from);
    Bytes piece(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(begin));
    write_forwarding_header(header, piece);
    piece.insert(piece.end(), message.begin() + static_cast<std::ptrdiff_t>(begin + from),
                 message.begin() + static_cast<std::ptrdiff_t>(begin + to));
    return piece;
  }
  static std::size_t payload(const Bytes& message) {
    ForwardingHeader header;
    EXPECT_TRUE(parse_forwarding_header(message, header).ok());
    return message.size() - header.size();
  }
  /// Adds a fragment; a refused one is freed at once.
  Table::Result add(const Bytes& fragment, std::uint16_t link = 0, std::uint32_t quota = kQuota) {
    rte_mbuf* const mbuf = packet(fragment, link);
    const Table::Result result = table_->add(mbuf, quota, rig_.turn.tsc, evicted_);
    if (result.outcome == Outcome::kRefused) rte_pktmbuf_free(mbuf);
    return result;
  }
  static std::size_t free_chain(rte_mbuf* head) {
    std::size_t count = 0;
    while (head != nullptr) {
      rte_mbuf* const next = context_of(head).piece_next;
      rte_pktmbuf_free(head);
      head = next;
      ++count;
    }
    return count;
  }
  std::size_t free_queue(MbufQueue& queue, DropReason expected) {
    std::size_t count = 0;
    while (rte_mbuf* const mbuf = queue.pop()) {
      EXPECT_TRUE(context_of(mbuf).condemned);
      EXPECT_EQ(context_of(mbuf).condemned_for, expected);
      rte_pktmbuf_free(mbuf);
      ++count;
    }
    return count;
  }
  void TearDown() override {
    MbufQueue rest;
    table_->release_all(DropReason::kShutdown, rest);
    EXPECT_EQ(free_queue(rest, DropReason::kShutdown), 0U);
    EXPECT_EQ(table_->packets(), 0U);
    EXPECT_EQ(table_->sets(), 0U);
    EXPECT_TRUE(evicted_.empty());
    EXPECT_EQ(rig_.mbufs_in_use(), 0U);
  }

  StageRig rig_;
  tests::TestSigner forger_ = tests::make_forger(1);
  std::unique_ptr<Table> table_ = Table::create();
  MbufQueue evicted_;
};

TEST_F(Reassembly, GivesBackThePiecesInTheOrderTheyCame) {
  const Bytes whole = message();
  std::vector<Bytes> pieces = fragment_message(whole, 700);
  ASSERT_EQ(pieces.size(), 4U);
  const std::vector<std::size_t> order{2, 0, 3, 1};
  Table::Result result;
  for (const std::size_t k : order) {
    EXPECT_EQ(table_->packets(), k == 2 ? 0U : table_->packets());
    result = add(pieces[k]);
  }
  ASSERT_EQ(result.outcome, Outcome::kComplete);
  EXPECT_EQ(context_of(result.head).piece_count, 3);
  rte_mbuf* mbuf = result.head;
  for (const std::size_t k : order) {
    ASSERT_NE(mbuf, nullptr);
    const auto bytes = dataplane::bytes_of(mbuf);
    EXPECT_EQ(Bytes(bytes.begin(), bytes.end()), pieces[k]);
    mbuf = context_of(mbuf).piece_next;
  }
  EXPECT_EQ(table_->packets(), 0U);
  Bytes scratch(whole.size());
  EXPECT_EQ(dataplane::assemble(result.head, scratch), whole.size());
  EXPECT_EQ(scratch, whole);
  EXPECT_EQ(free_chain(result.head), 4U);
}

TEST_F(Reassembly, DoesNotAssembleWhatDoesNotFit) {
  const Bytes whole = message();
  Table::Result result;
  for (const Bytes& piece : fragment_message(whole, 700)) result = add(piece);
  Bytes scratch(whole.size() - 1);
  EXPECT_EQ(dataplane::assemble(result.head, scratch), 0U);
  free_chain(result.head);
}

TEST_F(Reassembly, KeepsLinksAndTransactionsApart) {
  const std::vector<Bytes> one = fragment_message(message(1), 1300);
  const std::vector<Bytes> two = fragment_message(message(2), 1300);
  ASSERT_EQ(one.size(), 2U);
  EXPECT_EQ(add(one[0], 0).outcome, Outcome::kHeld);
  EXPECT_EQ(add(one[1], 1).outcome, Outcome::kHeld);  // same transaction, another link
  EXPECT_EQ(add(two[1], 0).outcome, Outcome::kHeld);
  EXPECT_EQ(table_->sets(), 3U);
  for (const Table::Result& result : {add(one[1], 0), add(one[0], 1), add(two[0], 0)}) {
    ASSERT_EQ(result.outcome, Outcome::kComplete);
    EXPECT_EQ(free_chain(result.head), 2U);
  }
}

TEST_F(Reassembly, AcceptsOverlapsWhoseBytesAgree) {  // cut differently by a retransmission
  const Bytes whole = message();
  const std::size_t size = payload(whole);
  EXPECT_EQ(add(cut(whole, 0, 800)).outcome, Outcome::kHeld);
  EXPECT_EQ(add(cut(whole, 0, 800)).outcome, Outcome::kHeld);
  EXPECT_EQ(add(cut(whole, 400, 1200)).outcome, Outcome::kHeld);
  const Table::Result result = add(cut(whole, 1100, size));
  ASSERT_EQ(result.outcome, Outcome::kComplete);
  Bytes scratch(whole.size());
  EXPECT_EQ(dataplane::assemble(result.head, scratch), whole.size());
  EXPECT_EQ(scratch, whole);
  EXPECT_EQ(free_chain(result.head), 4U);
}

TEST_F(Reassembly, RefusesAnOverlapThatChangesBytesAndGoesOnWithTheRest) {
  const Bytes whole = message();
  const std::size_t size = payload(whole);
  EXPECT_EQ(add(cut(whole, 0, 800)).outcome, Outcome::kHeld);
  Bytes other = cut(whole, 400, 1200);
  ForwardingHeader header;
  ASSERT_TRUE(parse_forwarding_header(other, header).ok());
  other[header.size() + 399] ^= std::byte{1};  // the last byte both have
  const Table::Result refused = add(other);
  EXPECT_EQ(refused.outcome, Outcome::kRefused);
  EXPECT_EQ(refused.reason, DropReason::kFragmentOverlap);
  const Table::Result result = add(cut(whole, 800, size));
  ASSERT_EQ(result.outcome, Outcome::kComplete);
  EXPECT_EQ(free_chain(result.head), 2U);
}

TEST_F(Reassembly, RefusesAnotherEndOfTheMessage) {
  const Bytes whole = message(1, 2000);
  const Bytes longer = message(1, 2300);
  EXPECT_EQ(add(cut(whole, 1000, payload(whole))).outcome, Outcome::kHeld);
  EXPECT_EQ(add(cut(longer, 2100, payload(longer))).reason, DropReason::kFragmentOverlap);
  EXPECT_EQ(add(cut(longer, 2090, 2400)).reason, DropReason::kFragmentOverlap);
  MbufQueue rest;
  table_->release_all(DropReason::kShutdown, rest);
  EXPECT_EQ(free_queue(rest, DropReason::kShutdown), 1U);
}

TEST_F(Reassembly, RefusesSmallPiecesButForTheLast) {  // D-04
  const Bytes whole = message(1, 1500);
  const std::size_t size = payload(whole);
  EXPECT_EQ(add(cut(whole, 0, 255)).reason, DropReason::kFragmentTooSmall);
  EXPECT_EQ(add(cut(whole, 0, 256)).outcome, Outcome::kHeld);
  EXPECT_EQ(add(cut(whole, size - 10, size)).outcome, Outcome::kHeld);
  const Table::Result result = add(cut(whole, 256, size - 10));
  ASSERT_EQ(result.outcome, Outcome::kComplete);
  free_chain(result.head);
}

TEST_F(Reassembly, TimesOutWhatStaysIncomplete) {  // D-13
  EXPECT_EQ(add(fragment_message(message(1), 700)[0]).outcome, Outcome::kHeld);
  rig_.advance_ms(10'000);
  EXPECT_EQ(add(fragment_message(message(1), 700)[1]).outcome, Outcome::kHeld);
  EXPECT_EQ(add(fragment_message(message(2), 700)[0]).outcome, Outcome::kHeld);
  rig_.advance_ms(4'999);
  table_->expire(rig_.turn.tsc, 15'000 * StageRig::kMs, evicted_);
  EXPECT_TRUE(evicted_.empty());
  rig_.advance_ms(1);
  table_->expire(rig_.turn.tsc, 15'000 * StageRig::kMs, evicted_);
  EXPECT_EQ(free_queue(evicted_, DropReason::kReassemblyTimeout), 2U);
  EXPECT_EQ(table_->sets(), 1U);
  rig_.advance_ms(10'000);
  table_->expire(rig_.turn.tsc, 15'000 * StageRig::kMs, evicted_);
  EXPECT_EQ(free_queue(evicted_, DropReason::kReassemblyTimeout), 1U);
}

TEST_F(Reassembly, GivesUpTheOldestMessageOfALinkWhoseQuotaIsUsedUp) {  // D-14
  const std::uint32_t quota = 3 * 1000;
  for (std::uint64_t id = 1; id <= 3; ++id) {
    EXPECT_EQ(add(cut(message(id), 0, 900), 0, quota).outcome, Outcome::kHeld);
  }
  EXPECT_EQ(add(cut(message(9), 0, 900), 1, quota).outcome, Outcome::kHeld);  // its own quota
  EXPECT_TRUE(evicted_.empty());
  EXPECT_EQ(add(cut(message(4), 0, 900), 0, quota).outcome, Outcome::kHeld);
  EXPECT_EQ(free_queue(evicted_, DropReason::kReassemblyFull), 1U);
  EXPECT_EQ(table_->sets(), 4U);
  // Message 1 went, so its rest begins a new set; message 2 is complete with its rest.
  const Bytes second = message(2);
  const Table::Result result = add(cut(second, 900, payload(second)), 0, 2 * quota);
  ASSERT_EQ(result.outcome, Outcome::kComplete);
  free_chain(result.head);
  MbufQueue rest;
  table_->release_all(DropReason::kShutdown, rest);
  EXPECT_EQ(free_queue(rest, DropReason::kShutdown), 3U);
}

TEST_F(Reassembly, DropsAMessageThatAloneExceedsTheQuota) {  // D-14
  const Bytes whole = message(1, 3000);
  EXPECT_EQ(add(cut(whole, 0, 1000), 0, 2500).outcome, Outcome::kHeld);
  EXPECT_EQ(add(cut(whole, 1000, 2000), 0, 2500).outcome, Outcome::kHeld);
  const Table::Result result = add(cut(whole, 2000, 3000), 0, 2500);
  EXPECT_EQ(result.outcome, Outcome::kRefused);
  EXPECT_EQ(result.reason, DropReason::kReassemblyFull);
  EXPECT_EQ(free_queue(evicted_, DropReason::kReassemblyFull), 2U);
  EXPECT_EQ(add(cut(whole, 0, 1000), 0, 100).reason, DropReason::kReassemblyFull);
}

TEST_F(Reassembly, ChargesASmallPieceForTheMbufItTakes) {
  const std::uint32_t quota = 2 * Table::kSmallestCharge;
  const Bytes whole = message();
  const std::size_t size = payload(whole);
  const auto tail = [&](std::uint64_t id) {
    const Bytes other = message(id);
    return cut(other, size - 1, size);
  };
  EXPECT_EQ(add(tail(1), 0, quota).outcome, Outcome::kHeld);
  EXPECT_EQ(add(tail(2), 0, quota).outcome, Outcome::kHeld);
  EXPECT_EQ(add(tail(3), 0, quota).outcome, Outcome::kHeld);
  EXPECT_EQ(free_queue(evicted_, DropReason::kReassemblyFull), 1U);
  MbufQueue rest;
  table_->release_all(DropReason::kShutdown, rest);
  EXPECT_EQ(free_queue(rest, DropReason::kShutdown), 2U);
}

TEST_F(Reassembly, BoundsThePiecesOfOneMessage) {
  const Bytes whole = message();
  for (std::size_t n = 0; n < Table::kMaxPieces; ++n) {
    EXPECT_EQ(add(cut(whole, 300, 600)).outcome, Outcome::kHeld);
  }
  EXPECT_EQ(add(cut(whole, 300, 600)).reason, DropReason::kReassemblyFull);
  EXPECT_EQ(free_queue(evicted_, DropReason::kReassemblyFull), Table::kMaxPieces);
}

TEST_F(Reassembly, RunsOutOfSetsAtTheExpenseOfTheSameLinkOnly) {
  const std::uint32_t no_quota = ~0U;
  for (std::uint64_t id = 1; id <= Table::kMaxSets; ++id) {
    EXPECT_EQ(add(cut(message(id), 0, 256), 0, no_quota).outcome, Outcome::kHeld);
  }
  EXPECT_EQ(add(cut(message(1), 0, 256), 1, no_quota).reason, DropReason::kReassemblyFull);
  EXPECT_TRUE(evicted_.empty());
  EXPECT_EQ(add(cut(message(9999), 0, 256), 0, no_quota).outcome, Outcome::kHeld);
  EXPECT_EQ(free_queue(evicted_, DropReason::kReassemblyFull), 1U);
  MbufQueue rest;
  table_->release_all(DropReason::kShutdown, rest);
  EXPECT_EQ(free_queue(rest, DropReason::kShutdown), std::size_t{Table::kMaxSets});
}

TEST_F(Reassembly, PutsManyShuffledMessagesTogether) {
  std::mt19937 random(11);
  struct Piece {
    std::uint64_t id;
    Bytes bytes;
  };
  std::vector<Piece> pieces;
  for (std::uint64_t id = 1; id <= 60; ++id) {
    for (Bytes& piece : fragment_message(message(id, 700 + id * 40), 500 + random() % 900)) {
      pieces.push_back({id, std::move(piece)});
    }
  }
  std::shuffle(pieces.begin(), pieces.end(), random);
  std::size_t complete = 0;
  for (const Piece& piece : pieces) {
    const Table::Result result = add(piece.bytes, 0, ~0U);
    ASSERT_NE(result.outcome, Outcome::kRefused);
    if (result.outcome == Outcome::kComplete) {
      const Bytes whole = message(piece.id, 700 + piece.id * 40);
      Bytes scratch(whole.size());
      ASSERT_EQ(dataplane::assemble(result.head, scratch), whole.size());
      ASSERT_EQ(scratch, whole);
      free_chain(result.head);
      ++complete;
    }
  }
  EXPECT_EQ(complete, 60U);
}

}  // namespace
