// SPDX-License-Identifier: Apache-2.0
// A flood of ClientHellos that nobody means: nothing grows, and who means it gets through.

#include <gtest/gtest.h>
#include <malloc.h>

#include <array>
#include <chrono>

#include "controlplane/links/cookie.h"
#include "tests/controlplane/links_rig.h"
#include "wire/dtls/client_hello.h"

namespace tests {
namespace {

using controlplane::links::Bytes;
using controlplane::links::CookieJar;
using controlplane::links::kMillisecond;
using controlplane::links::kSecond;
using wire::reload::NodeId;

NodeId node(unsigned char byte) {
  NodeId id;
  id.bytes.fill(std::byte{byte});
  return id;
}

const LinkOverlay& overlay() {
  static const LinkOverlay its;
  return its;
}

std::shared_ptr<const controlplane::links::SecureContext> context(const NodeId& id) {
  return make_context(overlay().context_settings(overlay().identity(id)));
}

/// What a client says first.
Bytes first_hello(const NodeId& from, const NodeId& to) {
  LinkNode client(from, 1, context(from));
  client.link_to(links_at(0), to, 2);
  client.tick(links_at(0));
  return client.to_wire.at(0);
}

std::size_t bytes_in_use() { return mallinfo2().uordblks; }

TEST(LinksFlood, LeavesNothingBehindAndLetsOthersThrough) {
  constexpr int kPerSecond = 20'000;
  constexpr int kSeconds = 5;
  LinkNode us(node(0x88), 2, context(node(0x88)), {.patience_ns = 1000 * kSecond});
  LinkNode peer(node(0x11), 1, context(node(0x11)));
  us.link_to(links_at(kSecond), node(0x11), 1);
  Bytes hello = first_hello(node(0x11), node(0x88));
  LinkNetwork network(us, peer, 1);

  std::uint64_t sent = 0;
  const auto flood_for = [&](int hellos) {
    for (int i = 0; i < hellos; ++i, ++sent) {
      for (std::size_t byte = 0; byte < 8; ++byte) {  // the random
        hello[27 + byte] = static_cast<std::byte>(sent >> (8 * byte));
      }
      network.now_ns += kSecond / kPerSecond;
      // Half of them pretend to be the peer, half come from somewhere.
      us.receive(network.now(), sent % 2 == 0 ? 1U : 3U, hello);
      us.to_wire.clear();
    }
  };
  flood_for(1000);
  const std::size_t before = bytes_in_use();
  const auto start = std::chrono::steady_clock::now();
  flood_for(kPerSecond * kSeconds);
  const auto spent = std::chrono::steady_clock::now() - start;
  const std::size_t after = bytes_in_use();
  EXPECT_LE(after, before + 16384);
  EXPECT_EQ(us.handshakes->half_open(), 0U);
  EXPECT_EQ(us.counters().hello_verify_requests, sent / 2);
  EXPECT_EQ(us.counters().unknown_source, sent / 2);
  RecordProperty("ns_per_hello",
                 std::to_string(std::chrono::nanoseconds(spent).count() / (kPerSecond * kSeconds)));

  // The peer itself begins while it goes on.
  peer.link_to(network.now(), node(0x88), 2);
  for (int step = 0; step < 100 && !(us.is_secure() && peer.is_secure()); ++step) {
    flood_for(20);
    network.run_for(kMillisecond);
  }
  EXPECT_TRUE(us.is_secure());
  EXPECT_TRUE(peer.is_secure());
}

TEST(LinksFlood, AClientThatProvesItsAddressGetsOneHandshakeAtATime) {
  // Whoever can read what is sent to the peer's address begins again and again.
  LinkNode us(node(0x88), 2, context(node(0x88)), {.patience_ns = 1000 * kSecond});
  us.link_to(links_at(kSecond), node(0x11), 1);
  std::uint64_t now_ns = kSecond;
  for (int i = 0; i < 50; ++i) {
    LinkNode client(node(0x11), 1, context(node(0x11)));
    client.link_to(links_at(now_ns), node(0x88), 2);
    client.tick(links_at(now_ns));
    us.receive(links_at(now_ns), 1, client.to_wire.at(0));
    client.receive(links_at(now_ns), 2, us.to_wire.at(0));
    us.to_wire.clear();
    us.receive(links_at(now_ns), 1, client.to_wire.at(1));
    EXPECT_LE(us.handshakes->half_open(), 1U);
    us.to_wire.clear();
    now_ns += 10 * kMillisecond;
  }
  EXPECT_EQ(us.counters().accepted, 5U);  // one every 100 ms
  EXPECT_EQ(us.counters().too_soon, 45U);
}

TEST(Cookies, AreGoodForTheirHelloAndEndpointsOnly) {
  CookieJar jar;
  CookieJar other;
  const Bytes datagram = first_hello(node(1), node(2));
  wire::dtls::ClientHello hello;
  ASSERT_EQ(wire::dtls::parse_client_hello(datagram, hello), wire::dtls::ClientHelloFault::kNone);
  const controlplane::links::EndpointPair here{link_endpoint(1), link_endpoint(2)};
  const controlplane::links::EndpointPair there{link_endpoint(1), link_endpoint(3)};
  const CookieJar::Cookie cookie = jar.bake(5 * kSecond, here, hello);
  wire::dtls::ClientHello with = hello;
  with.cookie = cookie;
  EXPECT_TRUE(jar.knows(5 * kSecond, here, with));
  EXPECT_FALSE(jar.knows(5 * kSecond, there, with));
  EXPECT_FALSE(other.knows(5 * kSecond, here, with));
  EXPECT_FALSE(jar.knows(5 * kSecond, here, hello));
  for (auto part :
       {&wire::dtls::ClientHello::random, &wire::dtls::ClientHello::session_id,
        &wire::dtls::ClientHello::cipher_suites, &wire::dtls::ClientHello::compression_methods}) {
    wire::dtls::ClientHello changed = with;
    Bytes bytes((hello.*part).begin(), (hello.*part).end());
    bytes.push_back(std::byte{1});
    if (part == &wire::dtls::ClientHello::random) {
      bytes.pop_back();
      bytes.back() ^= std::byte{1};
    }
    changed.*part = bytes;
    EXPECT_FALSE(jar.knows(5 * kSecond, here, changed));
  }
}

TEST(Cookies, LastAtLeastOneSliceAndAtMostTwo) {
  const Bytes datagram = first_hello(node(1), node(2));
  wire::dtls::ClientHello hello;
  ASSERT_EQ(wire::dtls::parse_client_hello(datagram, hello), wire::dtls::ClientHelloFault::kNone);
  const controlplane::links::EndpointPair here{link_endpoint(1), link_endpoint(2)};
  for (const std::uint64_t later : {std::uint64_t{0}, CookieJar::kSliceNs, 2 * CookieJar::kSliceNs,
                                    256 * CookieJar::kSliceNs}) {
    CookieJar jar;
    const std::uint64_t start = 100 * CookieJar::kSliceNs;
    const CookieJar::Cookie cookie = jar.bake(start, here, hello);
    wire::dtls::ClientHello with = hello;
    with.cookie = cookie;
    EXPECT_EQ(jar.knows(start + later, here, with), later <= CookieJar::kSliceNs) << later;
  }
}

}  // namespace
}  // namespace tests
