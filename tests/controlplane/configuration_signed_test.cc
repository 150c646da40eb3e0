// SPDX-License-Identifier: Apache-2.0
// Which configuration documents and Kinds may replace those in force.

#include "controlplane/configuration/signed_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <string>

#include "config/node_config.h"
#include "controlplane/configuration/base64.h"
#include "tests/controlplane/configuration_rig.h"

namespace controlplane::configuration {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using wire::reload::ErrorCode;

void replace(std::string& in, const std::string& what, const std::string& by) {
  const std::size_t at = in.find(what);
  ASSERT_NE(at, std::string::npos) << what;
  in.replace(at, what.size(), by);
}

class SignedDocument : public testing::Test {
 protected:
  [[nodiscard]] OverlayConfiguration at(std::uint16_t sequence) const {
    return test_configuration(authority_, signer_, sequence);
  }
  /// Refusal of @p file as an update of current_, by name.
  [[nodiscard]] std::string refusal(const std::string& file, std::int64_t now = kTestNow) const {
    return refusal_name(judge_update(current_, file, now).fault.refusal);
  }
  [[nodiscard]] Refusal first(const std::string& file, const FirstTrust& trust) const {
    return judge_first(kTestOverlay, file, kTestNow, trust).fault.refusal;
  }

  TestAuthority authority_;
  TestSigner signer_ = authority_.signer();
  OverlayConfiguration current_ = at(7);
};

TEST_F(SignedDocument, IsAcceptedFromASignerOfTheOneInForce) {
  for (const auto algorithm : {crypto::Algorithm::kEd25519, crypto::Algorithm::kEcdsaP256Sha256,
                               crypto::Algorithm::kRsaPkcs1Sha256}) {
    const TestSigner signer = authority_.signer(algorithm);
    current_.configuration_signers = {signer_.node_id(), signer.node_id()};
    const Judgement judged = judge_update(current_, signed_file(at(8), signer), kTestNow);
    ASSERT_TRUE(judged.accepted()) << judged.fault.sentence();
    EXPECT_EQ(judged.signer, signer.node_id());
    EXPECT_EQ(judged.signer_expires_unix_s, kTestNow + 10'000);
    EXPECT_EQ(judged.element.configuration.sequence, 8);
    EXPECT_THAT(judged.element.warnings, IsEmpty());
  }
}

TEST_F(SignedDocument, IsRefusedFromASignerItNamesItself) {
  const TestSigner usurper = authority_.signer();
  OverlayConfiguration next = at(8);
  next.configuration_signers = {usurper.node_id()};
  EXPECT_EQ(refusal(signed_file(next, usurper)), "not_a_signer");
  EXPECT_EQ(refusal(signed_file(next, signer_)), "none") << "signers change by their own hand";
}

TEST_F(SignedDocument, IsRefusedFromAnAuthorityItBringsItself) {
  const TestAuthority other;
  const TestSigner usurper = other.signer();
  current_.configuration_signers.push_back(usurper.node_id());
  OverlayConfiguration next = at(8);
  next.root_certs = {other.root_der()};
  EXPECT_EQ(refusal(signed_file(next, usurper)), "certificate");
}

TEST_F(SignedDocument, FollowsTheSequenceAroundItsEnd) {
  const auto after = [&](std::uint16_t current, std::uint16_t candidate) {
    current_.sequence = current;
    return refusal(signed_file(at(candidate), signer_));
  };
  EXPECT_EQ(after(7, 7), "not_newer");
  EXPECT_EQ(after(7, 6), "not_newer");
  EXPECT_EQ(after(7, 7 + 32767), "none");
  EXPECT_EQ(after(7, 7 + 32768), "not_newer");
  EXPECT_EQ(after(65534, 0), "none");
  EXPECT_EQ(after(0, 65534), "not_newer");
  EXPECT_EQ(after(60000, 3), "none");
  EXPECT_EQ(after(3, 60000), "not_newer");
}

TEST_F(SignedDocument, IsRefusedWhenItIsExpiredOrDoesNotSayWhen) {
  const std::string file = signed_file(at(8), signer_);
  EXPECT_EQ(refusal(file, kTestNow + 4999), "none");
  EXPECT_EQ(refusal(file, kTestNow + 5000), "expired");
  OverlayConfiguration next = at(8);
  next.expiration_unix_s.reset();
  EXPECT_EQ(refusal(signed_file(next, signer_)), "no_expiration");
  next = at(8);
  next.sequence.reset();
  EXPECT_EQ(refusal(signed_file(next, signer_)), "no_sequence");
}

TEST_F(SignedDocument, IsRefusedForAnotherOverlay) {
  OverlayConfiguration next = at(8);
  next.instance_name = "other.example.org";
  EXPECT_EQ(refusal(signed_file(next, signer_)), "other_overlay");
}

TEST_F(SignedDocument, IsRefusedWhenAnyByteOfItIsChanged) {
  std::string file = signed_file(at(8), signer_);
  std::string spaced = file;
  replace(spaced, "<no-ice>", "<no-ice> ");
  EXPECT_EQ(refusal(spaced), "bad_signature") << "white space is signed, too";
  std::string outside = file;
  replace(outside, "<overlay ", "<!-- not covered --><overlay ");
  EXPECT_EQ(refusal(outside), "none");
  // The signature of one file below the configuration of another.
  OverlayConfiguration other = at(9);
  other.bad_nodes = {trust::random_node_id()};
  const std::string banning = signed_file(other, signer_);
  const auto configuration_of = [](const std::string& text) {
    const std::size_t begin = text.find("<configuration");
    return text.substr(begin, text.find("</configuration>") + 16 - begin);
  };
  replace(file, configuration_of(file), configuration_of(banning));
  EXPECT_EQ(refusal(file), "bad_signature");
}

TEST_F(SignedDocument, IsRefusedWithoutASignatureThatCanBeChecked) {
  const std::string plain = write_document(at(8));
  EXPECT_EQ(refusal(plain), "unsigned");
  const auto with_signature = [&](const std::string& text) {
    std::string file = plain;
    file.insert(file.find("</overlay>"), "<signature>" + text + "</signature>");
    return file;
  };
  EXPECT_EQ(refusal(with_signature("VGhpcyBpcyBub3QgcmlnaHQhCg==")), "signature_format")
      << "the example of RFC 6940";
  EXPECT_EQ(refusal(with_signature("")), "signature_format");
  EXPECT_EQ(refusal(with_signature("%")), "signature_format");
  // A block that names another algorithm, and one without its certificate.
  const Document document = parse_document(plain);
  std::string why;
  auto block =
      sign_element(document.configurations[0].signed_bytes, signer_.certificate, *signer_.key, why);
  const std::size_t bucket =
      (std::to_integer<std::size_t>(block[0]) << 8U) + std::to_integer<std::size_t>(block[1]);
  auto unknown = block;
  unknown[2 + bucket + 1] = std::byte{0x6a};
  EXPECT_EQ(refusal(with_signature(encode_base64(unknown))), "algorithm");
  auto lying = block;
  lying[2 + bucket] = std::byte{4};
  lying[2 + bucket + 1] = std::byte{1};
  EXPECT_EQ(refusal(with_signature(encode_base64(lying))), "bad_signature");
  auto bare = block;
  bare.erase(bare.begin() + 2, bare.begin() + 2 + static_cast<std::ptrdiff_t>(bucket));
  bare[0] = bare[1] = std::byte{0};
  const std::string file = with_signature(encode_base64(bare));
  EXPECT_EQ(refusal(file), "no_certificate");
  const JudgeOptions known{.known_certificates = {signer_.certificate.der}};
  EXPECT_TRUE(judge_update(current_, file, kTestNow, known).accepted());
}

TEST_F(SignedDocument, IsRefusedWhenTheSignersCertificateIsNoLongerGood) {
  const TestSigner late =
      authority_.signer(crypto::Algorithm::kEd25519, {kTestNow - 9, kTestNow - 1});
  current_.configuration_signers.push_back(late.node_id());
  const Judgement judged = judge_update(current_, signed_file(at(8), late), kTestNow);
  EXPECT_EQ(judged.fault.refusal, Refusal::kCertificate);
  EXPECT_THAT(judged.fault.sentence(), HasSubstr("expired"));
  const TestSigner foreign = authority_.signer(
      crypto::Algorithm::kEd25519, {kTestNow - 1000, kTestNow + 10'000}, "other.example.org");
  current_.configuration_signers.push_back(foreign.node_id());
  EXPECT_EQ(refusal(signed_file(at(8), foreign)), "certificate");
  current_.bad_nodes = {signer_.node_id()};
  EXPECT_EQ(refusal(signed_file(at(8), signer_)), "bad_node");
}

TEST_F(SignedDocument, NeedsOneGoodSignatureOfSeveral) {
  const TestSigner stranger = authority_.signer();
  std::string file = signed_file(at(8), stranger);
  const std::string good = signed_file(at(8), signer_);
  const std::size_t begin = good.find("<signature");
  const std::string signature = good.substr(begin, good.find("</signature>") + 12 - begin);
  EXPECT_EQ(refusal(file), "not_a_signer");
  file.insert(file.find("</overlay>"), signature);
  EXPECT_EQ(refusal(file), "none");
}

TEST_F(SignedDocument, CanBeCheckedWithoutTheIdentityInTheSignature) {
  std::string file = write_document(at(8));
  std::string why;
  const auto block = sign_element(parse_document(file).configurations[0].signed_bytes,
                                  signer_.certificate, *signer_.key, why, SignedInput::kElement);
  file.insert(file.find("</overlay>"), "<signature>" + encode_base64(block) + "</signature>");
  EXPECT_EQ(refusal(file), "bad_signature");
  const JudgeOptions bare{.input = SignedInput::kElement};
  EXPECT_TRUE(judge_update(current_, file, kTestNow, bare).accepted());
}

TEST_F(SignedDocument, AsTheFirstIsTakenOnItsChannelOrItsRoot) {
  const std::string file = signed_file(at(8), signer_);
  EXPECT_EQ(first(write_document(at(8)), {.by_channel = true}), Refusal::kNone);
  EXPECT_EQ(first(file, {.roots = {authority_.root_pem()}}), Refusal::kNone);
  EXPECT_EQ(first(write_document(at(8)), {.roots = {authority_.root_pem()}}), Refusal::kUnsigned);
  EXPECT_EQ(first(file, {.roots = {TestAuthority().root_pem()}}), Refusal::kCertificate);
  EXPECT_EQ(first(file, {}), Refusal::kCertificate) << "its own roots do not vouch for it";
  EXPECT_EQ(first(file, {.by_channel = true, .newest_seen = 9}), Refusal::kNotNewer);
  EXPECT_EQ(first(file, {.by_channel = true, .newest_seen = 8}), Refusal::kNone);
}

TEST_F(SignedDocument, SaysWhenAConfigUpdateCannotCarryIt) {
  OverlayConfiguration next = at(8);
  next.max_message_size = 3000;
  const Judgement judged = judge_update(current_, signed_file(next, signer_), kTestNow);
  ASSERT_TRUE(judged.accepted());
  ASSERT_EQ(judged.element.warnings.size(), 1U);
  EXPECT_THAT(judged.element.warnings[0].sentence(), HasSubstr("3000"));
}

TEST_F(SignedDocument, KeepsNoMemoryOfWhatItRefused) {
  const TestSigner usurper = authority_.signer();
  const std::string files[] = {signed_file(at(8), usurper), signed_file(at(7), signer_),
                               write_document(at(8)), signed_file(at(8), usurper) + "<"};
  const auto refuse_all = [&] {
    for (const std::string& file : files) EXPECT_NE(refusal(file), "none");
  };
  for (int i = 0; i < 5; ++i) refuse_all();  // OpenSSL makes its tables
  const std::size_t before = ::mallinfo2().uordblks;
  for (int i = 0; i < 200; ++i) refuse_all();
  EXPECT_LT(::mallinfo2().uordblks, before + 64 * 1024);
}

TEST_F(SignedDocument, AnswersConfigUpdatesByItsReason) {
  EXPECT_EQ(refusal_error(Refusal::kNotNewer), ErrorCode::kConfigTooOld);
  EXPECT_EQ(refusal_error(Refusal::kBadSignature), ErrorCode::kForbidden);
  EXPECT_EQ(refusal_error(Refusal::kOtherKindSigner), ErrorCode::kForbidden) << "G-38";
  EXPECT_EQ(refusal_error(Refusal::kNotWellFormed), ErrorCode::kInvalidMessage);
}

TEST_F(SignedDocument, IsSignedWithoutChangingAnotherByte) {
  const std::string plain = write_document(at(8));
  const std::string once = signed_file(at(8), signer_);
  const SignedFile twice = sign_document(once, kTestOverlay, signer_.certificate, *signer_.key);
  EXPECT_EQ(once, twice.text) << "Ed25519 gives the same signature again, and it replaces the old";
  const std::size_t end = plain.find("</configuration>") + 16;
  EXPECT_EQ(once.substr(0, end), plain.substr(0, end));
  EXPECT_TRUE(once.ends_with(plain.substr(end)));
  const TestSigner other = authority_.signer();
  EXPECT_THAT(sign_document(plain, kTestOverlay, signer_.certificate, *other.key).why,
              HasSubstr("not the certificate's"));
  EXPECT_EQ(sign_document(plain, "x.example", signer_.certificate, *signer_.key).fault.refusal,
            Refusal::kOtherOverlay);
}

TEST_F(SignedDocument, ComesBackAsItWasWritten) {
  OverlayConfiguration all = at(8);
  all.enrollment_servers = {"https://example.org/?a=1&b=2"};
  all.self_signed_permitted = true;
  all.self_signed_digest = Digest::kSha1;
  all.bootstrap_nodes = {config::parse_endpoint("192.0.2.1:7000").value(),
                         config::parse_endpoint("[2001:db8::1]:6084").value()};
  all.turn_density = 20;
  all.clients_permitted = false;
  all.no_ice = false;
  all.chord_update_interval_s = 61;
  all.chord_ping_interval_s = 62;
  all.chord_reactive = false;
  all.shared_secret = "a<b>&\"c\"";
  all.max_message_size = 9999;
  all.initial_ttl = 31;
  all.overlay_reliability_timer_ms = 400;
  all.overlay_link_protocols = {"TLS", "EXP-PROTOCOL"};
  all.bad_nodes = {trust::random_node_id(), trust::random_node_id()};
  all.mandatory_extensions = {"urn:x"};
  all.foreign = {{"urn:x", "a", "b", "<x:a xmlns:x=\"urn:x\">b</x:a>"}};
  const Document document = parse_document(write_document(all));
  ASSERT_TRUE(document.fault.ok()) << document.fault.sentence();
  const OverlayConfiguration& back = document.configurations[0].configuration;
  EXPECT_EQ(back.instance_name, all.instance_name);
  EXPECT_EQ(back.sequence, all.sequence);
  EXPECT_EQ(back.expiration_unix_s, all.expiration_unix_s);
  EXPECT_EQ(back.root_certs, all.root_certs);
  EXPECT_EQ(back.enrollment_servers, all.enrollment_servers);
  EXPECT_TRUE(back.self_signed_permitted);
  EXPECT_EQ(back.self_signed_digest, Digest::kSha1);
  EXPECT_EQ(back.bootstrap_nodes, all.bootstrap_nodes);
  EXPECT_EQ(back.turn_density, 20U);
  EXPECT_FALSE(back.clients_permitted);
  EXPECT_FALSE(back.no_ice);
  EXPECT_EQ(back.chord_update_interval_s, 61U);
  EXPECT_EQ(back.chord_ping_interval_s, 62U);
  EXPECT_FALSE(back.chord_reactive);
  EXPECT_EQ(back.shared_secret, all.shared_secret);
  EXPECT_EQ(back.max_message_size, 9999U);
  EXPECT_EQ(back.initial_ttl, 31);
  EXPECT_EQ(back.overlay_reliability_timer_ms, 400U);
  EXPECT_EQ(back.overlay_link_protocols, all.overlay_link_protocols);
  EXPECT_EQ(back.configuration_signers, all.configuration_signers);
  EXPECT_EQ(back.kind_signers, all.kind_signers);
  EXPECT_EQ(back.bad_nodes, all.bad_nodes);
  EXPECT_EQ(back.mandatory_extensions, all.mandatory_extensions);
  ASSERT_EQ(back.foreign.size(), 1U);
  EXPECT_EQ(back.foreign[0].xml, all.foreign[0].xml);
  EXPECT_TRUE(back.needs_enrollment());
}

class SignedKind : public SignedDocument {
 protected:
  /// A private Kind of this number, signed by @p signer.
  [[nodiscard]] static KindBlock block(std::uint32_t id, const TestSigner& signer) {
    KindBlock made;
    made.kind.id = wire::reload::KindId{id};
    made.kind.access_control = "NODE-MULTIPLE";
    made.kind.max_node_multiple = 3;
    made.kind.max_size = 400;
    made.signed_bytes = write_kind(made.kind);
    std::string why;
    made.signature = sign_element(made.signed_bytes, signer.certificate, *signer.key, why);
    return made;
  }
};

TEST_F(SignedKind, IsAcceptedFromAKindSigner) {
  OverlayConfiguration next = at(8);
  next.required_kinds = {block(0xf0000001, signer_)};
  const Judgement judged = judge_update(current_, signed_file(next, signer_), kTestNow);
  ASSERT_TRUE(judged.accepted()) << judged.fault.sentence();
  ASSERT_EQ(judged.element.configuration.required_kinds.size(), 1U);
  EXPECT_EQ(judged.element.configuration.required_kinds[0].kind.max_size, 400U);
  EXPECT_THAT(judged.refused_kinds, IsEmpty());
}

TEST_F(SignedKind, IsLeftOutWhenNoKindSignerAnswersForIt) {
  OverlayConfiguration next = at(8);
  next.required_kinds = {block(0xf0000001, authority_.signer()), block(0xf0000002, signer_),
                         block(0xf0000003, signer_), block(0xf0000004, signer_)};
  next.required_kinds[1].signature.clear();
  next.required_kinds[2].signed_bytes.replace(next.required_kinds[2].signed_bytes.find("400"), 3,
                                              "401");
  const Judgement judged = judge_update(current_, signed_file(next, signer_), kTestNow);
  ASSERT_TRUE(judged.accepted()) << judged.fault.sentence();
  ASSERT_EQ(judged.element.configuration.required_kinds.size(), 1U);
  ASSERT_EQ(judged.refused_kinds.size(), 3U);
  EXPECT_EQ(judged.refused_kinds[0].fault.refusal, Refusal::kNotASigner);
  EXPECT_EQ(judged.refused_kinds[1].fault.refusal, Refusal::kUnsigned);
  EXPECT_EQ(judged.refused_kinds[2].fault.refusal, Refusal::kBadSignature);
  EXPECT_GT(judged.refused_kinds[2].fault.where.line, 0U);
}

TEST_F(SignedKind, OfAConfigUpdateMustNotComeFromAnotherSigner) {
  const TestSigner second = authority_.signer();
  current_.kind_signers.push_back(second.node_id());
  current_.required_kinds = {block(0xf0000001, signer_)};
  const auto judge = [&](const KindBlock& kind) {
    return judge_kind(current_, kind, kTestNow).fault.refusal;
  };
  EXPECT_EQ(judge(block(0xf0000001, signer_)), Refusal::kNone);
  EXPECT_EQ(judge(block(0xf0000002, second)), Refusal::kNone);
  EXPECT_EQ(judge(block(0xf0000001, second)), Refusal::kOtherKindSigner);
  EXPECT_EQ(judge(block(0xf0000003, authority_.signer())), Refusal::kNotASigner);
}

}  // namespace
}  // namespace controlplane::configuration
