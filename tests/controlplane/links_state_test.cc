// SPDX-License-Identifier: Apache-2.0
// The state machine of a link: who begins, glare, new keys, restarts of either side and of the
// dataplane, replays, limits.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

#include "tests/controlplane/links_rig.h"
#include "tests/support/hex_vector.h"

namespace tests {
namespace {

using controlplane::links::Bytes;
using controlplane::links::HandshakeSettings;
using controlplane::links::kMillisecond;
using controlplane::links::kSecond;
using controlplane::links::LinkReport;
using controlplane::links::Role;
using controlplane::links::SecureContext;
using wire::dtls::ContentType;
using wire::reload::NodeId;

NodeId node(unsigned char byte) {
  NodeId id;
  id.bytes.fill(std::byte{byte});
  return id;
}
NodeId low() { return node(0x11); }
NodeId high() { return node(0xee); }
constexpr std::array<std::byte, 2> kBytes{std::byte{1}, std::byte{2}};

std::shared_ptr<const SecureContext> context(const NodeId& id) {
  static const LinkOverlay overlay;
  return make_context(overlay.context_settings(overlay.identity(id)));
}

/// A node with a link that exists since time zero.
struct Linked : LinkNode {
  Linked(const NodeId& its_id, unsigned at, const NodeId& peer, unsigned peer_at,
         HandshakeSettings settings = {}, std::uint64_t since_ns = kSecond)
      : LinkNode(its_id, at, context(its_id), settings) {
    link_to(links_at(since_ns), peer, peer_at);
  }
};

struct Pair {
  explicit Pair(HandshakeSettings settings = {})
      : a(low(), 1, high(), 2, settings), b(high(), 2, low(), 1, settings) {}
  [[nodiscard]] bool both_secure() const { return a.is_secure() && b.is_secure(); }
  [[nodiscard]] std::size_t completed() const {
    return a.counters().completed + b.counters().completed;
  }
  Linked a;
  Linked b;
};

/// A pair whose handshake is done.
struct Secured : Pair {
  explicit Secured(HandshakeSettings settings = {}) : Pair(settings), network(a, b, 1) {
    EXPECT_TRUE(network.run_until([&] { return both_secure(); }, 5 * kSecond));
  }
  void rekey(LinkNode& from) {
    from.handshakes->want_association(network.now(), LinkNode::kSlot, LinkNode::kGeneration,
                                      from.installed.back(), from.out);
    from.carry_out();
  }
  LinkNetwork network;
};

TEST(LinksState, WhenBothBeginTheLowerNodeIdsHandshakeGoesOn) {
  for (std::uint32_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Pair pair({.patience_ns = 0});
    LinkNetwork network(pair.a, pair.b, seed, {.delay_ms = 5, .jitter_ms = 30});
    ASSERT_TRUE(network.run_until([&] { return pair.both_secure(); }, 10 * kSecond))
        << reports_of(pair.a) << reports_of(pair.b);
    network.run_for(5 * kSecond);
    EXPECT_EQ(pair.a.counters().started, 1U);
    EXPECT_EQ(pair.b.counters().started, 1U);
    EXPECT_EQ(pair.b.counters().yielded, 1U);
    EXPECT_EQ(pair.a.counters().completed, 1U);
    EXPECT_EQ(pair.b.counters().completed, 1U);
    expect_same_keys(pair.a, pair.b);
  }
}

TEST(LinksState, NewKeysComeFromANewHandshakeBesideTheOld) {
  for (const bool lower_asks : {true, false}) {
    Secured pair;
    LinkNode& asking = lower_asks ? pair.a : pair.b;
    const std::uint32_t old = pair.a.installed.back();
    pair.rekey(asking);
    // The old keys serve until the new ones are there.
    ASSERT_TRUE(pair.a.send_data(kBytes));
    ASSERT_TRUE(pair.network.run_until([&] { return pair.completed() == 4; }, 5 * kSecond));
    pair.network.run_for(kSecond);
    EXPECT_EQ(pair.b.data.size(), 1U);
    expect_same_keys(pair.a, pair.b);
    EXPECT_NE(pair.a.installed.back(), old);
    EXPECT_EQ(pair.a.counters().rekeyed, 1U);
    EXPECT_EQ(pair.b.counters().rekeyed, 1U);
    EXPECT_EQ(asking.counters().started, lower_asks ? 2U : 1U);
    EXPECT_EQ(pair.a.reports.back().kind, LinkReport::Kind::kRekeyed);
    expect_no_number_twice(pair.a);
    expect_no_number_twice(pair.b);
  }
}

TEST(LinksState, WhenBothWantNewKeysOneHandshakeServesBoth) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    Secured pair({.patience_ns = 0});
    LinkNetwork network(pair.a, pair.b, seed, {.delay_ms = 5, .jitter_ms = 30});
    network.now_ns = pair.network.now_ns + 10 * kSecond;
    pair.network.now_ns = network.now_ns;
    pair.rekey(pair.a);
    pair.rekey(pair.b);
    network.run_for(20 * kSecond);
    EXPECT_EQ(pair.a.counters().rekeyed, 1U);
    EXPECT_EQ(pair.b.counters().rekeyed, 1U);
    expect_same_keys(pair.a, pair.b);
  }
}

TEST(LinksState, ARequestAboutKeysThatAreNoLongerCurrentIsIgnored) {
  Secured pair;
  const std::uint32_t old = pair.a.installed.back();
  pair.rekey(pair.a);
  pair.network.run_for(5 * kSecond);
  ASSERT_NE(pair.a.installed.back(), old);
  pair.a.handshakes->want_association(pair.network.now(), LinkNode::kSlot, LinkNode::kGeneration,
                                      old, pair.a.out);
  pair.a.handshakes->want_association(pair.network.now(), LinkNode::kSlot, 7,
                                      pair.a.installed.back(), pair.a.out);
  pair.a.handshakes->want_association(pair.network.now(), 9, LinkNode::kGeneration, 0, pair.a.out);
  // Asked just before the keys arrived there.
  pair.rekey(pair.a);
  pair.network.run_for(5 * kSecond);
  const std::uint64_t completed = pair.a.counters().completed;
  pair.rekey(pair.a);
  pair.network.run_until([&] { return pair.a.counters().completed > completed; }, 5 * kSecond);
  pair.a.handshakes->want_association(pair.network.now(), LinkNode::kSlot, LinkNode::kGeneration, 0,
                                      pair.a.out);
  pair.a.carry_out();
  pair.network.run_for(10 * kSecond);
  EXPECT_EQ(pair.a.counters().completed, completed + 1);
}

TEST(LinksState, APeerThatStartedAnewGetsNewKeys) {
  for (const bool lower_restarts : {true, false}) {
    Secured pair;
    pair.network.run_for(10 * kSecond);
    LinkNode& stays = lower_restarts ? static_cast<LinkNode&>(pair.b) : pair.a;
    Linked anew(lower_restarts ? low() : high(), lower_restarts ? 1 : 2, stays.id, stays.address,
                {}, pair.network.now_ns);
    LinkNetwork network(stays, anew, 1);
    network.now_ns = pair.network.now_ns;
    ASSERT_TRUE(network.run_until([&] { return anew.is_secure(); }, 5 * kSecond));
    network.run_for(kSecond);
    expect_same_keys(stays, anew);
    EXPECT_EQ(stays.counters().rekeyed, 1U);
  }
}

TEST(LinksState, ADataplaneThatStartedAnewGetsNewKeys) {
  for (const bool at_lower : {true, false}) {
    Secured pair;
    LinkNode& node = at_lower ? static_cast<LinkNode&>(pair.a) : pair.b;
    const std::uint32_t old = node.installed.back();
    node.restart_dataplane(pair.network.now());
    EXPECT_EQ(node.handshakes->status()[0].association, 0U);
    ASSERT_TRUE(pair.network.run_until([&] { return pair.both_secure() && node.is_secure(); },
                                       5 * kSecond));
    pair.network.run_for(kSecond);
    expect_same_keys(pair.a, pair.b);
    EXPECT_NE(node.installed.back(), old);  // nothing is installed twice
  }
}

TEST(LinksState, ADataplaneWithoutKeysAsksForThem) {
  Secured pair;
  pair.network.run_for(10 * kSecond);
  pair.a.installed.clear();
  pair.a.handshakes->want_association(pair.network.now(), LinkNode::kSlot, LinkNode::kGeneration, 0,
                                      pair.a.out);
  pair.a.carry_out();
  EXPECT_TRUE(pair.network.run_until([&] { return pair.a.is_secure(); }, 5 * kSecond));
  expect_same_keys(pair.a, pair.b);
}

TEST(LinksState, AnAdoptedAssociationIsLeftAloneUntilThePeerBegins) {
  Secured pair;
  pair.network.run_for(10 * kSecond);
  LinkNode later(low(), 1, context(low()), {.first_association = 1000});
  later.link_to(pair.network.now(), high(), 2);
  later.handshakes->adopt(pair.network.now(), LinkNode::kSlot, LinkNode::kGeneration,
                          pair.a.installed.back());
  LinkNetwork network(later, pair.b, 1);
  network.now_ns = pair.network.now_ns;
  network.run_for(120 * kSecond);
  EXPECT_EQ(later.counters().started, 0U);
  EXPECT_TRUE(later.handshakes->status()[0].adopted);
  pair.network.now_ns = network.now_ns;
  pair.rekey(pair.b);
  ASSERT_TRUE(network.run_until([&] { return later.is_secure(); }, 5 * kSecond));
  EXPECT_EQ(later.installed.back(), 1000U);
  EXPECT_EQ(later.counters().rekeyed, 1U);
  EXPECT_FALSE(later.handshakes->status()[0].adopted);
}

TEST(LinksState, SettingTheSameLinksAgainChangesNothing) {
  Secured pair;
  pair.a.link_to(pair.network.now(), high(), 2);
  pair.network.run_for(10 * kSecond);
  EXPECT_EQ(pair.a.counters().started, 1U);
  EXPECT_TRUE(pair.a.is_secure());
  // Another peer at the same slot: the old one hears close_notify.
  pair.a.link_to(pair.network.now(), node(0x99), 3);
  pair.network.run_for(100 * kMillisecond);
  EXPECT_FALSE(pair.a.is_secure());
  EXPECT_EQ(pair.b.counters().closed, 1U);
  EXPECT_EQ(pair.b.reports.back().failure.failure, controlplane::links::Failure::kPeerClosed);
}

TEST(LinksState, ReplaysOfTheHandshakeAreNotAnswered) {
  Pair pair;
  LinkNetwork network(pair.a, pair.b, 1);
  std::vector<Bytes> to_b;
  network.swallow = [&](unsigned to, std::span<const std::byte> bytes) {
    if (to == 2) to_b.emplace_back(bytes.begin(), bytes.end());
    return false;
  };
  ASSERT_TRUE(network.run_until([&] { return pair.both_secure(); }, 5 * kSecond));
  const std::uint64_t after = pair.b.handshakes->status()[0].since_ns;
  for (int round = 0; round < 3; ++round) {
    for (const Bytes& datagram : to_b) {
      pair.b.receive(links_at(network.now_ns + kSecond), 1, datagram);
    }
  }
  // The cookie of the second ClientHello is still good, but its handshake has been.
  EXPECT_EQ(pair.b.counters().accepted, 1U);
  pair.b.handshakes->tick(links_at(network.now_ns + 40 * kSecond), pair.b.out);
  EXPECT_EQ(pair.b.counters().repeated_final_flights, 0U);
  EXPECT_EQ(pair.b.counters().completed, 1U);
  EXPECT_EQ(pair.b.handshakes->status()[0].since_ns, after);
  EXPECT_TRUE(pair.b.is_secure());
  EXPECT_EQ(pair.b.handshakes->half_open(), 0U);
}

TEST(LinksState, AForgedAlertEndsNoAssociation) {
  Secured pair;
  const LinkNode::Keys& keys = pair.b.ever.at(pair.b.installed.back());
  wire::dtls::RecordHeader header;
  header.type = ContentType::kAlert;
  header.epoch = 1;
  header.sequence = 77;
  Bytes alert;
  const std::array<std::byte, 2> fatal{std::byte{2}, std::byte{40}};
  ASSERT_TRUE(
      controlplane::links::seal_record(keys.keys.aead, keys.keys.write, header, fatal, alert));
  for (std::size_t bit = 8 * 3; bit < 8 * alert.size(); bit += 5) {
    Bytes forged = alert;
    forged[bit / 8] ^= std::byte{1} << (bit % 8);
    pair.a.receive(pair.network.now(), 2, forged);
  }
  const Bytes in_clear = from_hex("15 fefd 0000 000000000063 0002 0228");
  pair.a.receive(pair.network.now(), 2, in_clear);
  EXPECT_TRUE(pair.a.is_secure());
  EXPECT_EQ(pair.a.counters().closed, 0U);
  pair.a.receive(pair.network.now(), 2, alert);
  EXPECT_FALSE(pair.a.is_secure());
  EXPECT_EQ(pair.a.counters().closed, 1U);
  EXPECT_EQ(pair.a.reports.back().failure.failure, controlplane::links::Failure::kPeerAlert);
  EXPECT_EQ(pair.a.reports.back().failure.alert_received, 40);
}

TEST(LinksState, AForgedAlertEndsNoHandshakeThatGoesOn) {
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    Pair pair;
    LinkNetwork network(pair.a, pair.b, seed, {.loss = 10, .delay_ms = 20, .jitter_ms = 20});
    const Bytes forged = from_hex("15 fefd 0000 000000000063 0002 0228");
    const Bytes hidden = from_hex(
        "14 fefd 0000 000000000062 0001 01"
        "15 fefd 0000 000000000063 0002 0228");
    // One forged alert for every datagram that arrives, to either side.
    network.swallow = [&](unsigned to, auto) {
      LinkNode& node = to == 1 ? static_cast<LinkNode&>(pair.a) : pair.b;
      node.receive(network.now(), to == 1 ? 2 : 1, seed % 2 == 0 ? forged : hidden);
      return false;
    };
    ASSERT_TRUE(network.run_until([&] { return pair.both_secure(); }, 100 * kSecond))
        << reports_of(pair.a) << reports_of(pair.b);
  }
}

TEST(LinksState, ANewCertificateIsShownFromTheNextHandshakeOn) {
  Secured pair;
  pair.network.run_for(10 * kSecond);
  LinkOverlay other;  // that nobody here trusts
  pair.a.handshakes->set_context(make_context(other.context_settings(other.identity(low()))));
  EXPECT_TRUE(pair.a.is_secure());
  pair.rekey(pair.a);
  pair.network.run_for(5 * kSecond);
  EXPECT_GE(pair.a.counters().certificates_refused, 1U);  // its new roots do not know the peer
  pair.a.handshakes->set_context(context(low()));
  pair.network.run_for(70 * kSecond);
  EXPECT_EQ(pair.a.counters().rekeyed, 1U);
  expect_same_keys(pair.a, pair.b);
}

TEST(LinksState, FinalFlightsAreForgottenAfterAMinute) {
  for (const bool in_time : {true, false}) {
    Pair pair({.handshake_lifetime_ns = 200 * kSecond});
    LinkNetwork network(pair.a, pair.b, 1);
    std::uint64_t lost_until = 0;
    network.swallow = [&](unsigned to, auto) {
      return to == 1 && pair.b.is_secure() && network.now_ns < lost_until;
    };
    // The client repeats its flight after 1, 3, 7, 15, 31 and 63 seconds.
    lost_until = (in_time ? 20 : 50) * kSecond;
    ASSERT_TRUE(network.run_until([&] { return pair.b.is_secure(); }, 5 * kSecond));
    network.run_for(150 * kSecond);
    EXPECT_EQ(pair.a.is_secure(), in_time);
    EXPECT_GT(pair.b.counters().repeated_final_flights, 0U);
  }
}

TEST(LinksState, StrangersAndGarbageAreCountedAndDropped) {
  Linked us(low(), 1, high(), 2);
  us.carry_out();
  us.to_wire.clear();
  Linked them(high(), 2, low(), 1);
  them.tick(links_at(2 * kSecond));
  ASSERT_EQ(them.to_wire.size(), 1U);
  const Bytes hello = them.to_wire[0];
  us.receive(links_at(2 * kSecond), 77, hello);
  EXPECT_EQ(us.counters().unknown_source, 1U);
  EXPECT_TRUE(us.to_wire.empty());

  Bytes cut(hello.begin(), hello.begin() + 30);
  us.handshakes->receive(links_at(2 * kSecond), {link_endpoint(1), link_endpoint(2)}, cut, us.out);
  us.handshakes->receive(links_at(2 * kSecond), {link_endpoint(1), link_endpoint(2)}, {}, us.out);
  Bytes piece = hello;  // says it is the first piece of a longer message
  piece[16] = std::byte{0xff};
  us.handshakes->receive(links_at(2 * kSecond), {link_endpoint(1), link_endpoint(2)}, piece,
                         us.out);
  EXPECT_EQ(us.counters().malformed, 3U);
  EXPECT_EQ(us.handshakes->half_open(), 0U);
  EXPECT_EQ(us.counters().datagrams, 4U);
}

TEST(LinksState, AFalseCookieIsAnsweredLikeNone) {
  Linked us(high(), 2, low(), 1);
  Linked them(low(), 1, high(), 2);
  them.tick(links_at(kSecond));
  ASSERT_EQ(them.to_wire.size(), 1U);
  us.receive(links_at(kSecond), 1, them.to_wire[0]);
  ASSERT_EQ(us.to_wire.size(), 1U);
  them.to_wire.clear();
  them.receive(links_at(kSecond), 2, us.to_wire[0]);
  ASSERT_EQ(them.to_wire.size(), 1U);
  const Bytes second = them.to_wire[0];
  for (const std::size_t at : {30U, 70U}) {  // the random, the cookie
    Bytes changed = second;
    changed[at] ^= std::byte{1};
    us.receive(links_at(kSecond), 1, changed);
  }
  us.receive(links_at(kSecond + 61 * kSecond), 1, second);  // too old
  EXPECT_EQ(us.counters().bad_cookies, 3U);
  EXPECT_EQ(us.counters().hello_verify_requests, 4U);
  EXPECT_EQ(us.handshakes->half_open(), 0U);
}

TEST(LinksState, HandshakesGoingOnAreLimited) {
  std::array<controlplane::links::SecureLink, 3> links;
  for (unsigned i = 0; i < links.size(); ++i) {
    links[i].slot = static_cast<std::uint16_t>(i);
    links[i].endpoints = {link_endpoint(1), link_endpoint(10 + i)};
    links[i].peer = node(static_cast<unsigned char>(0x20 + i));
  }
  HandshakeSettings settings;
  settings.self = low();
  settings.max_half_open = 2;
  controlplane::links::Handshakes handshakes(settings, context(low()));
  controlplane::links::Outputs out;
  handshakes.set_links(links_at(kSecond), links, out);
  handshakes.tick(links_at(kSecond), out);
  EXPECT_EQ(handshakes.half_open(), 2U);
  EXPECT_EQ(out.datagrams.size(), 2U);
  EXPECT_EQ(handshakes.counters().half_open_full, 1U);
  // The third comes when there is room.
  for (std::uint64_t second = 2; second < 40; ++second) {
    handshakes.tick(links_at(second * kSecond), out);
  }
  EXPECT_EQ(handshakes.counters().started, 4U);  // and one of the others again
  EXPECT_EQ(handshakes.half_open(), 2U);
}

TEST(LinksState, AHandshakeThatStandsStillYields) {
  // The higher node starts anew while the lower one's handshake with its former self stands still.
  Linked us(low(), 1, high(), 2);
  us.tick(links_at(kSecond));
  us.to_wire.clear();
  Linked them(high(), 2, low(), 1, {.patience_ns = 0}, 2 * kSecond);
  LinkNetwork network(us, them, 1);
  network.now_ns = 2 * kSecond;
  network.swallow = [&](unsigned to, auto) { return to == 2 && network.now_ns < 4 * kSecond; };
  EXPECT_TRUE(network.run_until([&] { return us.is_secure() && them.is_secure(); }, 10 * kSecond))
      << reports_of(us) << reports_of(them);
  EXPECT_LE(network.now_ns, 8 * kSecond);
}

TEST(LinksState, OneHandshakeIsFedOnlySoMuch) {
  Linked us(low(), 1, high(), 2, {.max_handshake_input = 4000});
  us.tick(links_at(kSecond));
  ASSERT_EQ(us.handshakes->half_open(), 1U);
  Bytes record(1000);
  record[0] = std::byte{22};
  record[1] = std::byte{0xfe};
  record[2] = std::byte{0xfd};
  record[11] = std::byte{(1000 - 13) >> 8};
  record[12] = std::byte{(1000 - 13) & 0xff};
  record[13] = std::byte{2};
  for (int i = 0; i < 5; ++i) us.receive(links_at(kSecond), 2, record);
  EXPECT_EQ(us.handshakes->half_open(), 0U);
  ASSERT_FALSE(us.reports.empty());
}

}  // namespace
}  // namespace tests
