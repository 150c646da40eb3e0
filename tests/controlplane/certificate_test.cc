// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <functional>
#include <set>

#include "controlplane/trust/certificate.h"
#include "controlplane/trust/certificate_checker.h"
#include "controlplane/trust/issue.h"

namespace controlplane::trust {

void PrintTo(Refusal refusal, std::ostream* out) { *out << refusal_name(refusal); }

namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using wire::reload::NodeId;
using wire::reload::SignerIdentityType;
using wire::reload::SignerKey;

constexpr std::int64_t kNow = 1'800'000'000;
constexpr std::int64_t kDay = 86'400;
constexpr Validity kThisYear = {kNow - kDay, kNow + 365 * kDay};
constexpr const char* kOverlay = "lab.example.org";
constexpr const char* kUser = "alice@example.org";

NodeId node(unsigned char number) {
  NodeId id;
  id.bytes.fill(std::byte{0x42});
  id.bytes[15] = std::byte{number};
  return id;
}

Authority& authority() {
  static std::string why;
  static const auto kAuthority =
      Authority::create(crypto::Algorithm::kEcdsaP256Sha256, "Lab CA", kThisYear, why);
  return *kAuthority;
}

const crypto::SigningKey& key() {
  static const auto kKey = crypto::SigningKey::generate(crypto::Algorithm::kEd25519);
  return *kKey;
}

NodeCertificate request(std::vector<NodeId> ids, const std::string& overlay = kOverlay) {
  NodeCertificate made{.user_name = kUser, .uris = {}, .validity = kThisYear};
  for (const NodeId& id : ids) made.uris.push_back(node_uri(id, overlay));
  return made;
}

std::vector<std::byte> der_of(const std::string& pem) {
  std::string why;
  auto certificate = Certificate::from_pem(pem, why);
  EXPECT_TRUE(certificate) << why;
  return certificate ? certificate->der : std::vector<std::byte>{};
}

std::vector<std::byte> issue(const NodeCertificate& wanted, const crypto::SigningKey& of = key(),
                             const Authority& by = authority()) {
  std::string why;
  const std::string pem = by.issue(of.public_spki(), wanted, why);
  EXPECT_THAT(why, IsEmpty());
  return der_of(pem);
}

Certificate read(const std::vector<std::byte>& der) {
  std::string why;
  auto certificate = Certificate::from_der(der, why);
  EXPECT_TRUE(certificate) << why;
  return certificate.value_or(Certificate{});
}

/// A checker that trusts authority().
const CertificateChecker& checker() {
  static std::string why;
  static const std::string kRoots[] = {authority().certificate_pem()};
  static const auto kChecker = CertificateChecker::make(kRoots, kOverlay, why);
  return *kChecker;
}

Checked check(const std::vector<std::byte>& der, std::int64_t now = kNow) {
  return checker().check_node(der, node(1), now);
}

/// Builds a certificate by hand where issue() has no way to ask for what is wrong.
std::vector<std::byte> edited(const std::vector<std::byte>& der, const crypto::SigningKey& signer,
                              const std::function<void(X509*)>& edit) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  X509* x509 = d2i_X509(nullptr, &at, static_cast<long>(der.size()));
  edit(x509);
  const EVP_MD* digest = signer.algorithm() == crypto::Algorithm::kEd25519 ? nullptr : EVP_sha256();
  EXPECT_GT(X509_sign(x509, static_cast<EVP_PKEY*>(signer.openssl()), digest), 0);
  unsigned char* bytes = nullptr;
  const int length = i2d_X509(x509, &bytes);
  std::vector<std::byte> made(reinterpret_cast<std::byte*>(bytes),
                              reinterpret_cast<std::byte*>(bytes) + length);
  OPENSSL_free(bytes);
  X509_free(x509);
  return made;
}

void replace_extension(X509* x509, int nid, const char* value) {
  const int at = X509_get_ext_by_NID(x509, nid, -1);
  if (at >= 0) X509_EXTENSION_free(X509_delete_ext(x509, at));
  if (value == nullptr) return;
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
  ASSERT_NE(extension, nullptr);
  X509_add_ext(x509, extension, -1);
  X509_EXTENSION_free(extension);
}

// --- URIs: requirements E-18 and E-20 -------------------------------------------------------

TEST(NodeUri, IsReadAsItIsWritten) {
  const std::string uri = node_uri(node(7), kOverlay);
  EXPECT_EQ(uri, "reload://011042424242424242424242424242424207@lab.example.org/");
  const auto parsed = parse_node_uri(uri);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->node_id, node(7));
  EXPECT_EQ(parsed->overlay, kOverlay);
}

TEST(NodeUri, HasHexDigitsAndSchemeOfEitherCase) {
  NodeId id = node(1);
  id.bytes[0] = std::byte{0xab};
  const auto parsed =
      parse_node_uri("ReLoAd://0110Ab424242424242424242424242424201@lab.example.org/");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->node_id, id);
}

TEST(NodeUri, IsRefusedWhenItIsNotExactlyOneNodeDestination) {
  const std::string id = "42424242424242424242424242424201";
  for (const std::string& hex : {
           std::string(""),                // no destination
           "0110" + id + "0110" + id,      // two of them
           "0210" + id,                    // a Resource-ID
           "0310" + id,                    // an opaque ID
           "0114" + id + "00000000",       // a Node-ID of 20 bytes
           "0110" + id.substr(2),          // one byte short
           "0110" + id + "0",              // half a byte more
           "0110g" + id.substr(1),         // not hex
           "0110" + std::string(32, '0'),  // the Node-ID that is never sent
           "0110" + std::string(32, 'f'),  // the wildcard
           std::string("8000"),            // a compact opaque ID
       }) {
    EXPECT_FALSE(parse_node_uri("reload://" + hex + "@lab.example.org/")) << hex;
  }
}

TEST(NodeUri, IsRefusedWithoutOverlayOrSlashAndWithAnythingBehindIt) {
  const std::string front = "reload://011042424242424242424242424242424201";
  for (const char* rest : {"", "/", "@", "@/", "@lab.example.org", "@lab.example.org/00",
                           "@lab.example.org/?a", "@a@b/", "@lab.example.org:6084/"}) {
    EXPECT_FALSE(parse_node_uri(front + rest)) << rest;
  }
  EXPECT_FALSE(parse_node_uri("sip" + front.substr(6) + "@lab.example.org/"));
  EXPECT_FALSE(parse_node_uri(""));
}

// --- Reading ---------------------------------------------------------------------------------

TEST(Certificate, GivesAllItSays) {
  const auto certificate = read(issue(request({node(1), node(2)})));
  ASSERT_EQ(certificate.nodes.size(), 2U);
  EXPECT_EQ(certificate.nodes[0].node_id, node(1));
  EXPECT_EQ(certificate.nodes[1].node_id, node(2));
  EXPECT_EQ(certificate.nodes[1].overlay, kOverlay);
  EXPECT_THAT(certificate.user_names, testing::ElementsAre(kUser));
  EXPECT_THAT(certificate.malformed, IsEmpty());
  EXPECT_FALSE(certificate.other_identities);
  EXPECT_EQ(certificate.spki, key().public_spki());
  EXPECT_EQ(certificate.algorithm, crypto::Algorithm::kEd25519);
  EXPECT_EQ(certificate.not_before_unix_s, kThisYear.not_before_unix_s);
  EXPECT_EQ(certificate.not_after_unix_s, kThisYear.not_after_unix_s);
}

TEST(Certificate, HasAnEmptySubjectAndACriticalSubjectAltName) {  // E-19
  const auto certificate = read(issue(request({node(1)})));
  EXPECT_EQ(X509_NAME_entry_count(X509_get_subject_name(certificate.x509.get())), 0);
  const int at = X509_get_ext_by_NID(certificate.x509.get(), NID_subject_alt_name, -1);
  ASSERT_GE(at, 0);
  EXPECT_EQ(X509_EXTENSION_get_critical(X509_get_ext(certificate.x509.get(), at)), 1);
}

TEST(Certificate, WithOneNodeIdIsNamedByItsHash) {  // E-05
  const auto der = issue(request({node(1)}));
  SignerKey expected;
  expected.type = SignerIdentityType::kCertHash;
  SHA256(reinterpret_cast<const unsigned char*>(der.data()), der.size(),
         reinterpret_cast<unsigned char*>(expected.hash.data()));
  const auto certificate = read(der);
  EXPECT_EQ(certificate.signer_key(node(1)), expected);
  EXPECT_EQ(certificate.node_of(expected), node(1));
  EXPECT_FALSE(certificate.signer_key(node(2)));
}

TEST(Certificate, WithSeveralNodeIdsIsNamedByNodeIdAndCertificate) {  // E-06
  const auto der = issue(request({node(1), node(2)}));
  const NodeId second = node(2);
  std::vector<std::byte> hashed(second.bytes.begin(), second.bytes.end());
  hashed.insert(hashed.end(), der.begin(), der.end());
  SignerKey expected;
  expected.type = SignerIdentityType::kCertHashNodeId;
  SHA256(reinterpret_cast<const unsigned char*>(hashed.data()), hashed.size(),
         reinterpret_cast<unsigned char*>(expected.hash.data()));
  const auto certificate = read(der);
  EXPECT_EQ(certificate.signer_key(node(2)), expected);
  EXPECT_EQ(certificate.node_of(expected), node(2));
  EXPECT_NE(certificate.signer_key(node(1)), expected);
}

TEST(Certificate, IsNotReadFromGarbage) {
  const auto der = issue(request({node(1)}));
  std::string why;
  EXPECT_FALSE(Certificate::from_der({}, why));
  EXPECT_FALSE(Certificate::from_der(std::vector<std::byte>(100, std::byte{0x30}), why));
  for (std::size_t length = 0; length < der.size(); length += 7) {
    EXPECT_FALSE(Certificate::from_der({der.data(), length}, why)) << length;
    EXPECT_THAT(why, Not(IsEmpty()));
  }
  auto longer = der;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(Certificate::from_der(longer, why));
  EXPECT_THAT(why, HasSubstr("behind"));
  EXPECT_FALSE(Certificate::from_pem("-----BEGIN CERTIFICATE-----\n", why));
}

// --- Checking --------------------------------------------------------------------------------

TEST(CertificateChecker, AcceptsACertificateOfTheOverlaysAuthority) {
  for (const auto algorithm : {crypto::Algorithm::kEd25519, crypto::Algorithm::kEcdsaP256Sha256,
                               crypto::Algorithm::kRsaPkcs1Sha256}) {
    const auto own = crypto::SigningKey::generate(algorithm);
    const auto checked = check(issue(request({node(1)}), *own));
    EXPECT_EQ(checked.refusal, Refusal::kNone) << checked.detail;
    EXPECT_EQ(checked.node_id, node(1));
    ASSERT_TRUE(checked.certificate);
    EXPECT_EQ(checked.certificate->algorithm, algorithm);
  }
}

TEST(CertificateChecker, AcceptsRootsOfEveryAlgorithm) {
  for (const auto algorithm : {crypto::Algorithm::kEd25519, crypto::Algorithm::kRsaPkcs1Sha256}) {
    std::string why;
    const auto root = Authority::create(algorithm, "Another", kThisYear, why);
    ASSERT_NE(root, nullptr) << why;
    const std::string roots[] = {authority().certificate_pem() + root->certificate_pem()};
    const auto both = CertificateChecker::make(roots, kOverlay, why);
    ASSERT_NE(both, nullptr) << why;
    EXPECT_TRUE(
        both->check_node(issue(request({node(1)}), key(), *root), node(1), kNow).accepted());
    EXPECT_TRUE(both->check_node(issue(request({node(1)})), node(1), kNow).accepted());
  }
}

TEST(CertificateChecker, FindsTheNodeASignerIdentityMeans) {
  const auto der = issue(request({node(1), node(2)}));
  const auto signer = read(der).signer_key(node(2));
  ASSERT_TRUE(signer);
  const auto checked = checker().check_signer(der, *signer, kNow);
  EXPECT_EQ(checked.refusal, Refusal::kNone) << checked.detail;
  EXPECT_EQ(checked.node_id, node(2));
}

TEST(CertificateChecker, RefusesGarbage) {
  const auto checked = check(std::vector<std::byte>(200, std::byte{0xa5}));
  EXPECT_EQ(checked.refusal, Refusal::kGarbage);
  EXPECT_FALSE(checked.certificate);
}

TEST(CertificateChecker, RefusesAnExpiredCertificateFromTheSecondAfter) {  // E-26
  auto wanted = request({node(1)});
  wanted.validity = {kNow - kDay / 2, kNow - kDay / 4};
  const auto der = issue(wanted);
  EXPECT_EQ(check(der).refusal, Refusal::kExpired);
  EXPECT_EQ(check(der, wanted.validity.not_after_unix_s - 1).refusal, Refusal::kNone);
  EXPECT_EQ(check(der, wanted.validity.not_after_unix_s + 1).refusal, Refusal::kExpired);
}

TEST(CertificateChecker, RefusesACertificateThatIsNotYetValid) {
  auto wanted = request({node(1)});
  wanted.validity = {kNow + kDay, kNow + 10 * kDay};
  const auto der = issue(wanted);
  EXPECT_EQ(check(der).refusal, Refusal::kNotYetValid);
  EXPECT_EQ(check(der, kNow + 2 * kDay).refusal, Refusal::kNone);
}

TEST(CertificateChecker, RefusesWhatAnExpiredRootSigned) {
  EXPECT_EQ(check(issue(request({node(1)})), kThisYear.not_after_unix_s + 1).refusal,
            Refusal::kExpired);
}

TEST(CertificateChecker, RefusesAnotherAuthorityEvenOfTheSameName) {
  std::string why;
  const auto other =
      Authority::create(crypto::Algorithm::kEcdsaP256Sha256, "Lab CA", kThisYear, why);
  const auto checked = check(issue(request({node(1)}), key(), *other));
  EXPECT_EQ(checked.refusal, Refusal::kOtherAuthority);
  EXPECT_THAT(checked.detail, Not(IsEmpty()));
}

/// A certificate that a new key has signed for itself, for the Node-ID that is its digest.
std::vector<std::byte> self_signed(SelfSigned digest, const std::string& overlay = kOverlay,
                                   const std::optional<NodeId>& other_id = std::nullopt,
                                   const Validity& validity = {kNow - 10, kNow + 10}) {
  const auto key = crypto::SigningKey::generate(crypto::Algorithm::kEd25519);
  const NodeId id = other_id.value_or(self_signed_node_id(digest, key->public_spki()));
  std::string why;
  const std::string pem = issue_self_signed(
      *key, {.user_name = "a@b.example", .uris = {node_uri(id, overlay)}, .validity = validity},
      why);
  const auto made = Certificate::from_pem(pem, why);
  EXPECT_TRUE(made) << why;
  return made ? made->der : std::vector<std::byte>{};
}

Refusal judged(const CertificateChecker& checker, const std::vector<std::byte>& der) {
  std::string why;
  const auto certificate = Certificate::from_der(der, why);
  return checker.check_node(der, certificate->nodes.at(0).node_id, kNow).refusal;
}

TEST(CertificateChecker, TakesSelfSignedCertificatesOnlyForTheirKeysDigest) {  // E-23, J-56
  std::string why;
  for (const SelfSigned digest : {SelfSigned::kSha1, SelfSigned::kSha256}) {
    const auto open = CertificateChecker::make({}, kOverlay, why, digest);
    ASSERT_NE(open, nullptr) << why;
    EXPECT_EQ(judged(*open, self_signed(digest)), Refusal::kNone);
    EXPECT_EQ(judged(*open, self_signed(digest, kOverlay, node(1))), Refusal::kNotTheKeysNodeId);
    EXPECT_EQ(judged(*open, self_signed(digest, "other.example")), Refusal::kWrongOverlay);
    EXPECT_EQ(judged(*open, self_signed(digest, kOverlay, std::nullopt, {kNow - 9, kNow - 1})),
              Refusal::kExpired);
    EXPECT_EQ(judged(*open, self_signed(digest, kOverlay, std::nullopt, {kNow + 1, kNow + 9})),
              Refusal::kNotYetValid);
    // Of another digest it is another's Node-ID.
    const auto other = digest == SelfSigned::kSha1 ? SelfSigned::kSha256 : SelfSigned::kSha1;
    EXPECT_EQ(judged(*open, self_signed(other)), Refusal::kNotTheKeysNodeId);
    // A flipped bit in the signature, which ends the certificate.
    auto forged = self_signed(digest);
    forged.back() ^= std::byte{1};
    EXPECT_EQ(judged(*open, forged), Refusal::kOtherAuthority);
  }
  EXPECT_EQ(judged(checker(), self_signed(SelfSigned::kSha256)), Refusal::kOtherAuthority);
  // Beside an authority both are good.
  const std::string roots[] = {authority().certificate_pem()};
  const auto both = CertificateChecker::make(roots, kOverlay, why, SelfSigned::kSha256);
  EXPECT_EQ(judged(*both, self_signed(SelfSigned::kSha256)), Refusal::kNone);
}

TEST(CertificateChecker, RefusesASelfSignedCertificate) {
  const auto der = edited(issue(request({node(1)})), key(), [](X509* x509) {
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    replace_extension(x509, NID_authority_key_identifier, nullptr);
  });
  EXPECT_EQ(check(der).refusal, Refusal::kOtherAuthority);
}

TEST(CertificateChecker, RefusesAFlippedBitAnywhereInTheCertificate) {
  const auto der = issue(request({node(1)}));
  for (std::size_t at = 0; at < der.size(); ++at) {
    auto flipped = der;
    flipped[at] ^= std::byte{0x01};
    EXPECT_FALSE(check(flipped).accepted()) << "byte " << at;
  }
}

TEST(CertificateChecker, RefusesANodeCertificateAsAuthority) {  // E-21, BasicConstraints
  const auto middle_key = crypto::SigningKey::generate(crypto::Algorithm::kEcdsaP256Sha256);
  const auto middle = issue(request({node(9)}), *middle_key);
  const auto leaf = edited(issue(request({node(1)})), *middle_key, [](X509* x509) {
    replace_extension(x509, NID_authority_key_identifier, nullptr);
    X509_NAME* nobody = X509_NAME_new();
    X509_set_issuer_name(x509, nobody);
    X509_NAME_free(nobody);
  });
  const CertificateChecker::Der others[] = {middle};
  EXPECT_EQ(checker().check_node(leaf, node(1), kNow, others).refusal, Refusal::kOtherAuthority);
}

TEST(CertificateChecker, TakesAnIntermediateAuthorityFromTheBucketOnlyWithBasicConstraints) {
  const auto middle_key = crypto::SigningKey::generate(crypto::Algorithm::kEcdsaP256Sha256);
  for (const bool is_authority : {true, false}) {
    const auto middle =
        edited(issue(request({node(9)}), *middle_key), authority().key(), [&](X509* x509) {
          X509_NAME* name = X509_NAME_new();
          X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                     reinterpret_cast<const unsigned char*>("Middle"), -1, -1, 0);
          X509_set_subject_name(x509, name);
          X509_NAME_free(name);
          replace_extension(x509, NID_basic_constraints,
                            is_authority ? "critical,CA:TRUE" : nullptr);
          replace_extension(x509, NID_key_usage, "critical,keyCertSign,digitalSignature");
        });
    const auto leaf = edited(issue(request({node(1)})), *middle_key, [](X509* x509) {
      replace_extension(x509, NID_authority_key_identifier, nullptr);
      X509_NAME* name = X509_NAME_new();
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                 reinterpret_cast<const unsigned char*>("Middle"), -1, -1, 0);
      X509_set_issuer_name(x509, name);
      X509_NAME_free(name);
    });
    const CertificateChecker::Der others[] = {middle};
    const auto checked = checker().check_node(leaf, node(1), kNow, others);
    EXPECT_EQ(checked.refusal, is_authority ? Refusal::kNone : Refusal::kOtherAuthority)
        << checked.detail;
    EXPECT_EQ(check(leaf).refusal, Refusal::kOtherAuthority) << "without the intermediate";
  }
}

TEST(CertificateChecker, RefusesACertificateWithoutNodeId) {
  EXPECT_EQ(check(issue(request({}))).refusal, Refusal::kNoNodeId);
}

TEST(CertificateChecker, RefusesANodeUriThatNamesSomethingElse) {
  auto wanted = request({node(1)});
  wanted.uris.push_back("reload://0210" + std::string(32, '4') + "@lab.example.org/");
  const auto checked = check(issue(wanted));
  EXPECT_EQ(checked.refusal, Refusal::kMalformedNodeUri);
  EXPECT_EQ(checked.detail, wanted.uris.back());
}

TEST(CertificateChecker, RefusesAnotherOverlayAndTakesItsNameInAnyCase) {
  EXPECT_EQ(check(issue(request({node(1)}, "other.example.org"))).refusal, Refusal::kWrongOverlay);
  EXPECT_EQ(check(issue(request({node(1)}, "LAB.example.org"))).refusal, Refusal::kNone);
  auto both = request({node(1)});
  both.uris.push_back(node_uri(node(2), "other.example.org"));
  EXPECT_EQ(check(issue(both)).refusal, Refusal::kWrongOverlay);
}

TEST(CertificateChecker, RefusesIdentitiesBesidesOneUserAndNodeIds) {  // E-19
  auto nobody = request({node(1)});
  nobody.user_name.clear();
  EXPECT_EQ(check(issue(nobody)).refusal, Refusal::kOtherIdentities);
  auto site = request({node(1)});
  site.uris.emplace_back("https://example.org/");
  EXPECT_EQ(check(issue(site)).refusal, Refusal::kOtherIdentities);
  const auto titled = edited(issue(request({node(1)})), authority().key(), [](X509* x509) {
    X509_NAME* name = X509_NAME_new();
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("Alice"), -1, -1, 0);
    X509_set_subject_name(x509, name);
    X509_NAME_free(name);
  });
  EXPECT_EQ(check(titled).refusal, Refusal::kOtherIdentities);
}

TEST(CertificateChecker, RefusesAnotherNodeIdOrSignerIdentity) {
  const auto der = issue(request({node(1)}));
  EXPECT_EQ(checker().check_node(der, node(2), kNow).refusal, Refusal::kWrongNodeId);
  auto signer = *read(der).signer_key(node(1));
  EXPECT_TRUE(checker().check_signer(der, signer, kNow).accepted());
  signer.hash[0] ^= std::byte{1};
  EXPECT_EQ(checker().check_signer(der, signer, kNow).refusal, Refusal::kWrongNodeId);
  signer.hash[0] ^= std::byte{1};
  signer.type = SignerIdentityType::kCertHashNodeId;
  EXPECT_EQ(checker().check_signer(der, signer, kNow).refusal, Refusal::kWrongNodeId);
}

TEST(CertificateChecker, RefusesKeysItCannotVerifyWith) {
  struct Unsupported {
    const char* name;
    EVP_PKEY* key;
  };
  const Unsupported kinds[] = {{"RSA-1024", EVP_RSA_gen(1024U)},
                               {"P-384", EVP_EC_gen("P-384")},
                               {"Ed448", EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448")}};
  for (const auto& [name, unsupported] : kinds) {
    ASSERT_NE(unsupported, nullptr) << name;
    const auto der = edited(issue(request({node(1)})), authority().key(),
                            [k = unsupported](X509* x509) { X509_set_pubkey(x509, k); });
    const auto checked = check(der);
    EXPECT_EQ(checked.refusal, Refusal::kUnsupportedKey) << name;
    EXPECT_THAT(checked.detail, HasSubstr("accepted")) << name;
    EVP_PKEY_free(unsupported);
  }
}

TEST(CertificateChecker, RefusesAKeyThatMayNotSign) {
  const auto der = edited(issue(request({node(1)})), authority().key(), [](X509* x509) {
    replace_extension(x509, NID_key_usage, "critical,keyAgreement");
  });
  EXPECT_EQ(check(der).refusal, Refusal::kNotForSigning);
}

TEST(CertificateChecker, RefusesAnUnknownCriticalExtension) {
  const auto der = edited(issue(request({node(1)})), authority().key(), [](X509* x509) {
    ASN1_OBJECT* object = OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1);
    ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
    X509_EXTENSION* extension = X509_EXTENSION_create_by_OBJ(nullptr, object, 1, value);
    X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
  });
  EXPECT_EQ(check(der).refusal, Refusal::kOtherAuthority);
}

TEST(CertificateChecker, IsNotMadeWithoutAReadableRoot) {
  std::string why;
  EXPECT_EQ(CertificateChecker::make({}, kOverlay, why), nullptr);
  EXPECT_THAT(why, HasSubstr("no root"));
  const std::string empty[] = {"nothing here\n"};
  EXPECT_EQ(CertificateChecker::make(empty, kOverlay, why), nullptr);
  const std::string torn[] = {authority().certificate_pem() +
                              "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
  EXPECT_EQ(CertificateChecker::make(torn, kOverlay, why), nullptr);
  EXPECT_THAT(why, HasSubstr("cannot be read"));
}

TEST(Refusals, HaveNamesAndSentencesOfTheirOwn) {
  std::set<std::string> names;
  std::set<std::string> sentences;
  for (int i = 0; i <= static_cast<int>(Refusal::kWrongNodeId); ++i) {
    names.insert(refusal_name(static_cast<Refusal>(i)));
    sentences.insert(refusal_sentence(static_cast<Refusal>(i)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Refusal::kWrongNodeId) + 1);
  EXPECT_EQ(sentences.size(), names.size());
}

TEST(RandomNodeId, IsNeverTheSameTwice) {
  std::set<NodeId> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(random_node_id());
  EXPECT_EQ(ids.size(), 1000U);
}

}  // namespace
}  // namespace controlplane::trust
