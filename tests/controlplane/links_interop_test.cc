// SPDX-License-Identifier: Apache-2.0
// Our handshakes over real sockets with the real `openssl s_client` and `openssl s_server`.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <tuple>
#include <vector>

#include "tests/controlplane/links_rig.h"
#include "tests/controlplane/openssl_process.h"

namespace tests {
namespace {

using controlplane::links::Bytes;
using controlplane::links::kSecond;
using crypto::Algorithm;
using wire::dtls::Aead;
using wire::reload::NodeId;

constexpr std::uint64_t kPatienceNs = 20 * kSecond;  // a busy machine is no failure
constexpr unsigned kUs = 1;
constexpr unsigned kPeer = 2;

NodeId node(unsigned char byte) {
  NodeId id;
  id.bytes.fill(std::byte{byte});
  return id;
}

/// A LinkNode on a UDP socket of the loopback interface. Whoever writes to it is its peer.
class UdpNode {
 public:
  explicit UdpNode(LinkNode& node) : node_(node), socket_(socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in address = loopback(0);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~UdpNode() { close(socket_); }
  UdpNode(const UdpNode&) = delete;
  UdpNode& operator=(const UdpNode&) = delete;

  [[nodiscard]] std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t length = sizeof address;
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length);
    return ntohs(address.sin_port);
  }
  void talk_to(std::uint16_t port) { peer_ = loopback(port); }
  [[nodiscard]] controlplane::links::Now now() const {
    const auto spent = std::chrono::steady_clock::now() - start_;
    return links_at(kSecond + static_cast<std::uint64_t>(std::chrono::nanoseconds(spent).count()));
  }
  template <class Done>
  bool run_until(Done done) {
    const std::uint64_t end = now().ns + kPatienceNs;
    while (!done()) {
      if (now().ns > end) return false;
      node_.tick(now());
      send_all();
      pollfd readable{socket_, POLLIN, 0};
      if (poll(&readable, 1, 10) != 1) continue;
      std::array<std::byte, 2048> room;
      socklen_t length = sizeof peer_;
      const ssize_t got = recvfrom(socket_, room.data(), room.size(), 0,
                                   reinterpret_cast<sockaddr*>(&peer_), &length);
      if (got > 0) {
        node_.receive(now(), kPeer, std::span(room).first(static_cast<std::size_t>(got)));
      }
      send_all();
    }
    return true;
  }

 private:
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  void send_all() {
    for (const Bytes& datagram : std::exchange(node_.to_wire, {})) {
      sendto(socket_, datagram.data(), datagram.size(), 0, reinterpret_cast<sockaddr*>(&peer_),
             sizeof peer_);
    }
  }
  LinkNode& node_;
  int socket_;
  sockaddr_in peer_{};
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

const LinkOverlay& overlay() {
  static const LinkOverlay its;
  return its;
}

class Interop {
 public:
  explicit Interop(Algorithm algorithm = Algorithm::kEcdsaP256Sha256, Aead aead = Aead::kAes128Gcm,
                   unsigned char our_id = 0x44)
      : node(tests::node(our_id), kUs, context(algorithm, aead, our_id)), udp(node) {}

  /// `openssl s_client` with @p identity, or none.
  std::vector<std::string> client(const std::optional<LinkIdentity>& identity) {
    std::vector<std::string> arguments = {"openssl",
                                          "s_client",
                                          "-dtls1_2",
                                          "-connect",
                                          "127.0.0.1:" + std::to_string(udp.port()),
                                          "-CAfile",
                                          files.write("root.pem", overlay().root_pem()),
                                          "-verify_return_error",
                                          "-attime",
                                          std::to_string(kLinksUnixS)};
    add(arguments, identity, "-cert", "-key", "own");
    return arguments;
  }
  std::vector<std::string> server(const std::optional<LinkIdentity>& identity, std::uint16_t port) {
    std::vector<std::string> arguments = {"openssl",
                                          "s_server",
                                          "-dtls1_2",
                                          "-listen",
                                          "-accept",
                                          "127.0.0.1:" + std::to_string(port),
                                          "-CAfile",
                                          files.write("root.pem", overlay().root_pem()),
                                          "-Verify",
                                          "3",
                                          "-verify_return_error",
                                          "-attime",
                                          std::to_string(kLinksUnixS)};
    if (identity && identity->key->algorithm() == Algorithm::kEd25519) {
      // OpenSSL 3.0 has no Ed25519 in DTLS without an ECDSA certificate beside it.
      add(arguments, overlay().identity(identity->node_id, {Algorithm::kEcdsaP256Sha256, {}}),
          "-cert", "-key", "other");
      add(arguments, identity, "-dcert", "-dkey", "own");
    } else {
      add(arguments, identity, "-cert", "-key", "own");
    }
    return arguments;
  }

  Files files;
  LinkNode node;
  UdpNode udp;

 private:
  static std::shared_ptr<const controlplane::links::SecureContext> context(Algorithm algorithm,
                                                                           Aead aead,
                                                                           unsigned char id) {
    auto settings = overlay().context_settings(
        overlay().identity(tests::node(id), {.algorithm = algorithm, .overlay = {}}));
    settings.aeads = {aead};
    return make_context(settings);
  }
  void add(std::vector<std::string>& arguments, const std::optional<LinkIdentity>& identity,
           const char* certificate, const char* key, const std::string& name) const {
    if (!identity) return;
    arguments.insert(arguments.end(), {certificate, files.write(name + ".pem", identity->pem), key,
                                       files.write(name + "-key.pem", identity->key->to_pem())});
  }
};

/// A UDP port nobody uses just now.
std::uint16_t free_port() {
  LinkNode unused(node(1), kUs, nullptr);
  return UdpNode(unused).port();
}

void expect_conversation(Interop& interop, Child& openssl) {
  ASSERT_TRUE(interop.udp.run_until([&] { return interop.node.is_secure(); }))
      << openssl.heard() << reports_of(interop.node);
  openssl.say("from openssl\n");
  ASSERT_TRUE(interop.udp.run_until([&] { return !interop.node.data.empty(); })) << openssl.heard();
  const std::string heard(reinterpret_cast<const char*>(interop.node.data[0].data()),
                          interop.node.data[0].size());
  EXPECT_EQ(heard, "from openssl\n");
  const std::string text = "from hopseal\n";
  ASSERT_TRUE(interop.node.send_data(std::as_bytes(std::span(text))));
  EXPECT_TRUE(interop.udp.run_until([&] {
    return openssl.heard().find("from hopseal") != std::string::npos;
  })) << openssl.heard();
  expect_no_number_twice(interop.node);
}

class WithOpenssl : public testing::TestWithParam<std::tuple<Algorithm, Aead>> {};

TEST_P(WithOpenssl, AsServerWeTalkToItsClient) {
  const auto [algorithm, aead] = GetParam();
  Interop interop(algorithm, aead, 0xee);
  interop.node.link_to(interop.udp.now(), node(0x11), kPeer);
  Child openssl(interop.client(overlay().identity(node(0x11), {algorithm, {}})));
  expect_conversation(interop, openssl);
  EXPECT_NE(openssl.heard().find("Extended master secret: yes"), std::string::npos);
}

TEST_P(WithOpenssl, AsClientWeTalkToItsServer) {
  const auto [algorithm, aead] = GetParam();
  Interop interop(algorithm, aead, 0x11);
  const std::uint16_t port = free_port();
  Child openssl(interop.server(overlay().identity(node(0xee), {algorithm, {}}), port));
  ASSERT_TRUE(
      interop.udp.run_until([&] { return openssl.heard().find("ACCEPT") != std::string::npos; }));
  interop.udp.talk_to(port);
  interop.node.link_to(interop.udp.now(), node(0xee), kPeer);
  expect_conversation(interop, openssl);
}

INSTANTIATE_TEST_SUITE_P(
    Links, WithOpenssl,
    testing::Combine(testing::Values(Algorithm::kRsaPkcs1Sha256, Algorithm::kEcdsaP256Sha256,
                                     Algorithm::kEd25519),
                     testing::Values(Aead::kAes128Gcm, Aead::kAes256Gcm, Aead::kChaCha20Poly1305)));

struct Refusal {
  std::optional<LinkIdentity> identity;
  const char* alert;  ///< as openssl writes it
};

std::vector<Refusal> refusals() {
  static const LinkOverlay foreign;
  const NodeId id = node(0x11);
  constexpr Algorithm kAlgorithm = Algorithm::kEcdsaP256Sha256;
  return {
      {overlay().identity(id, {kAlgorithm, {}, {1000, kLinksUnixS - 1}}),
       "alert certificate expired"},
      {foreign.identity(id, {kAlgorithm, {}}), "alert unknown ca"},
      {overlay().identity(node(0x12), {kAlgorithm, {}}), "alert bad certificate"},
  };
}

TEST(LinksInterop, OpensslsClientIsRefusedAndToldWhy) {
  std::vector<Refusal> cases = refusals();
  cases.push_back({std::nullopt, "alert handshake failure"});
  for (const Refusal& that : cases) {
    SCOPED_TRACE(that.alert);
    Interop interop(Algorithm::kEcdsaP256Sha256, Aead::kAes128Gcm, 0xee);
    interop.node.link_to(interop.udp.now(), node(0x11), kPeer);
    Child openssl(interop.client(that.identity));
    EXPECT_TRUE(interop.udp.run_until([&] {
      return openssl.heard().find(that.alert) != std::string::npos;
    })) << openssl.heard()
        << reports_of(interop.node);
    EXPECT_FALSE(interop.node.is_secure());
  }
}

TEST(LinksInterop, OpensslsServerIsRefusedAndToldWhy) {
  for (const Refusal& that : refusals()) {
    SCOPED_TRACE(that.alert);
    Interop interop(Algorithm::kEcdsaP256Sha256, Aead::kAes128Gcm, 0x10);
    const std::uint16_t port = free_port();
    Child openssl(interop.server(that.identity, port));
    ASSERT_TRUE(
        interop.udp.run_until([&] { return openssl.heard().find("ACCEPT") != std::string::npos; }));
    interop.udp.talk_to(port);
    interop.node.link_to(interop.udp.now(), node(0x11), kPeer);
    EXPECT_TRUE(interop.udp.run_until([&] {
      return openssl.heard().find(that.alert) != std::string::npos;
    })) << openssl.heard()
        << reports_of(interop.node);
    EXPECT_FALSE(interop.node.is_secure());
  }
}

}  // namespace
}  // namespace tests
