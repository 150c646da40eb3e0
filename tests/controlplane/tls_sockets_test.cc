// SPDX-License-Identifier: Apache-2.0
// TLS links on real sockets of the loopback interface: with each other, with the real openssl, and
// with strangers.

#include "controlplane/links/tls_sockets.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "tests/controlplane/links_rig.h"
#include "tests/controlplane/openssl_process.h"
#include "wire/reload/link_framing.h"

namespace tests {
namespace {

namespace asio = boost::asio;
using controlplane::links::Bytes;
using controlplane::links::Failure;
using controlplane::links::kSecond;
using controlplane::links::TlsEvent;
using controlplane::links::TlsLink;
using controlplane::links::TlsSockets;
using controlplane::links::TlsSocketSettings;
using wire::reload::NodeId;

constexpr std::chrono::seconds kPatience{20};  // a busy machine is no failure

NodeId node(unsigned char byte) {
  NodeId id;
  id.bytes.fill(std::byte{byte});
  return id;
}

const LinkOverlay& overlay() {
  static const LinkOverlay its;
  return its;
}

wire::shm::Endpoint loopback(std::uint16_t port) {
  wire::shm::Endpoint endpoint;
  endpoint.family = 4;
  endpoint.address[12] = 127;
  endpoint.address[15] = 1;
  endpoint.port = port;
  return endpoint;
}

controlplane::links::Now now() {
  static const auto start = std::chrono::steady_clock::now();
  const auto spent = std::chrono::steady_clock::now() - start;
  return links_at(kSecond + static_cast<std::uint64_t>(std::chrono::nanoseconds(spent).count()));
}

/// A node with TLS sockets.
struct TlsNode {
  TlsNode(asio::io_context& io, unsigned char byte, const TlsSocketSettings& settings = {})
      : id(node(byte)),
        sockets(io, context(node(byte)), settings, now,
                {.event =
                     [this](TlsSockets::Id connection, const TlsEvent& event) {
                       events[connection].push_back(event);
                       if (event.kind == TlsEvent::Kind::kUp) newest = connection;
                     },
                 .message =
                     [this](TlsSockets::Id, std::span<const std::byte> message) {
                       messages.emplace_back(message.begin(), message.end());
                     },
                 .key_log = {}}) {}
  static std::shared_ptr<const controlplane::links::SecureContext> context(const NodeId& id) {
    auto settings = overlay().context_settings(overlay().identity(id));
    settings.transport = controlplane::links::Transport::kStream;
    return make_context(settings);
  }
  std::uint16_t listen() {
    std::string why;
    EXPECT_TRUE(sockets.listen(loopback(0), why)) << why;
    return sockets.listening_at().port;
  }
  [[nodiscard]] std::size_t closed() const {
    std::size_t count = 0;
    for (const auto& [connection, its] : events) {
      count += !its.empty() && its.back().kind == TlsEvent::Kind::kClosed ? 1 : 0;
    }
    return count;
  }
  NodeId id;
  std::map<TlsSockets::Id, std::vector<TlsEvent>> events;
  std::vector<Bytes> messages;
  TlsSockets::Id newest = 0;
  TlsSockets sockets;
};

template <class Done>
bool run_until(asio::io_context& io, Done done) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    io.run_one_for(std::chrono::milliseconds(10));
    io.restart();
  }
  return true;
}

TEST(TlsSockets, TwoNodesConnectAndTalk) {
  asio::io_context io;
  TlsNode a(io, 0x11);
  TlsNode b(io, 0xee);
  b.sockets.set_peers({{node(0x33), {}}, {a.id, {}}});
  const auto connection = a.sockets.connect(loopback(b.listen()), b.id);
  ASSERT_TRUE(run_until(io, [&] { return a.newest != 0 && b.newest != 0; }));
  EXPECT_EQ(a.newest, connection);
  EXPECT_EQ(b.sockets.find(b.newest)->peer(), a.id);
  // More than the sockets' own buffers hold.
  constexpr std::size_t kMessages = 500;
  std::size_t sent = 0;
  ASSERT_TRUE(run_until(io, [&] {
    while (sent < kMessages &&
           a.sockets.send(a.newest, Bytes(5000, std::byte{7})) == TlsLink::Sent::kYes) {
      ++sent;
    }
    return b.messages.size() == kMessages;
  }));
  EXPECT_EQ(b.messages.back(), Bytes(5000, std::byte{7}));
  ASSERT_TRUE(
      run_until(io, [&] { return a.sockets.find(a.newest)->counters().acks_in == kMessages; }));
  a.sockets.close(a.newest);
  ASSERT_TRUE(run_until(io, [&] { return b.closed() == 1; }));
  EXPECT_EQ(b.events[b.newest].back().failure.failure, Failure::kPeerClosed);
  EXPECT_EQ(a.sockets.connections(), 0U);
  EXPECT_EQ(b.sockets.connections(), 0U);
  EXPECT_EQ(a.closed(), 0U);  // its own doing
}

/// Nothing but the source address tells members apart where all have the same secret.
TEST(TlsSockets, WithASharedSecretTheAddressSaysWhoItIs) {  // C-38
  asio::io_context io;
  const auto with_secret = [](const NodeId& id) {
    auto settings = overlay().context_settings(overlay().identity(id));
    settings.transport = controlplane::links::Transport::kStream;
    settings.shared_secret = controlplane::links::SharedSecret{"members", Bytes(32, std::byte{9})};
    return make_context(settings);
  };
  TlsNode a(io, 0x11);
  TlsNode b(io, 0xee);
  a.sockets.set_context(with_secret(a.id));
  b.sockets.set_context(with_secret(b.id));
  wire::shm::Endpoint elsewhere = loopback(6084);
  elsewhere.address[15] = 77;
  const std::uint16_t port = b.listen();

  b.sockets.set_peers({{node(0x33), elsewhere}});
  const auto refused = a.sockets.connect(loopback(port), b.id);
  ASSERT_TRUE(run_until(io, [&] { return a.closed() == 1; }));
  EXPECT_EQ(a.events[refused].size(), 1U);
  EXPECT_EQ(b.sockets.counters().refused_stranger, 1U);

  b.sockets.set_peers({{node(0x33), elsewhere}, {a.id, loopback(6084)}});
  (void)a.sockets.connect(loopback(port), b.id);
  ASSERT_TRUE(run_until(io, [&] { return b.newest != 0; }));
  EXPECT_EQ(b.sockets.find(b.newest)->peer(), a.id);

  b.sockets.set_peers({{node(0x33), loopback(6084)}, {a.id, loopback(6084)}});
  (void)a.sockets.connect(loopback(port), b.id);
  ASSERT_TRUE(run_until(io, [&] { return b.sockets.counters().refused_stranger == 2; }))
      << "two at one address cannot be told apart";
}

TEST(TlsSockets, ACallThatNobodyTakesIsReported) {
  asio::io_context io;
  TlsNode a(io, 0x11);
  const auto connection = a.sockets.connect(loopback(1), node(0xee));
  EXPECT_TRUE(a.events.empty());
  ASSERT_TRUE(run_until(io, [&] { return a.closed() == 1; }));
  EXPECT_EQ(a.events[connection].back().failure.failure, Failure::kNotConnected);
}

TEST(TlsSockets, APeerThatMayNotIsToldSoEvenWhenItKeepsTalking) {
  asio::io_context io;
  TlsNode a(io, 0x11);
  TlsNode b(io, 0xee);
  b.sockets.set_peers({{node(0x33), {}}});
  const auto connection = a.sockets.connect(loopback(b.listen()), b.id);
  ASSERT_TRUE(run_until(io, [&] {
    // In TLS 1.3 a client is up before the server has seen its certificate.
    if (a.newest != 0) (void)a.sockets.send(a.newest, Bytes(1000));
    return a.closed() == 1 && b.closed() == 1;
  }));
  EXPECT_EQ(a.events[connection].back().failure.failure, Failure::kPeerAlert);
  EXPECT_EQ(a.events[connection].back().failure.alert_received, 42);  // bad_certificate
  EXPECT_EQ(b.sockets.counters().up, 0U);
}

TEST(TlsSockets, StrangersAreLimited) {
  asio::io_context io;
  TlsSocketSettings settings;
  settings.max_connections = 6;
  settings.max_per_source = 4;
  settings.max_handshakes = 3;
  settings.link.handshake_ns = kSecond;
  TlsNode b(io, 0xee, settings);
  b.sockets.set_peers({{node(0x11), {}}});
  const std::uint16_t port = b.listen();
  std::vector<asio::ip::tcp::socket> strangers;
  for (int i = 0; i < 10; ++i) {
    strangers.emplace_back(io);
    strangers.back().connect({asio::ip::make_address("127.0.0.1"), port});
  }
  ASSERT_TRUE(run_until(io, [&] { return b.sockets.counters().refused_handshakes == 7; }));
  EXPECT_EQ(b.sockets.counters().accepted, 3U);
  EXPECT_EQ(b.sockets.connections(), 3U);
  // They say nothing and are put out; then there is room again.
  ASSERT_TRUE(run_until(io, [&] { return b.closed() == 3; }));
  strangers.clear();
  TlsNode a(io, 0x11);
  for (unsigned up = 1; up <= 4; ++up) {
    ASSERT_TRUE(run_until(io, [&] {
      if (a.sockets.connections() < up) a.sockets.connect(loopback(port), b.id);
      return b.sockets.counters().up == up && a.sockets.counters().up >= up;
    })) << up;
  }
  a.sockets.connect(loopback(port), b.id);
  ASSERT_TRUE(run_until(io, [&] { return b.sockets.counters().refused_source >= 1; }));
  EXPECT_EQ(b.sockets.connections(), 4U);
}

TEST(TlsSockets, AnAddressInUseIsAReason) {
  asio::io_context io;
  TlsNode a(io, 0x11);
  TlsNode b(io, 0xee);
  std::string why;
  EXPECT_FALSE(b.sockets.listen(loopback(a.listen()), why));
  EXPECT_FALSE(why.empty());
}

/// A data frame as openssl's standard input takes it.
std::string framed(const std::string& message) {
  std::string frame(wire::reload::kDataFrameOverhead, '\0');
  wire::reload::write_data_frame_header(0, static_cast<std::uint32_t>(message.size()),
                                        std::as_writable_bytes(std::span(frame)));
  return frame + message;
}

void expect_conversation(asio::io_context& io, TlsNode& us, Child& openssl) {
  ASSERT_TRUE(run_until(io, [&] { return us.newest != 0; })) << openssl.heard();
  openssl.say(framed("from openssl"));
  ASSERT_TRUE(run_until(io, [&] { return !us.messages.empty(); })) << openssl.heard();
  const std::string text = "from hopseal";
  ASSERT_EQ(us.sockets.send(us.newest, std::as_bytes(std::span(text))), TlsLink::Sent::kYes);
  const std::string ack("\x81\0\0\0\0\0\0\0\0", 9);
  EXPECT_TRUE(run_until(io, [&] {
    const std::string& heard = openssl.heard();
    return heard.find(framed(text)) != std::string::npos && heard.find(ack) != std::string::npos;
  })) << openssl.heard();
}

class TlsWithOpenssl : public testing::TestWithParam<std::string> {};

TEST_P(TlsWithOpenssl, AsServerWeTalkToItsClient) {
  asio::io_context io;
  Files files;
  TlsNode us(io, 0xee);
  us.sockets.set_peers({{node(0x11), {}}});
  const LinkIdentity identity = overlay().identity(node(0x11));
  Child openssl({"openssl", "s_client", GetParam(), "-quiet", "-connect",
                 "127.0.0.1:" + std::to_string(us.listen()), "-CAfile",
                 files.write("root.pem", overlay().root_pem()), "-verify_return_error", "-attime",
                 std::to_string(kLinksUnixS), "-cert", files.write("own.pem", identity.pem), "-key",
                 files.write("key.pem", identity.key->to_pem())});
  expect_conversation(io, us, openssl);
  EXPECT_TRUE(us.sockets.find(us.newest)->description().starts_with(
      GetParam() == "-tls1_2" ? "TLSv1.2" : "TLSv1.3"));
}

TEST_P(TlsWithOpenssl, AsClientWeTalkToItsServer) {
  asio::io_context io;
  Files files;
  TlsNode us(io, 0x11);
  const LinkIdentity identity = overlay().identity(node(0xee));
  std::uint16_t port = 0;
  {
    TlsNode unused(io, 0x77);
    port = unused.listen();
  }
  Child openssl({"openssl", "s_server", GetParam(), "-quiet", "-accept",
                 "127.0.0.1:" + std::to_string(port), "-CAfile",
                 files.write("root.pem", overlay().root_pem()), "-Verify", "3",
                 "-verify_return_error", "-attime", std::to_string(kLinksUnixS), "-cert",
                 files.write("own.pem", identity.pem), "-key",
                 files.write("key.pem", identity.key->to_pem())});
  TlsSockets::Id connection = 0;
  // It takes openssl a moment to listen.
  ASSERT_TRUE(run_until(io, [&] {
    if (us.sockets.connections() == 0) connection = us.sockets.connect(loopback(port), node(0xee));
    return us.newest == connection && connection != 0;
  })) << openssl.heard();
  expect_conversation(io, us, openssl);
}

INSTANTIATE_TEST_SUITE_P(Links, TlsWithOpenssl, testing::Values("-tls1_2", "-tls1_3"));

TEST(TlsSockets, OpensslWithoutACertificateOrWithAnOldVersionIsRefused) {
  struct {
    std::vector<std::string> more;
    const char* alert;
  } const cases[] = {{{"-tls1_3"}, "alert number 116"},  // certificate_required
                     {{"-tls1_2"}, "alert number 40"},   // handshake_failure
                     {{"-tls1_1", "-cipher", "ALL@SECLEVEL=0"}, "alert number 70"}};
  for (const auto& that : cases) {
    asio::io_context io;
    Files files;
    TlsNode us(io, 0xee);
    us.sockets.set_peers({{node(0x11), {}}});
    std::vector<std::string> arguments = {"openssl", "s_client", "-connect",
                                          "127.0.0.1:" + std::to_string(us.listen())};
    arguments.insert(arguments.end(), that.more.begin(), that.more.end());
    Child openssl(arguments);
    EXPECT_TRUE(run_until(io, [&] {
      return openssl.heard().find(that.alert) != std::string::npos;
    })) << openssl.heard();
    EXPECT_EQ(us.sockets.counters().up, 0U);
  }
}

}  // namespace
}  // namespace tests
