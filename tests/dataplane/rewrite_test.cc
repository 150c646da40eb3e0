// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/rewrite.h"

#include <gtest/gtest.h>

#include <random>

#include "dataplane/stages/parse.h"
#include "dataplane/stages/route.h"
#include "tests/support/stage_rig.h"
#include "wire/byte_order.h"

namespace {

using namespace wire::reload;
using dataplane::Burst;
using dataplane::PacketContext;
using tests::burst_of;
using tests::fate;
using tests::node_at;
using wire::shm::kNoLink;
using wire::shm::LinkClass;

Bytes compact(std::uint16_t slot, std::uint8_t generation) {
  const std::uint16_t word = CompactId{slot, generation}.encode();
  return {static_cast<std::byte>(word >> 8U), static_cast<std::byte>(word & 0xffU)};
}

Bytes node_entry(const NodeId& id) {
  Bytes entry(kNodeEntryBytes);
  (void)write_node_entry(id, entry);
  return entry;
}

Bytes join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

/// A message taken apart again, which also proves that it still parses.
struct Seen {
  ForwardingHeader header;
  Bytes via, destinations, options, body;

  static Seen of(std::span<const std::byte> message) {
    Seen seen;
    EXPECT_TRUE(parse_forwarding_header(message, seen.header).ok());
    const auto part = [&message](std::size_t from, std::size_t size) {
      const auto bytes = message.subspan(from, size);
      return Bytes(bytes.begin(), bytes.end());
    };
    const ForwardingHeader& header = seen.header;
    seen.via = part(kFixedHeaderBytes, header.via_list_length);
    seen.destinations = part(header.destination_list_offset(), header.destination_list_length);
    seen.options = part(header.options_offset(), header.options_length);
    seen.body = part(header.size(), message.size() - header.size());
    EXPECT_TRUE(check_destination_list(seen.via, ListKind::kVia).ok());
    EXPECT_TRUE(check_destination_list(seen.destinations, ListKind::kDestination).ok());
    return seen;
  }
};

/// We are 500; 100 is on link 1, 900 on link 9, 600 on link 6 with a small MTU. All generation 1.
class Rewrite : public ::testing::Test {
 protected:
  Rewrite() {
    rig_.add_link(1, node_at(100));
    rig_.add_link(6, node_at(600), LinkClass::kBackbone, 800);
    rig_.add_link(9, node_at(900));
    std::vector<std::pair<NodeId, std::uint16_t>> peers{
        {node_at(100), 1}, {node_at(600), 6}, {node_at(900), 9}};
    rig_.set_routes(node_at(500), node_at(400), peers, peers);
    rig_.policy.max_message_size = 60'000;
  }
  std::string rewrite(const Bytes& message, std::uint16_t link_in = 1) {
    StageRig::free(burst_);
    burst_ = burst_of({rig_.packet(message, link_in)});
    if (link_in == kNoLink) burst_.context(0).injected = true;
    return run();
  }
  std::string run() {
    dataplane::parse(burst_, rig_.policy);
    dataplane::route(burst_, *rig_.routes, *rig_.links);
    EXPECT_EQ(burst_.dropped, 0U) << fate(burst_);
    dataplane::rewrite(burst_, rig_.policy, *rig_.links, rig_.rewrite_state, *rig_.counters);
    return fate(burst_);
  }
  std::span<const std::byte> bytes(unsigned i = 0) { return dataplane::bytes_of(burst_.mbufs[i]); }
  using StageRig = tests::StageRig;
  MessageBuilder to() {
    return MessageBuilder()
        .overlay(rig_.policy.overlay)
        .ttl(50)
        .transaction(TransactionId{7})
        .contents(MessageCode::kPingReq, ping_request_body(10));
  }
  /// A message whose payload behind the forwarding header has @p bytes bytes.
  Bytes of_payload(MessageBuilder builder, std::size_t bytes) {
    const Bytes least = builder.contents(MessageCode::kPingReq, {}).sign(forger_.identity);
    const std::size_t overhead = Seen::of(least).body.size();
    EXPECT_GE(bytes, overhead);
    return builder.contents(MessageCode::kPingReq, Bytes(bytes - overhead)).sign(forger_.identity);
  }
  void TearDown() override {
    StageRig::free(burst_);
    while (dataplane::release_pieces(burst_, rig_.rewrite_state) != 0) StageRig::free(burst_);
    EXPECT_EQ(rig_.rewrite_state.waiting_messages, 0U);
    EXPECT_EQ(rig_.mbufs_in_use(), 0U);
  }

  StageRig rig_;
  tests::TestSigner forger_ = tests::make_forger(1);
  Burst burst_;
};

TEST_F(Rewrite, AppendsTheCompactIdOfTheLinkARequestCameFrom) {  // B-17, B-29
  const Bytes before = to().via(node_at(3)).destination(node_at(900)).sign(forger_.identity);
  ASSERT_EQ(rewrite(before), "live");
  const Seen seen = Seen::of(bytes());
  EXPECT_EQ(seen.via, join({node_entry(node_at(3)), compact(1, 1)}));
  EXPECT_EQ(seen.destinations, node_entry(node_at(900)));
  EXPECT_EQ(seen.body, Seen::of(before).body);
  EXPECT_EQ(seen.header.length, before.size() + 2);
  EXPECT_EQ(burst_.context(0).header.length, bytes().size());
  EXPECT_EQ(rig_.counters->forwarded.get(), 1U);
}

TEST_F(Rewrite, AppendsTheWholeNodeIdWhenThePolicySaysSo) {  // B-17
  rig_.policy.full_via_entries = 1;
  ASSERT_EQ(rewrite(to().destination(node_at(900)).sign(forger_.identity)), "live");
  EXPECT_EQ(Seen::of(bytes()).via, node_entry(node_at(100)));
}

TEST_F(Rewrite, AppendsNothingToAResponse) {  // B-21
  ASSERT_EQ(rewrite(to().destination(node_at(900))
                        .contents(MessageCode::kPingAns, ping_answer_body(1, 2))
                        .sign(forger_.identity)),
            "live");
  EXPECT_TRUE(Seen::of(bytes()).via.empty());
}

TEST_F(Rewrite, TakesOneFromTheTtlOfMessagesInTransitOnly) {  // B-32, X-18
  ASSERT_EQ(rewrite(to().destination(node_at(900)).sign(forger_.identity)), "live");
  EXPECT_EQ(Seen::of(bytes()).header.ttl, 49);
  EXPECT_EQ(burst_.context(0).header.ttl, 50);  // as received, for the trace
  ASSERT_EQ(rewrite(to().destination(node_at(900)).sign(forger_.identity), kNoLink), "live");
  EXPECT_EQ(Seen::of(bytes()).header.ttl, 50);
  EXPECT_TRUE(Seen::of(bytes()).via.empty());
  EXPECT_EQ(rig_.counters->forwarded.get(), 1U);
}

TEST_F(Rewrite, PopsItsOwnEntry) {  // B-08
  const Bytes before = to().destination(node_at(500))
                           .destination(node_at(900))
                           .option(9, 0, {})
                           .sign(forger_.identity);
  ASSERT_EQ(rewrite(before), "live");
  const Seen seen = Seen::of(bytes());
  EXPECT_EQ(seen.destinations, node_entry(node_at(900)));
  EXPECT_EQ(seen.options, Seen::of(before).options);
  EXPECT_EQ(seen.body, Seen::of(before).body);
  EXPECT_EQ(seen.header.length, before.size() - kNodeEntryBytes + kCompactEntryBytes);
}

TEST_F(Rewrite, PutsTheNodeIdInThePlaceOfItsOpaqueId) {  // B-09, B-28
  ASSERT_EQ(rewrite(to().destination(node_at(500))
                        .destination_entry(compact(1, 1))
                        .destination(node_at(3))
                        .contents(MessageCode::kPingAns, ping_answer_body(1, 2))
                        .sign(forger_.identity),
                    9),
            "live");
  EXPECT_EQ(Seen::of(bytes()).destinations,
            join({node_entry(node_at(100)), node_entry(node_at(3))}));
  EXPECT_EQ(burst_.context(0).next_hop, 1);
}

TEST_F(Rewrite, LeavesTheBodyWhereItIs) {
  const Bytes before = to().destination(node_at(900)).sign(forger_.identity);
  StageRig::free(burst_);
  burst_ = burst_of({rig_.packet(before, 1)});
  const std::byte* const end = bytes().data() + bytes().size();
  ASSERT_EQ(run(), "live");
  EXPECT_EQ(bytes().data() + bytes().size(), end);
}

TEST_F(Rewrite, AMessageForThisNodeOnlyLosesOwnEntriesInFront) {
  const Bytes before = to().via(node_at(3))
                           .destination(node_at(500))
                           .destination(NodeId::wildcard())
                           .sign(forger_.identity);
  ASSERT_EQ(rewrite(before), "live");
  EXPECT_TRUE(burst_.context(0).deliver);
  const Seen seen = Seen::of(bytes());
  EXPECT_EQ(seen.destinations, node_entry(NodeId::wildcard()));
  EXPECT_EQ(seen.via, node_entry(node_at(3)));
  EXPECT_EQ(seen.header.ttl, 50);
}

TEST_F(Rewrite, LeavesRoomForTheHeadersOfLinkSend) {
  const Bytes before = to().destination(node_at(900)).sign(forger_.identity);
  const auto with_headroom = [&](unsigned headroom) {
    StageRig::free(burst_);
    burst_ = burst_of({rig_.packet(before, 1)});
    rte_mbuf* const mbuf = burst_.mbufs[0];
    std::byte* const old = rte_pktmbuf_mtod(mbuf, std::byte*);
    mbuf->data_off = static_cast<std::uint16_t>(headroom);
    std::memmove(rte_pktmbuf_mtod(mbuf, std::byte*), old, before.size());
    return run();
  };
  EXPECT_EQ(with_headroom(dataplane::kLinkHeadroom + 2), "live");
  EXPECT_EQ(with_headroom(dataplane::kLinkHeadroom + 1), "headroom_exhausted");
}

TEST_F(Rewrite, KnowsWhatEachKindOfLinkAddsToAMessage) {
  wire::shm::LinkRecord link;
  link.remote.family = 4;
  EXPECT_EQ(dataplane::message_room(link), 1500U - 20 - 8 - 8);
  link.protocol = wire::shm::LinkProtocol::kDtls;
  EXPECT_EQ(dataplane::message_room(link), 1500U - 20 - 8 - 8 - 37) << "header, nonce, tag";
  EXPECT_EQ(dataplane::link_headroom(link), dataplane::kLinkHeadroom + 21);
  link.remote.family = 6;
  EXPECT_EQ(dataplane::message_room(link), 1500U - 40 - 8 - 8 - 37);
  link.protocol = wire::shm::LinkProtocol::kVirtual;
  EXPECT_EQ(dataplane::message_room(link), wire::shm::kMaxPacketBytes) << "a stream has no MTU";
}

TEST_F(Rewrite, RefusesAViaListThatMakesTheMessageTooLong) {
  const Bytes before = to().destination(node_at(900)).sign(forger_.identity);
  rig_.policy.max_message_size = static_cast<std::uint32_t>(before.size() + 2);
  EXPECT_EQ(rewrite(before), "live");
  rig_.policy.max_message_size = static_cast<std::uint32_t>(before.size() + 1);
  EXPECT_EQ(rewrite(before), "via_too_long");
}

TEST_F(Rewrite, DropsWhenTheNextLinkWentMeanwhile) {
  burst_ = burst_of({rig_.packet(to().destination(node_at(900)).sign(forger_.identity), 1)});
  dataplane::parse(burst_, rig_.policy);
  dataplane::route(burst_, *rig_.routes, *rig_.links);
  rig_.links->remove(9, 1);
  dataplane::rewrite(burst_, rig_.policy, *rig_.links, rig_.rewrite_state, *rig_.counters);
  EXPECT_EQ(fate(burst_), "no_route");
}

TEST_F(Rewrite, CutsWhatExceedsTheNextLinksMtu) {  // D-03 to D-07, D-16
  const Bytes before = of_payload(to().destination(node_at(600)).option(9, 0, Bytes(3)), 1800);
  ASSERT_EQ(rewrite(before), "live");
  std::vector<Bytes> pieces{Bytes(bytes().begin(), bytes().end())};
  Burst more;
  ASSERT_NE(dataplane::release_pieces(more, rig_.rewrite_state), 0U);
  for (unsigned i = 0; i < more.size; ++i) {
    const auto piece = dataplane::bytes_of(more.mbufs[i]);
    pieces.emplace_back(piece.begin(), piece.end());
    EXPECT_TRUE(more.context(i).unledgered);
    EXPECT_EQ(more.context(i).next_hop, 6);
  }
  StageRig::free(more);
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(rig_.counters->generated.get(), 2U);
  EXPECT_EQ(rig_.counters->forwarded.get(), 1U);
  Bytes body;
  for (const Bytes& piece : pieces) {
    const Seen seen = Seen::of(piece);
    EXPECT_LE(piece.size(), 800U - dataplane::link_overhead(4) - 32);     // D-06
    EXPECT_GE(seen.body.size(), 256U);                                    // D-04
    EXPECT_EQ(seen.header.length, piece.size());                          // D-07
    EXPECT_EQ(seen.header.fragment.offset(), body.size());                // D-09
    EXPECT_EQ(seen.header.fragment.is_last(), &piece == &pieces.back());  // D-09
    EXPECT_EQ(seen.via, compact(1, 1));                                   // D-03
    EXPECT_EQ(seen.destinations, node_entry(node_at(600)));
    EXPECT_EQ(seen.options.size(), 7U);
    EXPECT_EQ(seen.header.ttl, 49);
    EXPECT_EQ(seen.header.transaction_id, TransactionId{7});
    EXPECT_EQ(seen.body.size(), 600U);  // D-06: equal
    body.insert(body.end(), seen.body.begin(), seen.body.end());
  }
  EXPECT_EQ(body, Seen::of(before).body);
}

TEST_F(Rewrite, CutsAFragmentAgain) {  // D-01
  const Bytes message = of_payload(to().destination(node_at(600)), 1800);
  for (const Bytes& fragment : fragment_message(message, 1100)) {
    const Seen before = Seen::of(fragment);
    ASSERT_EQ(rewrite(fragment), "live");
    const Seen first = Seen::of(bytes());
    Burst more;
    ASSERT_EQ(dataplane::release_pieces(more, rig_.rewrite_state), 1U);
    const Seen second = Seen::of(dataplane::bytes_of(more.mbufs[0]));
    EXPECT_EQ(first.header.fragment.offset(), before.header.fragment.offset());
    EXPECT_FALSE(first.header.fragment.is_last());
    EXPECT_EQ(second.header.fragment.offset(), before.header.fragment.offset() + first.body.size());
    EXPECT_EQ(second.header.fragment.is_last(), before.header.fragment.is_last());
    EXPECT_EQ(join({first.body, second.body}), before.body);
    StageRig::free(more);
  }
}

TEST_F(Rewrite, KeepsTheOrderOfMessagesAroundACut) {
  const auto small = [this](std::uint64_t id) {
    return to().transaction(TransactionId{id}).destination(node_at(600)).sign(forger_.identity);
  };
  const auto large = [this](std::uint64_t id) {
    return of_payload(to().transaction(TransactionId{id}).destination(node_at(600)), 1200);
  };
  burst_ = burst_of({rig_.packet(small(1), 1), rig_.packet(large(2), 1), rig_.packet(small(3), 1),
                     rig_.packet(large(4), 1), rig_.packet(small(5), 1)});
  ASSERT_EQ(run(), "live");
  std::vector<std::pair<std::uint64_t, std::uint32_t>> order;  // transaction, offset
  std::size_t in_ledger = 0;
  const auto note = [&](Burst& burst) {
    for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
      const auto i = static_cast<unsigned>(std::countr_zero(left));
      const Seen seen = Seen::of(dataplane::bytes_of(burst.mbufs[i]));
      order.emplace_back(static_cast<std::uint64_t>(seen.header.transaction_id),
                         seen.header.fragment.offset());
      in_ledger += burst.context(i).unledgered ? 0U : 1U;
    }
    StageRig::free(burst);
  };
  note(burst_);
  EXPECT_EQ(rig_.rewrite_state.waiting_messages, 3U);
  while (dataplane::release_pieces(burst_, rig_.rewrite_state) != 0) note(burst_);
  const std::vector<std::pair<std::uint64_t, std::uint32_t>> expected{
      {1, 0}, {2, 0}, {2, 600}, {3, 0}, {4, 0}, {4, 600}, {5, 0}};
  EXPECT_EQ(order, expected);
  EXPECT_EQ(in_ledger, 5U);
}

TEST_F(Rewrite, DropsWhatCannotBeCut) {  // D-05
  MessageBuilder builder = to();
  for (std::uint64_t hop = 1; hop < 30; ++hop) builder.via(node_at(hop));
  EXPECT_EQ(rewrite(of_payload(builder.destination(node_at(600)), 700)), "cannot_fragment");
}

TEST_F(Rewrite, DropsTheMessageWhenNoMbufIsLeftForItsPieces) {
  const Bytes large = of_payload(to().destination(node_at(600)), 1200);
  burst_ = burst_of({rig_.packet(large, 1)});
  std::vector<rte_mbuf*> all;
  while (rte_mbuf* const mbuf = rte_pktmbuf_alloc(rig_.pool)) all.push_back(mbuf);
  EXPECT_EQ(run(), "fragment_no_mbuf");
  for (rte_mbuf* const mbuf : all) rte_pktmbuf_free(mbuf);
}

TEST_F(Rewrite, WhatIsEditedStillParses) {
  std::mt19937 random(3);
  const auto below = [&random](unsigned n) { return static_cast<unsigned>(random() % n); };
  for (unsigned n = 0; n < 3000; ++n) {
    MessageBuilder builder = to();
    for (unsigned k = below(5); k != 0; --k) {
      if (below(2) == 0) {
        builder.via(node_at(below(9)));
      } else {
        builder.via_entry(compact(static_cast<std::uint16_t>(below(4096)), 0));
      }
    }
    if (below(2) == 0) builder.destination(node_at(500));
    if (below(3) == 0) builder.destination_entry(compact(1, 1));
    builder.destination(node_at(below(2) == 0 ? 900 : 600));
    if (below(3) == 0) builder.option(9, 0, Bytes(below(20)));
    if (below(2) == 0) builder.contents(MessageCode::kPingAns, ping_answer_body(1, 2));
    rig_.policy.full_via_entries = static_cast<std::uint8_t>(below(2));
    ASSERT_EQ(rewrite(builder.sign(forger_.identity), below(2) == 0 ? 1 : kNoLink), "live");
    const PacketContext edited = burst_.context(0);
    Burst again = burst_of({rig_.packet(bytes(), 1)});
    dataplane::parse(again, rig_.policy);
    ASSERT_EQ(fate(again), "live");
    EXPECT_EQ(again.context(0).header.length, edited.header.length);
    EXPECT_EQ(again.context(0).header.via_list_length, edited.header.via_list_length);
    EXPECT_EQ(again.context(0).header.destination_list_length,
              edited.header.destination_list_length);
    StageRig::free(again);
  }
}

}  // namespace
