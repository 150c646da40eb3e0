// SPDX-License-Identifier: Apache-2.0
// Handshakes between two nodes of ours: they complete, with every certificate and cipher, on good
// and bad networks, and what they leave to the dataplane is exact.

#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "tests/controlplane/links_rig.h"

namespace tests {
namespace {

using controlplane::links::Bytes;
using controlplane::links::kMillisecond;
using controlplane::links::kSecond;
using controlplane::links::LinkReport;
using controlplane::links::Role;
using crypto::Algorithm;
using wire::dtls::Aead;
using wire::reload::NodeId;

NodeId low() {
  NodeId id;
  id.bytes.fill(std::byte{0x11});
  return id;
}
NodeId high() {
  NodeId id;
  id.bytes.fill(std::byte{0xee});
  return id;
}
const std::array<std::byte, 5> kHello{std::byte{'h'}, std::byte{'e'}, std::byte{'l'},
                                      std::byte{'l'}, std::byte{'o'}};

/// Two nodes that know each other.
struct Pair {
  explicit Pair(const IdentityWish& wish = {}, std::vector<Aead> aeads = {},
                controlplane::links::HandshakeSettings settings = {}, std::uint16_t mtu = 1500)
      : a(low(), 1, context(low(), wish, aeads), settings),
        b(high(), 2, context(high(), wish, aeads), settings) {
    a.link_to(links_at(kSecond), high(), 2, mtu);
    b.link_to(links_at(kSecond), low(), 1, mtu);
  }
  [[nodiscard]] static std::shared_ptr<const controlplane::links::SecureContext> context(
      const NodeId& id, const IdentityWish& wish, const std::vector<Aead>& aeads) {
    static const LinkOverlay overlay;
    auto settings = overlay.context_settings(overlay.identity(id, wish));
    if (!aeads.empty()) settings.aeads = aeads;
    return make_context(settings);
  }
  [[nodiscard]] bool both_secure() const { return a.is_secure() && b.is_secure(); }
  void expect_data_passes(LinkNetwork& network) {
    const std::size_t at_a = a.data.size();
    const std::size_t at_b = b.data.size();
    ASSERT_TRUE(a.send_data(kHello));
    ASSERT_TRUE(b.send_data(kHello));
    network.run_for(100 * kMillisecond);
    EXPECT_EQ(a.data.size(), at_a + 1);
    EXPECT_EQ(b.data.size(), at_b + 1);
  }

  LinkNode a;
  LinkNode b;
};

class EveryCombination : public testing::TestWithParam<std::tuple<Algorithm, Aead>> {};

TEST_P(EveryCombination, CompletesAndBothHaveTheSameKeys) {
  const auto [algorithm, aead] = GetParam();
  Pair pair({.algorithm = algorithm, .overlay = {}}, {aead});
  LinkNetwork network(pair.a, pair.b, 1);
  ASSERT_TRUE(network.run_until([&] { return pair.both_secure(); }, 5 * kSecond))
      << reports_of(pair.a) << reports_of(pair.b);
  expect_same_keys(pair.a, pair.b);
  EXPECT_EQ(pair.a.ever.begin()->second.keys.aead, aead);
  // One record of epoch 1 each, the Finished: data goes on with the next number.
  EXPECT_EQ(pair.a.ever.begin()->second.first_sequence, 1U);
  EXPECT_EQ(pair.b.ever.begin()->second.first_sequence, 1U);
  pair.expect_data_passes(network);
  EXPECT_EQ(expect_no_number_twice(pair.a), 2U);
  EXPECT_EQ(expect_no_number_twice(pair.b), 2U);
  ASSERT_EQ(pair.a.reports.size(), 1U);
  EXPECT_EQ(pair.a.reports[0].kind, LinkReport::Kind::kSecured);
  EXPECT_EQ(pair.a.reports[0].role, Role::kClient);  // the lower Node-ID begins
  EXPECT_EQ(pair.a.reports[0].aead, aead);
  EXPECT_EQ(pair.b.counters().hello_verify_requests, 1U);
  EXPECT_EQ(pair.b.counters().started, 0U);
  EXPECT_EQ(pair.a.counters().retransmitted_flights, 0U);
  EXPECT_EQ(pair.a.handshakes->half_open() + pair.b.handshakes->half_open(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Links, EveryCombination,
    testing::Combine(testing::Values(Algorithm::kRsaPkcs1Sha256, Algorithm::kEcdsaP256Sha256,
                                     Algorithm::kEd25519),
                     testing::Values(Aead::kAes128Gcm, Aead::kAes256Gcm, Aead::kChaCha20Poly1305)));

TEST(LinksHandshake, KeepsEveryDatagramWithinTheMtu) {
  for (const std::uint16_t mtu : {std::uint16_t{576}, std::uint16_t{1280}, std::uint16_t{1500}}) {
    Pair pair({.algorithm = Algorithm::kRsaPkcs1Sha256, .overlay = {}}, {}, {}, mtu);
    LinkNetwork network(pair.a, pair.b, 1);
    ASSERT_TRUE(network.run_until([&] { return pair.both_secure(); }, 5 * kSecond));
    EXPECT_LE(network.largest_datagram, mtu - 28U);
    EXPECT_GT(network.largest_datagram, mtu == 576 ? 400U : 700U);
    expect_same_keys(pair.a, pair.b);
  }
}

TEST(LinksHandshake, TheHigherNodeIdBeginsAfterSomePatience) {
  Pair pair;
  LinkNetwork network(pair.a, pair.b, 1);
  // The lower one never gets a word out.
  network.swallow = [&](unsigned to, auto) { return to == 2 && pair.a.counters().accepted == 0; };
  ASSERT_TRUE(network.run_until([&] { return pair.b.counters().started == 1; }, 5 * kSecond));
  EXPECT_EQ(network.now_ns, kSecond + 500 * kMillisecond);
}

class BadNetwork : public testing::TestWithParam<std::tuple<unsigned, std::uint16_t>> {};

TEST_P(BadNetwork, HandshakesCompleteAndNoNumberIsUsedTwice) {
  const auto [loss, mtu] = GetParam();
  const Weather weather{.loss = loss, .repeat = 10, .delay_ms = 20, .jitter_ms = 60};
  std::uint64_t repeated = 0;
  std::uint64_t repeated_final = 0;
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Pair pair({}, {}, {}, mtu);
    LinkNetwork network(pair.a, pair.b, seed, weather);
    ASSERT_TRUE(network.run_until([&] { return pair.both_secure(); }, 300 * kSecond))
        << reports_of(pair.a) << reports_of(pair.b);
    network.run_for(20 * kSecond);  // stragglers, and repeated final flights
    expect_same_keys(pair.a, pair.b);
    network.weather = {};
    pair.expect_data_passes(network);
    expect_no_number_twice(pair.a);
    expect_no_number_twice(pair.b);
    EXPECT_EQ(pair.a.handshakes->half_open() + pair.b.handshakes->half_open(), 0U);
    repeated += pair.a.counters().retransmitted_flights + pair.b.counters().retransmitted_flights;
    repeated_final += pair.b.counters().repeated_final_flights;
  }
  if (loss > 0) {
    EXPECT_GT(repeated, 0U);
    EXPECT_GT(repeated_final, 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(Links, BadNetwork,
                         testing::Combine(testing::Values(0U, 10U, 25U),
                                          testing::Values(std::uint16_t{576},
                                                          std::uint16_t{1500})));

TEST(LinksHandshake, ALostFinalFlightIsRepeatedUnderTheDataplanesNumbers) {
  Pair pair;
  LinkNetwork network(pair.a, pair.b, 1);
  network.swallow = [&](unsigned to, auto) {
    return to == 1 && pair.b.is_secure() && pair.b.counters().repeated_final_flights == 0;
  };
  ASSERT_TRUE(network.run_until([&] { return pair.b.is_secure(); }, 5 * kSecond));
  ASSERT_FALSE(pair.a.is_secure());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(pair.b.send_data(kHello));  // numbers 1, 2, 3 are gone
  ASSERT_TRUE(network.run_until([&] { return pair.a.is_secure(); }, 5 * kSecond));
  EXPECT_EQ(pair.b.counters().repeated_final_flights, 1U);
  EXPECT_EQ(pair.b.ever.begin()->second.next_sequence, 5U);  // Finished again was number 4
  // The client's Finished went out twice, so its data begins with number 2.
  EXPECT_EQ(pair.a.ever.begin()->second.first_sequence, 2U);
  EXPECT_EQ(expect_no_number_twice(pair.b), 5U);
  EXPECT_EQ(expect_no_number_twice(pair.a), 2U);
  pair.expect_data_passes(network);
}

TEST(LinksHandshake, GivesUpAndTriesAgainLessAndLessOften) {
  Pair pair;
  LinkNetwork network(pair.a, pair.b, 1);
  network.swallow = [](auto, auto) { return true; };
  network.run_for(600 * kSecond);
  // Every attempt lasts 30 s and is followed by 1, 2, 4 ... 60 s of waiting.
  EXPECT_EQ(pair.a.counters().started, 10U);
  EXPECT_EQ(pair.a.counters().timed_out, 10U);
  EXPECT_GT(pair.a.counters().retransmitted_flights, 30U);
  const auto status = pair.a.handshakes->status();
  ASSERT_EQ(status.size(), 1U);
  EXPECT_EQ(status[0].last_failure.failure, controlplane::links::Failure::kTimedOut);
  EXPECT_EQ(status[0].failures, 10U);
  network.swallow = nullptr;
  EXPECT_TRUE(network.run_until([&] { return pair.both_secure(); }, 61 * kSecond));
}

TEST(LinksHandshake, WritesKeyLogLinesOnlyWhenAsked) {
  static const LinkOverlay overlay;
  for (const bool wanted : {false, true}) {
    auto settings = overlay.context_settings(overlay.identity(low()));
    settings.key_log = wanted;
    LinkNode a(low(), 1, make_context(settings));
    LinkNode b(high(), 2, make_context(overlay.context_settings(overlay.identity(high()))));
    a.link_to(links_at(kSecond), high(), 2);
    b.link_to(links_at(kSecond), low(), 1);
    LinkNetwork network(a, b, 1);
    ASSERT_TRUE(network.run_until([&] { return a.is_secure() && b.is_secure(); }, 5 * kSecond));
    ASSERT_EQ(a.key_log.size(), wanted ? 1U : 0U);
    EXPECT_TRUE(b.key_log.empty());
    if (wanted) {
      EXPECT_TRUE(a.key_log[0].starts_with("CLIENT_RANDOM "));
    }
  }
}

TEST(LinksHandshake, ASharedSecretWorksInsteadOfCertificates) {
  const auto context = [](std::string key) {
    controlplane::links::ContextSettings settings;
    settings.shared_secret.emplace();
    settings.shared_secret->identity = "links.hopseal.example";
    for (const char byte : key) settings.shared_secret->key.push_back(static_cast<std::byte>(byte));
    return make_context(settings);
  };
  LinkNode a(low(), 1, context("0123456789abcdef"));
  LinkNode b(high(), 2, context("0123456789abcdef"));
  a.link_to(links_at(kSecond), high(), 2);
  b.link_to(links_at(kSecond), low(), 1);
  LinkNetwork network(a, b, 1);
  ASSERT_TRUE(network.run_until([&] { return a.is_secure() && b.is_secure(); }, 5 * kSecond));
  expect_same_keys(a, b);
  EXPECT_EQ(a.ever.begin()->second.keys.aead, Aead::kChaCha20Poly1305);

  LinkNode stranger(high(), 2, context("0123456789abcdeX"));
  LinkNode member(low(), 1, context("0123456789abcdef"));
  member.link_to(links_at(kSecond), high(), 2);
  stranger.link_to(links_at(kSecond), low(), 1);
  LinkNetwork other(member, stranger, 1);
  other.run_for(10 * kSecond);
  EXPECT_FALSE(member.is_secure());
  EXPECT_FALSE(stranger.is_secure());
}

}  // namespace
}  // namespace tests
