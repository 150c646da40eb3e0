// SPDX-License-Identifier: Apache-2.0
// TLS links in memory on a virtual clock: frames, acks, the failure timeout, limits, refusals.

#include "controlplane/links/tls_link.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <memory>

#include "tests/controlplane/links_rig.h"
#include "wire/reload/forwarding_header.h"

namespace tests {
namespace {

using controlplane::links::Bytes;
using controlplane::links::ContextSettings;
using controlplane::links::Failure;
using controlplane::links::kMillisecond;
using controlplane::links::kNever;
using controlplane::links::kSecond;
using controlplane::links::Role;
using controlplane::links::SecureContext;
using controlplane::links::TlsEvent;
using controlplane::links::TlsLink;
using controlplane::links::TlsLinkSettings;
using controlplane::links::TlsOutputs;
using controlplane::links::Transport;
using controlplane::trust::Refusal;
using crypto::Algorithm;
using wire::reload::NodeId;

NodeId node(unsigned char byte) {
  NodeId id;
  id.bytes.fill(std::byte{byte});
  return id;
}
NodeId caller() { return node(0x11); }
NodeId callee() { return node(0xee); }

const LinkOverlay& overlay() {
  static const LinkOverlay its;
  return its;
}

ContextSettings stream_settings(const NodeId& id, Algorithm algorithm = Algorithm::kEd25519) {
  auto settings =
      overlay().context_settings(overlay().identity(id, {.algorithm = algorithm, .overlay = {}}));
  settings.transport = Transport::kStream;
  return settings;
}

/// One end of a connection.
struct End {
  End(std::shared_ptr<const SecureContext> its_context, Role role, std::vector<NodeId> any_of,
      const TlsLinkSettings& settings)
      : context(std::move(its_context)),
        link(context, role, std::move(any_of), settings, links_at(kSecond)) {}
  [[nodiscard]] const TlsEvent* last(TlsEvent::Kind kind) const {
    const auto found = std::find_if(out.events.rbegin(), out.events.rend(),
                                    [&](const TlsEvent& event) { return event.kind == kind; });
    return found == out.events.rend() ? nullptr : &*found;
  }
  std::shared_ptr<const SecureContext> context;
  TlsLink link;
  TlsOutputs out;
};

struct Connection {
  explicit Connection(const TlsLinkSettings& settings = {},
                      std::shared_ptr<const SecureContext> client_context = nullptr,
                      std::shared_ptr<const SecureContext> server_context = nullptr)
      : client(client_context ? client_context : make_context(stream_settings(caller())),
               Role::kClient, {callee()}, settings),
        server(server_context ? server_context : make_context(stream_settings(callee())),
               Role::kServer, {node(0x33), caller()}, settings) {}

  /// Carries bytes both ways, in pieces of @p piece, until both are silent.
  void pump(std::size_t piece = 100000) {
    for (bool quiet = false; !quiet;) {
      quiet = true;
      for (End* from : {&client, &server}) {
        End& to = from == &client ? server : client;
        const Bytes bytes = from->link.take_output();
        from->link.note_written(now(), bytes.size());
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
          quiet = false;
          to.link.receive(now(), std::span(bytes).subspan(at, std::min(piece, bytes.size() - at)),
                          to.out);
        }
      }
    }
  }
  void tick() {
    client.link.tick(now(), client.out);
    server.link.tick(now(), server.out);
  }
  [[nodiscard]] bool both_up() const { return client.link.is_up() && server.link.is_up(); }
  [[nodiscard]] controlplane::links::Now now() const { return links_at(now_ns); }

  std::uint64_t now_ns = kSecond;
  End client;
  End server;
};

Bytes message_of(std::size_t length, unsigned char fill) { return Bytes(length, std::byte{fill}); }

TEST(TlsLink, CarriesMessagesBothWaysWhateverThePieces) {
  for (const Algorithm algorithm :
       {Algorithm::kRsaPkcs1Sha256, Algorithm::kEcdsaP256Sha256, Algorithm::kEd25519}) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{100000}}) {
      Connection connection({}, make_context(stream_settings(caller(), algorithm)),
                            make_context(stream_settings(callee(), algorithm)));
      connection.pump(piece);
      ASSERT_TRUE(connection.both_up());
      EXPECT_EQ(connection.client.link.peer(), callee());
      EXPECT_EQ(connection.server.link.peer(), caller());  // one of those it may be
      EXPECT_TRUE(connection.client.link.description().starts_with("TLSv1.3 "));
      for (unsigned char i = 1; i <= 10; ++i) {
        ASSERT_EQ(connection.client.link.send(connection.now(), message_of(500U * i, i)),
                  TlsLink::Sent::kYes);
        ASSERT_EQ(connection.server.link.send(connection.now(), message_of(i, i)),
                  TlsLink::Sent::kYes);
      }
      connection.pump(piece);
      ASSERT_EQ(connection.server.out.messages.size(), 10U);
      ASSERT_EQ(connection.client.out.messages.size(), 10U);
      for (unsigned char i = 1; i <= 10; ++i) {
        EXPECT_EQ(connection.server.out.messages[i - 1U], message_of(500U * i, i));
        EXPECT_EQ(connection.client.out.messages[i - 1U], message_of(i, i));
      }
      EXPECT_EQ(connection.client.link.counters().acks_in, 10U);
      EXPECT_EQ(connection.server.link.counters().acks_in, 10U);
      EXPECT_EQ(connection.client.link.counters().stray_acks, 0U);
    }
  }
}

TEST(TlsLink, MeasuresTheRoundTripAndKeepsARto) {  // C-24, RFC 6298 section 2
  Connection connection;
  connection.pump();
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(connection.client.link.send(connection.now(), message_of(10, 1)),
              TlsLink::Sent::kYes);
    connection.now_ns += 400 * kMillisecond;
    connection.pump();
  }
  EXPECT_EQ(connection.client.link.rto().srtt_ns(), 400 * kMillisecond);
  EXPECT_EQ(connection.client.link.rto().rto_ns(), kSecond);  // never below
  controlplane::links::Rto rto;
  rto.note(2 * kSecond);
  EXPECT_EQ(rto.rto_ns(), 6 * kSecond);  // R + 4 * R/2
  rto.note(3 * kSecond);
  // RTTVAR = 3/4 * 1 + 1/4 * 1 = 1; SRTT = 7/8 * 2 + 1/8 * 3 = 2.125
  EXPECT_EQ(rto.srtt_ns(), 2125 * kMillisecond);
  EXPECT_EQ(rto.rto_ns(), 6125 * kMillisecond);
  rto.note(500 * kSecond);
  EXPECT_EQ(rto.rto_ns(), 60 * kSecond);
}

TEST(TlsLink, FailsAfterAnRtoRecoversWithAnAckAndEndsAfterThirtySeconds) {  // C-24, C-25
  Connection connection;
  connection.pump();
  ASSERT_EQ(connection.client.link.send(connection.now(), message_of(10, 1)), TlsLink::Sent::kYes);
  EXPECT_EQ(connection.client.link.next_timer(), connection.now_ns + kSecond);
  connection.now_ns += kSecond - 1;
  connection.tick();
  EXPECT_FALSE(connection.client.link.is_failed());
  connection.now_ns += 1;
  connection.tick();
  EXPECT_TRUE(connection.client.link.is_failed());
  EXPECT_NE(connection.client.last(TlsEvent::Kind::kFailed), nullptr);
  connection.pump();
  EXPECT_FALSE(connection.client.link.is_failed());
  EXPECT_NE(connection.client.last(TlsEvent::Kind::kRecovered), nullptr);

  ASSERT_EQ(connection.client.link.send(connection.now(), message_of(10, 1)), TlsLink::Sent::kYes);
  connection.client.link.note_written(connection.now(),
                                      connection.client.link.take_output().size());  // and lost
  connection.now_ns = connection.client.link.next_timer();
  connection.tick();
  ASSERT_TRUE(connection.client.link.is_failed());
  connection.now_ns += 30 * kSecond - 1;
  connection.tick();
  EXPECT_FALSE(connection.client.link.is_over());
  connection.now_ns += 1;
  connection.tick();
  EXPECT_TRUE(connection.client.link.is_over());
  EXPECT_EQ(connection.client.last(TlsEvent::Kind::kClosed)->failure.failure, Failure::kNoAcks);
  EXPECT_EQ(connection.client.link.counters().failures, 2U);
}

TEST(TlsLink, AMessageAboveTheLimitIsAnsweredAndTheConnectionClosed) {  // C-34
  Connection connection({.max_message_size = 200});
  connection.pump();
  wire::reload::ForwardingHeader header;
  header.destination_list_length = 18;
  header.length = 5000;
  Bytes message(5000);
  wire::reload::write_forwarding_header(header, message);
  ASSERT_EQ(connection.client.link.send(connection.now(), message), TlsLink::Sent::kYes);
  connection.pump();
  const TlsEvent* event = connection.server.last(TlsEvent::Kind::kTooLarge);
  ASSERT_NE(event, nullptr);
  EXPECT_TRUE(std::ranges::equal(event->header, std::span(message).first(38 + 18)));
  EXPECT_TRUE(connection.server.out.messages.empty());
  // Nothing more is read, but the answer goes out.
  ASSERT_EQ(connection.client.link.send(connection.now(), message_of(5, 1)), TlsLink::Sent::kYes);
  connection.pump();
  EXPECT_TRUE(connection.server.out.messages.empty());
  ASSERT_EQ(connection.server.link.send(connection.now(), message_of(60, 9)), TlsLink::Sent::kYes);
  connection.server.link.close(connection.now());
  connection.pump();
  ASSERT_EQ(connection.client.out.messages.size(), 1U);
  EXPECT_EQ(connection.client.last(TlsEvent::Kind::kClosed)->failure.failure, Failure::kPeerClosed);
}

TEST(TlsLink, AMessageThatNobodyAnswersIsNotWaitedFor) {
  Connection connection({.max_message_size = 200});
  connection.pump();
  Bytes message(5000);
  wire::reload::ForwardingHeader header;
  wire::reload::write_forwarding_header(header, message);
  ASSERT_EQ(connection.client.link.send(connection.now(), message), TlsLink::Sent::kYes);
  connection.pump();
  connection.now_ns += kSecond;
  connection.tick();
  EXPECT_EQ(connection.server.last(TlsEvent::Kind::kClosed)->failure.failure,
            Failure::kMessageTooLarge);
}

TEST(TlsLink, AHeaderAboveTheLimitIsNotAnswered) {  // C-35
  Connection connection({.max_message_size = 200});
  connection.pump();
  wire::reload::ForwardingHeader header;
  header.via_list_length = 180;
  header.destination_list_length = 18;
  Bytes message(5000);
  wire::reload::write_forwarding_header(header, message);
  ASSERT_EQ(connection.client.link.send(connection.now(), message), TlsLink::Sent::kYes);
  connection.pump();
  EXPECT_EQ(connection.server.last(TlsEvent::Kind::kTooLarge), nullptr);
  EXPECT_EQ(connection.server.last(TlsEvent::Kind::kClosed)->failure.failure,
            Failure::kMessageTooLarge);
}

TEST(TlsLink, HoldsOnlySoMuchForASocketThatTakesNothing) {
  Connection connection({.max_backlog = 20'000});
  connection.pump();
  int sent = 0;
  while (connection.client.link.send(connection.now(), message_of(1000, 1)) ==
         TlsLink::Sent::kYes) {
    ASSERT_LT(++sent, 100);
  }
  EXPECT_GT(sent, 15);
  EXPECT_EQ(connection.client.link.send(connection.now(), message_of(1000, 1)),
            TlsLink::Sent::kBacklogFull);
  EXPECT_LE(connection.client.link.take_output().size(), 20'000U);
  connection.now_ns += 29 * kSecond;
  connection.tick();
  EXPECT_FALSE(connection.client.link.is_over());
  connection.now_ns += kSecond;
  connection.tick();
  EXPECT_EQ(connection.client.last(TlsEvent::Kind::kClosed)->failure.failure, Failure::kStalled);
}

TEST(TlsLink, DoesNotReadFromAPeerThatDoesNot) {
  Connection connection({.max_backlog = 1000});
  connection.pump();
  // Acks pile up at the server, whose socket takes nothing.
  for (int i = 0; i < 3000 && connection.server.link.wants_input(); ++i) {
    const auto sent = connection.client.link.send(connection.now(), message_of(1, 1));
    ASSERT_EQ(sent, TlsLink::Sent::kYes);
    const Bytes bytes = connection.client.link.take_output();
    connection.client.link.note_written(connection.now(), bytes.size());
    connection.server.link.receive(connection.now(), bytes, connection.server.out);
  }
  EXPECT_FALSE(connection.server.link.wants_input());
  const Bytes taken = connection.server.link.take_output();
  EXPECT_LT(taken.size(), 80'000U);
  connection.server.link.note_written(connection.now(), taken.size());
  EXPECT_TRUE(connection.server.link.wants_input());
}

TEST(TlsLink, GivesUpOnAHandshakeThatDoesNotEnd) {
  Connection connection;
  const Bytes bytes = connection.client.link.take_output();
  connection.server.link.receive(connection.now(), std::span(bytes).first(50),
                                 connection.server.out);
  connection.now_ns += 10 * kSecond;
  connection.tick();
  EXPECT_EQ(connection.client.last(TlsEvent::Kind::kClosed)->failure.failure, Failure::kTimedOut);
  EXPECT_EQ(connection.server.last(TlsEvent::Kind::kClosed)->failure.failure, Failure::kTimedOut);
  EXPECT_EQ(connection.server.link.send(connection.now(), message_of(1, 1)), TlsLink::Sent::kNotUp);
  EXPECT_EQ(connection.server.link.next_timer(), kNever);
}

TEST(TlsLink, EndsByNameWithGarbageWithTheStreamAndInSilence) {
  {
    Connection connection;
    connection.server.link.receive(connection.now(), message_of(300, 'G'), connection.server.out);
    EXPECT_EQ(connection.server.last(TlsEvent::Kind::kClosed)->failure.failure, Failure::kProtocol);
  }
  {
    Connection connection;
    connection.pump();
    connection.server.link.end_of_stream(connection.now(), connection.server.out);
    EXPECT_EQ(connection.server.last(TlsEvent::Kind::kClosed)->failure.failure,
              Failure::kTruncated);
  }
  {
    Connection connection;
    connection.client.link.end_of_stream(connection.now(), connection.client.out);
    EXPECT_EQ(connection.client.last(TlsEvent::Kind::kClosed)->failure.failure,
              Failure::kNotConnected);
  }
  {
    Connection connection({.idle_ns = 100 * kSecond});
    connection.pump();
    connection.now_ns += 100 * kSecond;
    connection.tick();
    EXPECT_EQ(connection.server.last(TlsEvent::Kind::kClosed)->failure.failure, Failure::kIdle);
  }
  {
    Connection connection;
    connection.pump();
    connection.client.link.close(connection.now());
    connection.pump();
    EXPECT_EQ(connection.server.last(TlsEvent::Kind::kClosed)->failure.failure,
              Failure::kPeerClosed);
    EXPECT_TRUE(connection.client.link.is_over());
    EXPECT_EQ(connection.client.last(TlsEvent::Kind::kClosed), nullptr);
  }
}

TEST(TlsLink, ATls12PeerWithoutExtendedMasterSecretIsRefused) {  // RFC 7627 section 5
  const auto context = make_context(stream_settings(callee()));
  TlsLink link(context, Role::kServer, {caller()}, {}, links_at(kSecond));
  TlsOutputs out;
  const LinkIdentity identity = overlay().identity(caller());
  SSL_CTX* plain = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(plain, TLS1_2_VERSION);
  SSL_CTX_set_options(plain, SSL_OP_NO_EXTENDED_MASTER_SECRET);
  const auto* der = reinterpret_cast<const unsigned char*>(identity.der.data());
  EXPECT_EQ(SSL_CTX_use_certificate_ASN1(plain, static_cast<int>(identity.der.size()), der), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey(plain, static_cast<EVP_PKEY*>(identity.key->openssl())), 1);
  SSL* ssl = SSL_new(plain);
  BIO* to_ssl = BIO_new(BIO_s_mem());
  BIO* from_ssl = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl, to_ssl, from_ssl);
  SSL_set_connect_state(ssl);
  for (int turn = 0; turn < 5; ++turn) {
    SSL_do_handshake(ssl);
    Bytes bytes(BIO_ctrl_pending(from_ssl));
    BIO_read(from_ssl, bytes.data(), static_cast<int>(bytes.size()));
    link.receive(links_at(kSecond), bytes, out);
    const Bytes answer = link.take_output();
    BIO_write(to_ssl, answer.data(), static_cast<int>(answer.size()));
  }
  ASSERT_EQ(out.events.size(), 1U);
  EXPECT_EQ(out.events[0].kind, TlsEvent::Kind::kClosed);
  EXPECT_EQ(out.events[0].failure.failure, Failure::kNoExtendedMasterSecret);
  SSL_free(ssl);
  SSL_CTX_free(plain);
}

struct Case {
  const char* name;
  IdentityWish wish;
  NodeId claims;
  bool foreign;
  Refusal refusal;
  int alert;
};

class TlsRefused : public testing::TestWithParam<std::tuple<std::size_t, Role>> {};

const Case kCases[] = {
    {"Expired",
     {.algorithm = Algorithm::kEcdsaP256Sha256, .overlay = {}, .validity = {1000, kLinksUnixS - 1}},
     caller(),
     false,
     Refusal::kExpired,
     SSL_AD_CERTIFICATE_EXPIRED},
    {"ForeignAuthority", {}, caller(), true, Refusal::kOtherAuthority, SSL_AD_UNKNOWN_CA},
    {"WrongNodeId", {}, node(0x12), false, Refusal::kWrongNodeId, SSL_AD_BAD_CERTIFICATE},
};

TEST_P(TlsRefused, WithTheRightAlert) {  // C-32
  const Case& that = kCases[std::get<0>(GetParam())];
  const bool refuses_client = std::get<1>(GetParam()) == Role::kClient;
  static const LinkOverlay foreign;
  const NodeId claims = that.claims == caller() && !refuses_client ? callee() : that.claims;
  auto settings = stream_settings(refuses_client ? caller() : callee());
  const LinkIdentity bad = (that.foreign ? foreign : overlay()).identity(claims, that.wish);
  settings.certificate = bad.der;
  settings.key = bad.key;
  const auto context = make_context(settings);
  Connection connection({}, refuses_client ? context : nullptr, refuses_client ? nullptr : context);
  connection.pump();
  End& refusing = refuses_client ? connection.server : connection.client;
  End& refused = refuses_client ? connection.client : connection.server;
  const TlsEvent* event = refusing.last(TlsEvent::Kind::kClosed);
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->failure.failure, Failure::kCertificateRefused);
  EXPECT_EQ(event->failure.refusal, that.refusal);
  EXPECT_EQ(event->failure.alert_sent, that.alert);
  EXPECT_EQ(refusing.last(TlsEvent::Kind::kUp), nullptr);
  const TlsEvent* told = refused.last(TlsEvent::Kind::kClosed);
  ASSERT_NE(told, nullptr);
  EXPECT_EQ(told->failure.failure, Failure::kPeerAlert);
  EXPECT_EQ(told->failure.alert_received, that.alert);
}

INSTANTIATE_TEST_SUITE_P(Links, TlsRefused,
                         testing::Combine(testing::Range<std::size_t>(0, std::size(kCases)),
                                          testing::Values(Role::kClient, Role::kServer)),
                         [](const auto& its) {
                           return std::string(kCases[std::get<0>(its.param)].name) +
                                  (std::get<1>(its.param) == Role::kClient ? "Client" : "Server");
                         });

}  // namespace
}  // namespace tests
