// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/route.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "dataplane/stages/parse.h"
#include "tests/support/reference_router.h"
#include "tests/support/stage_rig.h"
#include "wire/byte_order.h"
#include "wire/reload/forwarding_option.h"

namespace {

using namespace wire::reload;
using dataplane::Burst;
using dataplane::PacketContext;
using tests::burst_of;
using tests::fate;
using tests::node_at;
using wire::shm::kNoLink;

Bytes compact(std::uint16_t slot, std::uint8_t generation) {
  const std::uint16_t word = CompactId{slot, generation}.encode();
  return {static_cast<std::byte>(word >> 8U), static_cast<std::byte>(word & 0xffU)};
}

Bytes resource_at(std::uint64_t high) {
  const NodeId id = node_at(high);
  return {id.bytes.begin(), id.bytes.end()};
}

/// We are 500, responsible for (400, 500]. Peers 100 (link 1), 400 (link 4), 600 (link 6) and 900
/// (link 9); 450 (link 5) is a client in our range.
class Route : public ::testing::Test {
 protected:
  Route() {
    using wire::shm::LinkClass;
    rig_.add_link(1, node_at(100));
    rig_.add_link(4, node_at(400));
    rig_.add_link(5, node_at(450), LinkClass::kClient);
    rig_.add_link(6, node_at(600));
    rig_.add_link(9, node_at(900));
    const std::vector<std::pair<NodeId, std::uint16_t>> peers{
        {node_at(100), 1}, {node_at(400), 4}, {node_at(600), 6}, {node_at(900), 9}};
    auto connections = peers;
    connections.emplace_back(node_at(450), std::uint16_t{5});
    rig_.set_routes(node_at(500), node_at(400), connections, peers);
  }
  /// Routes a message that came over @p link_in: "deliver", "link 4", or why not.
  std::string route(const Bytes& message, std::uint16_t link_in = 1) {
    StageRig::free(burst_);
    burst_ = burst_of({rig_.packet(message, link_in)});
    return route_burst();
  }
  std::string inject(const Bytes& message) {
    StageRig::free(burst_);
    burst_ = burst_of({rig_.packet(message, kNoLink)});
    burst_.context(0).injected = true;
    return route_burst();
  }
  std::string route_burst() {
    dataplane::parse(burst_, rig_.policy);
    dataplane::route(burst_, *rig_.routes, *rig_.links);
    if (burst_.live == 0) return fate(burst_);
    return context().deliver ? "deliver" : "link " + std::to_string(context().next_hop);
  }
  using StageRig = tests::StageRig;
  const PacketContext& context() { return burst_.context(0); }
  MessageBuilder ping(const NodeId& to) { return rig_.ping(to); }
  MessageBuilder to() {
    return MessageBuilder()
        .overlay(rig_.policy.overlay)
        .ttl(50)
        .contents(MessageCode::kPingReq, ping_request_body(10));
  }
  std::string to_node(std::uint64_t high, std::uint16_t link_in = 1) {
    return route(ping(node_at(high)).sign(forger_.identity), link_in);
  }
  std::string to_resource(std::uint64_t high, std::uint16_t link_in = 1) {
    return route(to().destination_resource(resource_at(high)).sign(forger_.identity), link_in);
  }
  void TearDown() override {
    StageRig::free(burst_);
    EXPECT_EQ(rig_.mbufs_in_use(), 0U);
  }

  StageRig rig_;
  tests::TestSigner forger_ = tests::make_forger(1);
  Burst burst_;
};

TEST_F(Route, DeliversWhatIsForThisNode) {  // B-07
  EXPECT_EQ(to_node(500), "deliver");
  EXPECT_EQ(context().next_hop, kNoLink);
  EXPECT_EQ(context().pop_bytes, 0);
}

TEST_F(Route, PopsItsOwnNodeIdAndLooksAgain) {  // B-08
  EXPECT_EQ(route(ping(node_at(500)).destination(node_at(900)).sign(forger_.identity)), "link 9");
  EXPECT_EQ(context().pop_bytes, kNodeEntryBytes);
  EXPECT_EQ(route(to().destination(node_at(500))
                      .destination_resource(resource_at(450))
                      .sign(forger_.identity)),
            "deliver");
  EXPECT_EQ(context().pop_bytes, kNodeEntryBytes);
}

TEST_F(Route, ConsumesTheWildcardAndNeverForwardsIt) {  // B-04, B-10
  EXPECT_EQ(route(ping(NodeId::wildcard()).sign(forger_.identity)), "deliver");
  EXPECT_EQ(route(ping(NodeId::wildcard()).destination(node_at(900)).sign(forger_.identity)),
            "wildcard_forward");
}

TEST_F(Route, DeliversAResourceItIsResponsibleFor) {  // B-03, B-06
  EXPECT_EQ(to_resource(401), "deliver");
  EXPECT_EQ(to_resource(450), "deliver");  // although a client of that Node-ID is connected
  EXPECT_EQ(to_resource(500), "deliver");
  EXPECT_EQ(to_resource(400), "link 4");  // the predecessor's
}

TEST_F(Route, RefusesAResourceWithEntriesBehindIt) {  // B-05
  // parse lets no such list through, so the packet is altered behind its back.
  burst_ = burst_of({rig_.packet(
      to().destination(node_at(450)).destination(node_at(900)).sign(forger_.identity), 1)});
  dataplane::parse(burst_, rig_.policy);
  ASSERT_EQ(fate(burst_), "live");
  const std::span<std::byte> list =
      dataplane::bytes_of(burst_.mbufs[0]).subspan(kFixedHeaderBytes, 2 * kNodeEntryBytes);
  Bytes entries(2 * kNodeEntryBytes);
  std::size_t at = write_resource_entry(resource_at(450), entries);
  at += write_opaque_entry(Bytes(14), std::span(entries).subspan(at));
  ASSERT_EQ(at, entries.size());
  std::copy(entries.begin(), entries.end(), list.begin());
  dataplane::route(burst_, *rig_.routes, *rig_.links);
  EXPECT_EQ(fate(burst_), "resource_not_last");
}

TEST_F(Route, SendsToAConnectedNodeDirectlyAlsoToAClient) {  // B-11, B-14
  EXPECT_EQ(to_node(900), "link 9");
  EXPECT_EQ(to_node(450), "link 5");
}

TEST_F(Route, DropsANodeIdOfItsRangeThatIsNotConnected) {  // B-11
  EXPECT_EQ(to_node(460), "not_connected");
  EXPECT_EQ(to_node(401), "not_connected");
}

TEST_F(Route, SendsToTheLargestNodeIdBeforeTheTarget) {  // B-13, 10.3
  EXPECT_EQ(to_node(700), "link 6");
  EXPECT_EQ(to_node(950), "link 9");
  EXPECT_EQ(to_resource(899), "link 6");
  EXPECT_EQ(to_resource(50, 4), "link 9");  // round zero
  EXPECT_EQ(to_resource(300, 4), "link 1");
}

TEST_F(Route, SendsToTheSmallestAboveWhenNoPeerLiesBefore) {  // 10.3
  EXPECT_EQ(to_resource(550), "link 6");
  EXPECT_EQ(to_node(599), "link 6");
}

TEST_F(Route, GivesTransitTrafficToPeersOnly) {  // B-15
  // 450 lies before 480, but is a client; and only its own Node-ID is sent to it.
  rig_.routes->predecessor = node_at(490);
  EXPECT_EQ(to_resource(480), "link 4");
}

TEST_F(Route, SendsAResourceToANodeOfThatVeryId) {  // 10.3, first sentence
  rig_.routes->predecessor = node_at(490);
  EXPECT_EQ(to_resource(450), "link 5");
}

TEST_F(Route, AClientIsResponsibleForNothing) {  // B-54
  rig_.routes->is_peer = 0;
  EXPECT_EQ(to_resource(450), "link 5");
  EXPECT_EQ(to_resource(460), "link 4");
  EXPECT_EQ(to_node(500), "deliver");
}

TEST_F(Route, APeerThatKnowsNoOtherIsResponsibleForEverything) {
  rig_.set_routes(node_at(500), node_at(500), {}, {});
  EXPECT_EQ(to_resource(77), "deliver");
  EXPECT_EQ(to_node(77), "not_connected");
}

TEST_F(Route, HasNoRouteWithoutPeersOrBeforeTheFirstTable) {
  rig_.set_routes(node_at(500), node_at(400), {}, {});
  EXPECT_EQ(to_node(77), "no_route");
  *rig_.routes = {};
  EXPECT_EQ(to_node(500), "no_route");
}

TEST_F(Route, AResourceIdOfAnotherLengthIsNoPointOfTheRing) {
  EXPECT_EQ(route(to().destination_resource(Bytes(3)).sign(forger_.identity)), "no_route");
}

TEST_F(Route, ExpandsItsOwnOpaqueId) {  // B-28, B-29
  EXPECT_EQ(
      route(to().destination_entry(compact(9, 1)).destination(node_at(3)).sign(forger_.identity)),
      "link 9");
  EXPECT_EQ(context().pop_bytes, kCompactEntryBytes);
  EXPECT_EQ(context().push_node, 1);
  EXPECT_EQ(context().push_id, node_at(900));
}

TEST_F(Route, ReadsTheLongFormOfACompactIdAsTheSameThing) {
  Bytes entry(5);
  ASSERT_EQ(write_opaque_entry(compact(9, 1), entry), 5U);
  EXPECT_EQ(route(to().destination_entry(entry).sign(forger_.identity)), "link 9");
  EXPECT_EQ(context().pop_bytes, 5);
}

TEST_F(Route, ExpandsAnOpaqueIdBehindItsOwnNodeId) {  // B-08, B-09: an answer on its way back
  EXPECT_EQ(
      route(to().destination(node_at(500)).destination_entry(compact(1, 1)).sign(forger_.identity),
            9),
      "link 1");
  EXPECT_EQ(context().pop_bytes, kNodeEntryBytes + kCompactEntryBytes);
  EXPECT_EQ(context().push_id, node_at(100));
}

TEST_F(Route, DropsOpaqueIdsOfOthersAndStaleOnes) {  // B-31
  EXPECT_EQ(route(to().destination_entry(compact(2, 1)).sign(forger_.identity)), "opaque_unknown");
  EXPECT_EQ(route(to().destination_entry(compact(4000, 1)).sign(forger_.identity)),
            "opaque_unknown");
  Bytes entry(7);
  ASSERT_EQ(write_opaque_entry(Bytes(4, std::byte{0x90}), entry), 7U);
  EXPECT_EQ(route(to().destination_entry(entry).sign(forger_.identity)), "opaque_unknown");
  EXPECT_EQ(route(to().destination_entry(compact(9, 2)).sign(forger_.identity)), "opaque_stale");
}

TEST_F(Route, ForwardsNothingWithATtlOfZeroButDeliversIt) {  // B-33
  EXPECT_EQ(route(ping(node_at(900)).ttl(0).sign(forger_.identity)), "ttl_exceeded");
  EXPECT_EQ(route(ping(node_at(500)).ttl(0).sign(forger_.identity)), "deliver");
  EXPECT_EQ(route(to().ttl(0).destination_entry(compact(9, 1)).sign(forger_.identity)),
            "ttl_exceeded");
}

TEST_F(Route, ForwardsNoOptionThatIsForwardCriticalButDeliversIt) {  // B-38
  EXPECT_EQ(route(ping(node_at(900)).option(40, kForwardCritical, {}).sign(forger_.identity)),
            "unsupported_option");
  EXPECT_EQ(route(ping(node_at(500)).option(40, kForwardCritical, {}).sign(forger_.identity)),
            "deliver");
  EXPECT_EQ(route(ping(node_at(900))
                      .option(40, kDestinationCritical | kResponseCopy, {})
                      .sign(forger_.identity)),
            "link 9");
}

TEST_F(Route, DoesNotSendARequestBackWhereItCameFrom) {
  EXPECT_EQ(to_resource(700, 6), "route_loop");
  EXPECT_EQ(to_node(700, 6), "route_loop");
  EXPECT_EQ(to_node(900, 9), "route_loop");
}

TEST_F(Route, GoesBackOverTheSameLinkWhenTheListSaysSo) {
  EXPECT_EQ(route(ping(node_at(500)).destination(node_at(900)).sign(forger_.identity), 9),
            "link 9");
  EXPECT_EQ(route(to().destination_entry(compact(9, 1)).sign(forger_.identity), 9), "link 9");
  EXPECT_EQ(route(ping(node_at(500)).destination(node_at(950)).sign(forger_.identity), 9),
            "link 9");
}

TEST_F(Route, AnswersTheNodeAtTheOtherEndOverItsLinkButBouncesNoAnswer) {
  const auto answer = [this](std::uint64_t high) {
    return rig_.ping(node_at(high))
        .contents(MessageCode::kPingAns, ping_answer_body(1, 2))
        .sign(forger_.identity);
  };
  EXPECT_EQ(route(answer(900), 9), "link 9");
  EXPECT_EQ(route(answer(950), 9), "route_loop");
}

TEST_F(Route, RoutesInjectedMessagesLikeOthersAndHonoursAGivenLink) {  // B-27
  EXPECT_EQ(inject(ping(node_at(700)).sign(forger_.identity)), "link 6");
  EXPECT_EQ(inject(ping(node_at(500)).sign(forger_.identity)), "deliver");
  burst_.context(0).inject_on_link = true;
  StageRig::free(burst_);
  burst_ = burst_of({rig_.packet(ping(node_at(700)).sign(forger_.identity), kNoLink)});
  burst_.context(0).injected = true;
  burst_.context(0).inject_on_link = true;
  burst_.context(0).next_hop = 5;
  EXPECT_EQ(route_burst(), "link 5");
}

/// S-92: no divergence from the reference on random tables and messages.
class RouteAgainstReference : public ::testing::Test {
 protected:
  static constexpr unsigned kTables = 400;
  static constexpr unsigned kMessagesPerTable = 250;

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  /// Points crowd around few places, so that equal ones, neighbours and both ends of the ring
  /// occur.
  NodeId random_point() {
    NodeId id;
    const std::uint64_t high = below(4) == 0   ? 0
                               : below(3) == 0 ? ~std::uint64_t{0}
                                               : below(6) << 60U;
    const std::uint64_t low = below(2) == 0 ? below(12) : ~below(12);
    wire::store_be64(id.bytes.data(), high);
    wire::store_be64(id.bytes.data() + 8, low);
    return id.is_invalid() || id.is_wildcard() ? node_at(below(1000)) : id;
  }
  Bytes random_entry(bool last) {
    Bytes entry(kNodeEntryBytes + 1);
    switch (below(last ? 6 : 4)) {
      case 0:
        return compact(static_cast<std::uint16_t>(below(12)), static_cast<std::uint8_t>(below(3)));
      case 1:
        entry.resize(kNodeEntryBytes);
        (void)write_node_entry(below(9) == 0 ? NodeId::wildcard() : rig_.routes->self, entry);
        return entry;
      case 2:
      case 3:
        entry.resize(kNodeEntryBytes);
        (void)write_node_entry(random_point(), entry);
        return entry;
      default:
        const NodeId id = random_point();
        entry.resize(write_resource_entry(Bytes(id.bytes.begin(), id.bytes.end()), entry));
        return entry;
    }
  }
  void random_tables() {
    std::vector<std::pair<NodeId, std::uint16_t>> connections;
    std::vector<std::pair<NodeId, std::uint16_t>> peers;
    const NodeId self = random_point();
    const std::uint64_t count = below(11);
    for (std::uint16_t slot = 0; slot < count; ++slot) {
      const NodeId id = random_point();
      const auto known = [&id](const auto& entry) { return entry.first == id; };
      if (id == self || std::any_of(connections.begin(), connections.end(), known)) continue;
      connections.emplace_back(id, slot);
      if (below(4) != 0) peers.emplace_back(id, slot);
    }
    rig_.set_routes(self, below(8) == 0 ? self : random_point(), connections, peers);
    rig_.routes->is_peer = below(5) != 0 ? 1 : 0;
  }

  tests::StageRig rig_;
  std::mt19937_64 random_{20261121};
};

TEST_F(RouteAgainstReference, AgreesOnEveryOfAHundredThousandMessages) {
  for (std::uint16_t slot = 0; slot < 10; ++slot) {
    rig_.add_link(slot, node_at(slot), wire::shm::LinkClass::kBackbone, 1500,
                  static_cast<std::uint8_t>(slot % 3));
  }
  const tests::ReferenceRouter reference(*rig_.routes, *rig_.links);
  const tests::TestSigner forger = tests::make_forger(1);
  std::size_t outcomes[3] = {};
  for (unsigned table = 0; table < kTables; ++table) {
    random_tables();
    for (unsigned n = 0; n < kMessagesPerTable; ++n) {
      MessageBuilder builder;
      const std::uint64_t entries = 1 + below(4);
      for (std::uint64_t k = 0; k < entries; ++k) {
        builder.destination_entry(random_entry(k + 1 == entries));
      }
      tests::ReferenceMessage message;
      message.ttl = static_cast<std::uint8_t>(below(8) == 0 ? 0 : below(100));
      message.code = below(2) == 0 ? 0x17 : below(2) == 0 ? 0x18 : 0xffff;
      message.forward_critical = below(20) == 0;
      message.injected = below(10) == 0;
      message.link_in = static_cast<std::uint16_t>(below(10));
      builder.ttl(message.ttl).raw_code(message.code);
      if (message.forward_critical) builder.option(9, kForwardCritical, {});
      const Bytes bytes = builder.sign(forger.identity);
      Burst burst = burst_of({rig_.packet(bytes, message.link_in)});
      PacketContext& context = burst.context(0);
      context.injected = message.injected;
      dataplane::parse(burst, rig_.policy);
      ASSERT_EQ(fate(burst), "live");
      std::span<const std::byte> list = std::span<const std::byte>(bytes).subspan(
          kFixedHeaderBytes, context.header.destination_list_length);
      while (!list.empty()) {
        Destination entry;
        ASSERT_TRUE(read_destination(list, entry).ok());
        message.list.push_back(entry);
        list = list.subspan(entry.entry.size());
      }

      const tests::ReferenceRoute expected = reference.route(message);
      dataplane::route(burst, *rig_.routes, *rig_.links);
      using Kind = tests::ReferenceRoute::Kind;
      ++outcomes[static_cast<std::size_t>(expected.kind)];
      if (expected.kind == Kind::kDrop) {
        ASSERT_EQ(fate(burst),
                  wire::shm::kDropReasons[static_cast<std::size_t>(expected.reason)].name);
      } else {
        ASSERT_EQ(fate(burst), "live");
        ASSERT_EQ(context.deliver, expected.kind == Kind::kDeliver);
        ASSERT_EQ(context.pop_bytes, expected.pop_bytes);
        ASSERT_EQ(context.push_node != 0, expected.push.has_value());
        if (expected.push) {
          ASSERT_EQ(context.push_id, *expected.push);
        }
        if (expected.kind == Kind::kForward) {
          ASSERT_EQ(context.next_hop, expected.slot);
        }
      }
      tests::StageRig::free(burst);
    }
  }
  for (const std::size_t count : outcomes) EXPECT_GT(count, 5000U);  // no outcome is rare
}

}  // namespace
