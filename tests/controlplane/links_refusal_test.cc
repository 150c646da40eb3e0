// SPDX-License-Identifier: Apache-2.0
// Whom links refuse, what they tell him, and that a plain OpenSSL hears it (RFC 5246
// section 7.2.2).

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <array>

#include "tests/controlplane/links_rig.h"
#include "tests/controlplane/openssl_peer.h"

namespace tests {
namespace {

using controlplane::links::Failure;
using controlplane::links::kSecond;
using controlplane::links::LinkReport;
using controlplane::links::Role;
using controlplane::trust::Refusal;
using crypto::Algorithm;
using wire::reload::NodeId;

constexpr unsigned kUs = 1;
constexpr unsigned kPeer = 2;

NodeId node(unsigned char byte) {
  NodeId id;
  id.bytes.fill(std::byte{byte});
  return id;
}
NodeId self() { return node(0x44); }
NodeId expected() { return node(0x77); }

const LinkOverlay& overlay() {
  static const LinkOverlay its;
  return its;
}
const LinkOverlay& foreign() {
  static const LinkOverlay its;
  return its;
}

/// Our node, linked to whoever is at kPeer and should be expected().
struct Us : LinkNode {
  explicit Us(Algorithm algorithm = Algorithm::kEcdsaP256Sha256, bool bars_peer = false)
      : LinkNode(self(), kUs, context(algorithm, bars_peer)) {
    link_to(links_at(kSecond), expected(), kPeer);
  }
  [[nodiscard]] static std::shared_ptr<const controlplane::links::SecureContext> context(
      Algorithm algorithm, bool bars_peer) {
    auto settings = overlay().context_settings(
        overlay().identity(self(), {.algorithm = algorithm, .overlay = {}}));
    if (bars_peer) {
      settings.is_barred = [](const NodeId& node_id) { return node_id == expected(); };
    }
    return make_context(settings);
  }
};

/// Lets OpenSSL with @p wish meet our node, which is client when OpenSSL is server.
void meet(LinkNode& node, OpensslPeer& peer, Role role_of_peer) {
  if (role_of_peer == Role::kClient) {
    peer.step({});
  } else {
    node.tick(links_at(2 * kSecond));
  }
  talk(node, peer, kPeer, links_at(2 * kSecond));
  // An alert in clear counts when nothing else came.
  if (node.reports.empty()) node.tick(links_at(3 * kSecond));
}

LinkIdentity good() { return overlay().identity(expected(), {Algorithm::kEcdsaP256Sha256, {}}); }

struct Case {
  const char* name;
  std::optional<LinkIdentity> (*identity)();
  Failure failure;
  Refusal refusal;
  int alert;
  bool bars = false;
};

std::optional<LinkIdentity> wished(const LinkOverlay& from, const NodeId& id, IdentityWish wish) {
  wish.algorithm = Algorithm::kEcdsaP256Sha256;
  return from.identity(id, wish);
}

const Case kCases[] = {
    {"Expired",
     [] {
       return wished(overlay(), expected(), {.overlay = {}, .validity = {1000, kLinksUnixS - 1}});
     },
     Failure::kCertificateRefused, Refusal::kExpired, SSL_AD_CERTIFICATE_EXPIRED},
    {"NotYetValid",
     [] {
       return wished(overlay(), expected(),
                     {.overlay = {}, .validity = {kLinksUnixS + 60, kLinksUnixS + 120}});
     },
     Failure::kCertificateRefused, Refusal::kNotYetValid, SSL_AD_BAD_CERTIFICATE},
    {"ForeignAuthority", [] { return wished(foreign(), expected(), {}); },
     Failure::kCertificateRefused, Refusal::kOtherAuthority, SSL_AD_UNKNOWN_CA},
    {"WrongNodeId", [] { return wished(overlay(), node(0x78), {}); }, Failure::kCertificateRefused,
     Refusal::kWrongNodeId, SSL_AD_BAD_CERTIFICATE},
    {"OtherOverlay",
     [] { return wished(overlay(), expected(), {.overlay = "other.example", .validity = {}}); },
     Failure::kCertificateRefused, Refusal::kWrongOverlay, SSL_AD_BAD_CERTIFICATE},
    {"Barred", [] { return wished(overlay(), expected(), {}); }, Failure::kCertificateRefused,
     Refusal::kNone, SSL_AD_CERTIFICATE_REVOKED, true},
};

class Refused : public testing::TestWithParam<std::tuple<std::size_t, Role>> {};

TEST_P(Refused, WithTheRightAlert) {
  const Case& that = kCases[std::get<0>(GetParam())];
  const Role role = std::get<1>(GetParam());
  Us node(Algorithm::kEcdsaP256Sha256, that.bars);
  OpensslPeer peer({.role = role, .identity = that.identity()});
  meet(node, peer, role);
  EXPECT_FALSE(node.is_secure());
  EXPECT_FALSE(peer.done);
  EXPECT_EQ(peer.alert_received, that.alert) << SSL_alert_desc_string_long(peer.alert_received);
  ASSERT_EQ(node.reports.size(), 1U);
  EXPECT_EQ(node.reports[0].kind, LinkReport::Kind::kHandshakeFailed);
  EXPECT_EQ(node.reports[0].failure.failure, that.failure);
  EXPECT_EQ(node.reports[0].failure.refusal, that.refusal);
  EXPECT_EQ(node.reports[0].failure.alert_sent, that.alert);
  EXPECT_EQ(node.reports[0].role, role == Role::kClient ? Role::kServer : Role::kClient);
  EXPECT_EQ(node.counters().certificates_refused, 1U);
  EXPECT_EQ(node.handshakes->half_open(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Links, Refused,
                         testing::Combine(testing::Range<std::size_t>(0, std::size(kCases)),
                                          testing::Values(Role::kClient, Role::kServer)),
                         [](const auto& its) {
                           return std::string(kCases[std::get<0>(its.param)].name) +
                                  (std::get<1>(its.param) == Role::kClient ? "Client" : "Server");
                         });

class Met : public testing::TestWithParam<Role> {};

TEST_P(Met, APlainOpensslIsAPeerLikeAnyOther) {
  Us node;
  OpensslPeer peer({.role = GetParam(), .identity = good()});
  meet(node, peer, GetParam());
  ASSERT_TRUE(node.is_secure()) << reports_of(node);
  ASSERT_TRUE(peer.done);
  // The dataplane's records are OpenSSL's, both ways.
  const std::array<std::byte, 3> bytes{std::byte{1}, std::byte{2}, std::byte{3}};
  ASSERT_TRUE(node.send_data(bytes));
  peer.write(bytes);
  talk(node, peer, kPeer, links_at(3 * kSecond));
  ASSERT_EQ(peer.data.size(), 1U);
  EXPECT_TRUE(std::ranges::equal(peer.data[0], bytes));
  ASSERT_EQ(node.data.size(), 1U);
  EXPECT_TRUE(std::ranges::equal(node.data[0], bytes));
  // close_notify ends the association, and another attempt follows.
  peer.close();
  talk(node, peer, kPeer, links_at(4 * kSecond));
  EXPECT_FALSE(node.is_secure());
  EXPECT_EQ(node.reports.back().kind, LinkReport::Kind::kClosed);
  EXPECT_EQ(node.reports.back().failure.failure, Failure::kPeerClosed);
  EXPECT_EQ(node.counters().closed, 1U);
  EXPECT_GT(node.handshakes->status()[0].next_attempt_ns, 4 * kSecond);
  EXPECT_LT(node.handshakes->status()[0].next_attempt_ns, 7 * kSecond);
  expect_no_number_twice(node);
}

TEST_P(Met, OursTellsItThatALinkIsClosed) {
  Us node;
  OpensslPeer peer({.role = GetParam(), .identity = good()});
  meet(node, peer, GetParam());
  ASSERT_TRUE(node.is_secure());
  node.handshakes->set_links(links_at(3 * kSecond), {}, node.out);
  node.carry_out();
  talk(node, peer, kPeer, links_at(3 * kSecond));
  EXPECT_TRUE(peer.close_received);
  EXPECT_FALSE(node.is_secure());
  node.tick(links_at(100 * kSecond));
  EXPECT_EQ(node.handshakes->next_timer(), controlplane::links::kNever);
  EXPECT_TRUE(node.to_wire.empty());
}

TEST_P(Met, WithoutExtendedMasterSecretItIsRefused) {  // RFC 7627 section 5
  Us node;
  OpensslPeer peer(
      {.role = GetParam(), .identity = good(), .options = SSL_OP_NO_EXTENDED_MASTER_SECRET});
  meet(node, peer, GetParam());
  EXPECT_FALSE(node.is_secure());
  EXPECT_EQ(peer.alert_received, SSL_AD_HANDSHAKE_FAILURE);
  ASSERT_EQ(node.reports.size(), 1U);
  EXPECT_EQ(node.reports[0].failure.failure, Failure::kNoExtendedMasterSecret);
  EXPECT_EQ(node.reports[0].failure.alert_sent, SSL_AD_HANDSHAKE_FAILURE);
}

TEST_P(Met, WithNothingInCommonItIsRefused) {
  for (const char* ciphers : {"ECDHE-ECDSA-AES128-SHA256", "AES128-GCM-SHA256"}) {
    Us node;
    OpensslPeer peer({.role = GetParam(), .identity = good(), .ciphers = ciphers});
    meet(node, peer, GetParam());
    EXPECT_FALSE(node.is_secure());
    ASSERT_EQ(node.reports.size(), 1U) << ciphers;
    const bool we_are_server = GetParam() == Role::kClient;
    EXPECT_EQ(node.reports[0].failure.failure,
              we_are_server ? Failure::kNothingInCommon : Failure::kPeerAlert);
    EXPECT_EQ(we_are_server ? peer.alert_received : peer.alert_sent, SSL_AD_HANDSHAKE_FAILURE);
  }
}

TEST_P(Met, WithDtls10ItIsRefused) {
  Us node;
  OpensslPeer peer({.role = GetParam(),
                    .identity = good(),
                    .ciphers = "ECDHE-ECDSA-AES128-SHA@SECLEVEL=0",
                    .max_version = DTLS1_VERSION});
  meet(node, peer, GetParam());
  EXPECT_FALSE(node.is_secure());
  // A server of DTLS 1.0 says so in an alert of DTLS 1.0, which is dropped.
  if (GetParam() == Role::kClient) {
    ASSERT_EQ(node.reports.size(), 1U);
    EXPECT_EQ(peer.alert_received, SSL_AD_PROTOCOL_VERSION);
    EXPECT_EQ(node.reports[0].failure.failure, Failure::kNothingInCommon);
  }
}

INSTANTIATE_TEST_SUITE_P(Links, Met, testing::Values(Role::kClient, Role::kServer),
                         [](const auto& its) {
                           return std::string(its.param == Role::kClient ? "Client" : "Server");
                         });

TEST(LinksRefusal, AClientWithoutCertificateGetsHandshakeFailure) {
  Us node;
  OpensslPeer peer({.role = Role::kClient, .identity = {}});
  meet(node, peer, Role::kClient);
  EXPECT_FALSE(node.is_secure());
  EXPECT_EQ(peer.alert_received, SSL_AD_HANDSHAKE_FAILURE);
  ASSERT_EQ(node.reports.size(), 1U);
  EXPECT_EQ(node.reports[0].failure.failure, Failure::kNoCertificate);
}

TEST(LinksRefusal, AnEd25519ServerWorksWithOpensslsDtls) {
  Us node(Algorithm::kEd25519);
  OpensslPeer peer({.role = Role::kClient, .identity = good()});
  meet(node, peer, Role::kClient);
  EXPECT_TRUE(node.is_secure()) << reports_of(node);
}

TEST(LinksRefusal, RenegotiationGetsNoAnswer) {
  Us node;
  OpensslPeer peer({.role = Role::kClient, .identity = good()});
  meet(node, peer, Role::kClient);
  ASSERT_TRUE(node.is_secure());
  // A HelloRequest in epoch 1: authentic, and of no interest.
  const LinkNode::Keys& keys = node.ever.at(node.installed.back());
  wire::dtls::RecordHeader header;
  header.type = wire::dtls::ContentType::kHandshake;
  header.epoch = 1;
  header.sequence = 9;
  controlplane::links::Bytes datagram;
  const controlplane::links::Bytes hello_request(12);
  ASSERT_TRUE(controlplane::links::seal_record(keys.keys.aead, keys.keys.read, header,
                                               hello_request, datagram));
  node.receive(links_at(3 * kSecond), kPeer, datagram);
  EXPECT_TRUE(node.to_wire.empty());
  EXPECT_TRUE(node.is_secure());
}

TEST(LinksRefusal, ContextsThatMakeNoSenseAreRefusedWithAReason) {
  using controlplane::links::SecureContext;
  const auto refused = [](auto change) {
    auto settings = overlay().context_settings(overlay().identity(self()));
    change(settings);
    std::string why;
    EXPECT_EQ(SecureContext::make(settings, why), nullptr);
    EXPECT_FALSE(why.empty());
    return why;
  };
  EXPECT_NE(refused([](auto& s) {
              s.key = crypto::SigningKey::generate(Algorithm::kEd25519);
            }).find("key"),
            std::string::npos);
  EXPECT_NE(refused([](auto& s) { s.checker = nullptr; }).find("root"), std::string::npos);
  refused([](auto& s) { s.certificate.pop_back(); });
  refused([](auto& s) { s.aeads.clear(); });
  refused([](auto& s) { s.intermediates = {controlplane::links::Bytes(3)}; });
  refused([](auto& s) { s.shared_secret = {"id", controlplane::links::Bytes(15)}; });
  refused([](auto& s) { s.shared_secret = {"", controlplane::links::Bytes(16)}; });
}

}  // namespace
}  // namespace tests
