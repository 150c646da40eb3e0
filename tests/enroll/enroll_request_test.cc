// SPDX-License-Identifier: Apache-2.0
// Who gets a certificate, what stands in it, and what the others are told.

#include "controlplane/enroll/enroll_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "controlplane/enroll/authority.h"
#include "controlplane/enroll/revocation_list.h"
#include "controlplane/enroll/signing_request.h"
#include "controlplane/enroll/sql_store.h"
#include "controlplane/trust/certificate.h"
#include "controlplane/trust/certificate_checker.h"
#include "tests/enroll/signing_requests.h"

namespace controlplane::enroll {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using tests::enroll::signing_request;

constexpr std::int64_t kNow = 1'800'000'000;
constexpr std::int64_t kDay = 86'400;
constexpr const char* kOverlay = "overlay.example.org";
constexpr const char* kUser = "alice@example.org";
constexpr ScryptCost kCheap = {.log2_n = 4, .r = 8, .p = 1};

EVP_PKEY* as_key(const crypto::SigningKey& key) { return static_cast<EVP_PKEY*>(key.openssl()); }

std::string request_of(const crypto::SigningKey& key, const std::string& email = "") {
  return signing_request(as_key(key), as_key(key),
                         key.algorithm() == crypto::Algorithm::kEd25519 ? nullptr : EVP_sha256(),
                         email);
}

class EnrollRequest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() /
            ("hopseal-enroll-" + std::to_string(::getpid()) + ".db");
    std::string why;
    authority_ = trust::Authority::create(crypto::Algorithm::kEcdsaP256Sha256, "CA",
                                          {kNow - kDay, kNow + 20 * kDay}, why);
    ASSERT_NE(authority_, nullptr) << why;
    store_ = open_store("sqlite:" + path_.string(), kOverlay);
    add(kUser, "correct horse", 2);
    enroller_ = std::make_unique<Enroller>(
        *store_, *authority_,
        EnrollPolicy{
            .overlay = kOverlay, .validity_s = 10 * kDay, .backdate_s = 300, .cost = kCheap});
    key_ = crypto::SigningKey::generate(crypto::Algorithm::kEd25519);
    csr_ = request_of(*key_);
  }
  void TearDown() override {
    store_.reset();
    for (const char* const suffix : {"", "-wal", "-shm"}) {
      std::filesystem::remove(path_.string() + suffix);
    }
  }

  void add(const std::string& name, const std::string& password, std::uint32_t cap) {
    const User user{
        .name = name, .password_hash = hash_password(password, kCheap), .node_id_cap = cap};
    ASSERT_TRUE(store_->add_user(user, {kNow, "user add", name, "operator", ""}));
  }
  [[nodiscard]] EnrollForm form() const {
    return {.username = kUser, .password = "correct horse", .node_ids = {}, .csr = csr_};
  }
  EnrollDecision decide(const EnrollForm& asked, std::int64_t now = kNow) {
    return enroller_->decide(asked, "192.0.2.7", now);
  }
  static trust::Certificate read(const EnrollDecision& decision) {
    std::string why;
    const auto certificate =
        trust::Certificate::from_der(std::as_bytes(std::span(decision.der)), why);
    EXPECT_TRUE(certificate) << why << decision.why;
    return certificate.value_or(trust::Certificate{});
  }

  std::filesystem::path path_;
  std::unique_ptr<trust::Authority> authority_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Enroller> enroller_;
  std::unique_ptr<crypto::SigningKey> key_;
  std::string csr_;
};

TEST_F(EnrollRequest, GivesACertificateThatNodesAccept) {  // E-21, E-25, J-54
  const auto decision = decide(form());
  ASSERT_EQ(decision.outcome, EnrollOutcome::kEnrolled) << decision.why;
  const auto certificate = read(decision);
  ASSERT_THAT(certificate.nodes, SizeIs(1));
  std::string why;
  const std::string roots[] = {authority_->certificate_pem()};
  const auto checker = trust::CertificateChecker::make(roots, kOverlay, why);
  EXPECT_TRUE(checker->check_node(certificate.der, certificate.nodes[0].node_id, kNow).accepted());
  EXPECT_EQ(certificate.spki, key_->public_spki());
}

TEST_F(EnrollRequest, PutsNodeIdsAndUserNameIntoTheSubjectAltNameAndNothingElse) {  // E-18, E-19
  EnrollForm two = form();
  two.node_ids = "2";
  const std::string other = request_of(*key_, kUser);  // and a DNS name, which is not taken over
  two.csr = other;
  const auto certificate = read(decide(two));
  EXPECT_THAT(certificate.nodes, SizeIs(2));
  EXPECT_EQ(certificate.nodes.at(0).overlay, kOverlay);
  EXPECT_THAT(certificate.user_names, testing::ElementsAre(kUser));
  EXPECT_FALSE(certificate.other_identities);
  int critical = 0;
  GENERAL_NAMES* const names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.x509.get(), NID_subject_alt_name, &critical, nullptr));
  EXPECT_EQ(critical, 1);
  ASSERT_EQ(sk_GENERAL_NAME_num(names), 3);
  const GENERAL_NAME* const uri = sk_GENERAL_NAME_value(names, 1);
  ASSERT_EQ(uri->type, GEN_URI);
  const std::string text(
      reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri->d.uniformResourceIdentifier)),
      static_cast<std::size_t>(ASN1_STRING_length(uri->d.uniformResourceIdentifier)));
  EXPECT_THAT(text, testing::MatchesRegex("reload://0110[0-9a-f]+@overlay.example.org/"));
  GENERAL_NAMES_free(names);
}

TEST_F(EnrollRequest, GivesTheSameNodeIdsToEveryKeyOfAUser) {  // J-51
  const auto first = read(decide(form()));
  const auto other = crypto::SigningKey::generate(crypto::Algorithm::kRsaPkcs1Sha256);
  const std::string request = request_of(*other);
  EnrollForm again = form();
  again.csr = request;
  const auto decision = decide(again, kNow + kDay);
  EXPECT_EQ(decision.outcome, EnrollOutcome::kRenewed);
  const auto second = read(decision);
  EXPECT_EQ(second.nodes.at(0).node_id, first.nodes.at(0).node_id);
  EXPECT_EQ(second.not_after_unix_s, first.not_after_unix_s + kDay);
  EXPECT_EQ(second.spki, other->public_spki());
}

TEST_F(EnrollRequest, IsValidAsLongAsPolicySaysAndNeverLongerThanTheCa) {
  const auto certificate = read(decide(form()));
  EXPECT_EQ(certificate.not_before_unix_s, kNow - 300);
  EXPECT_EQ(certificate.not_after_unix_s, kNow + 10 * kDay);
  EXPECT_EQ(read(decide(form(), kNow + 15 * kDay)).not_after_unix_s, kNow + 20 * kDay);
  EXPECT_EQ(decide(form(), kNow + 20 * kDay).outcome, EnrollOutcome::kUnavailable);
}

TEST_F(EnrollRequest, RefusesWrongPasswordsUnknownAndDisabledUsersAlike) {  // J-53
  const auto refused = [&](std::string_view user, std::string_view password) {
    EnrollForm asked = form();
    asked.username = user;
    asked.password = password;
    const auto decision = decide(asked);
    EXPECT_STREQ(enroll_token(decision.outcome), "failed_authentication") << user << password;
    return decision.why;
  };
  const std::string why = refused(kUser, "wrong");
  EXPECT_EQ(refused("bob@example.org", "correct horse"), why);
  EXPECT_EQ(refused("Alice@example.org", "correct horse"), why);
  EXPECT_EQ(refused("", "correct horse"), why);
  EXPECT_EQ(refused(kUser, ""), why);
  EXPECT_EQ(refused("bob@example.org", ""),
            why);  // what unknown users' passwords are compared with
  EXPECT_EQ(refused(kUser, std::string("correct horse\0", 14)), why);
  EXPECT_TRUE(store_->set_state(kUser, UserState::kDisabled, {kNow, "off", kUser, "", ""}));
  EXPECT_EQ(refused(kUser, "correct horse"), why);
  EXPECT_TRUE(store_->set_state(kUser, UserState::kRemoved, {kNow, "remove", kUser, "", ""}));
  EXPECT_EQ(refused(kUser, "correct horse"), why);
  EXPECT_EQ(refused(kUser, ""), why);
}

TEST_F(EnrollRequest, RefusesUserNamesThatAreNotLegalOrNotTheUsers) {  // J-52, J-53
  EnrollForm asked = form();
  asked.username = std::string_view("alice\0@example.org", 18);
  EXPECT_STREQ(enroll_token(decide(asked).outcome), "username_not_available");
  asked = form();
  const std::string other = request_of(*key_, "bob@example.org");
  asked.csr = other;
  EXPECT_STREQ(enroll_token(decide(asked).outcome), "username_not_available");
  asked.password = "wrong";
  EXPECT_STREQ(enroll_token(decide(asked).outcome), "failed_authentication");
}

TEST_F(EnrollRequest, RefusesNodeIdsBeyondTheCapAndWhatIsNoNumber) {  // J-53
  for (const std::string_view text : {"0", "3", "-1", "x", "", "1 ", "4294967296", "1.0"}) {
    EnrollForm asked = form();
    asked.node_ids = text;
    EXPECT_STREQ(enroll_token(decide(asked).outcome), "Node-IDs_not_available") << text;
  }
  EXPECT_EQ(store_->find_user(kUser)->node_ids, 0U);
}

TEST_F(EnrollRequest, RefusesBadRequestsForCertificates) {  // J-53
  const auto refused = [&](std::optional<std::string_view> csr) {
    EnrollForm asked = form();
    asked.csr = csr;
    const auto decision = decide(asked);
    EXPECT_STREQ(enroll_token(decision.outcome), "bad_CSR");
    return decision.why;
  };
  EXPECT_THAT(refused(std::nullopt), HasSubstr("application/pkcs10"));
  EXPECT_THAT(refused("garbage"), HasSubstr("PKCS#10"));
  EXPECT_THAT(refused(""), HasSubstr("empty"));
  EXPECT_THAT(refused(csr_ + "x"), HasSubstr("PKCS#10"));
  const std::string long_text(SigningRequest::kMostBytes + 1, 'x');
  EXPECT_THAT(refused(long_text), HasSubstr("too long"));
  const auto other = crypto::SigningKey::generate(crypto::Algorithm::kEd25519);
  const std::string stolen = signing_request(as_key(*key_), as_key(*other), nullptr);
  EXPECT_THAT(refused(stolen), HasSubstr("not signed"));
  EVP_PKEY* const small = EVP_RSA_gen(1024);
  const std::string weak = signing_request(small, small, EVP_sha256());
  EXPECT_THAT(refused(weak), HasSubstr("2048"));
  EVP_PKEY_free(small);
  EVP_PKEY* const p384 = EVP_EC_gen("P-384");
  const std::string curve = signing_request(p384, p384, EVP_sha256());
  EXPECT_NE(refused(curve), "");
  EVP_PKEY_free(p384);
  const auto rsa = crypto::SigningKey::generate(crypto::Algorithm::kRsaPkcs1Sha256);
  const std::string sha1 = signing_request(as_key(*rsa), as_key(*rsa), EVP_sha1());
  EXPECT_THAT(refused(sha1), HasSubstr("digest"));
  for (std::size_t i = 0; i < csr_.size(); ++i) {
    std::string flipped = csr_;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    (void)refused(flipped);
  }
}

TEST_F(EnrollRequest, ReadsRequestsInPemToo) {
  const auto* at = reinterpret_cast<const unsigned char*>(csr_.data());
  X509_REQ* const request = d2i_X509_REQ(nullptr, &at, static_cast<long>(csr_.size()));
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509_REQ(bio, request);
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio, &text);
  EnrollForm asked = form();
  asked.csr = std::string_view(text, static_cast<std::size_t>(length));
  EXPECT_EQ(decide(asked).outcome, EnrollOutcome::kEnrolled);
  BIO_free(bio);
  X509_REQ_free(request);
}

TEST_F(EnrollRequest, HashesAnOldPasswordAnewAtTodaysCost) {
  const ScryptCost dearer = {.log2_n = 5, .r = 8, .p = 1};
  Enroller later(*store_, *authority_,
                 {.overlay = kOverlay, .validity_s = kDay, .backdate_s = 0, .cost = dearer});
  EXPECT_EQ(later.decide(form(), "192.0.2.7", kNow).outcome, EnrollOutcome::kEnrolled);
  EXPECT_EQ(cost_of(store_->find_user(kUser)->password_hash), dearer);
  EXPECT_EQ(later.decide(form(), "192.0.2.7", kNow).outcome, EnrollOutcome::kRenewed);
}

TEST(EnrollForm, TakesTheCsrOnlyFromAPartOfItsType) {  // J-47
  const std::vector<FormPart> parts = {{"username", "text/plain", "a"},
                                       {"password", "text/plain", "b"},
                                       {"nodeids", "text/plain", "2"},
                                       {"csr", "text/plain", "c"},
                                       {"more", "text/plain", "d"}};
  const EnrollForm form = enroll_form(parts);
  EXPECT_EQ(form.username, "a");
  EXPECT_EQ(form.password, "b");
  EXPECT_EQ(form.node_ids, "2");
  EXPECT_FALSE(form.csr);
}

TEST(UserName, IsAnAddressInAscii) {  // J-52
  for (const char* const name : {"a@b", "alice@example.org", "a.b+c@x-1.example"}) {
    EXPECT_TRUE(is_user_name(name)) << name;
  }
  for (const std::string& name :
       {std::string("alice"), std::string("@b"), std::string("a@"), std::string("a@b@c"),
        std::string("a b@c"), std::string("a@b\0", 4), std::string("\0@b", 3), std::string("a@b\n"),
        std::string("a..b@c"), std::string("a@.b"), std::string("\"a\"@b"),
        std::string("\xc3\xa4@b"), std::string(), std::string(250, 'a') + "@long"}) {
    EXPECT_FALSE(is_user_name(name)) << name;
  }
}

TEST_F(EnrollRequest, RevocationListNamesTheRevokedAndIsSignedByTheCa) {
  std::string why;
  const std::vector<Revocation> revoked = {{"0A1B", kNow - 5}, {"FF", kNow - 9}};
  const auto der = make_revocation_list(*authority_, revoked, kNow, kNow + kDay, 7, why);
  ASSERT_FALSE(der.empty()) << why;
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  X509_CRL* const list = d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size()));
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(X509_CRL_verify(list, as_key(authority_->key())), 1);
  EXPECT_EQ(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)), 2);
  X509_CRL_free(list);
  const std::vector<Revocation> broken = {{"xyz", kNow}};
  EXPECT_TRUE(make_revocation_list(*authority_, broken, kNow, kNow + kDay, 8, why).empty());
}

TEST_F(EnrollRequest, AuthorityIsNotLoadedWhenOthersMayReadItsKey) {
  const std::string certificate = path_.string() + ".pem";
  const std::string key = path_.string() + ".key";
  std::ofstream(certificate) << authority_->certificate_pem();
  std::ofstream(key) << authority_->key().to_pem();
  std::string why;
  for (const mode_t mode : {0640U, 0604U, 0620U, 0644U}) {
    ::chmod(key.c_str(), mode);
    EXPECT_EQ(load_authority(certificate, key, why), nullptr) << mode;
    EXPECT_THAT(why, HasSubstr("chmod 600"));
  }
  ::chmod(key.c_str(), 0600);
  EXPECT_NE(load_authority(certificate, key, why), nullptr) << why;
  EXPECT_EQ(load_authority(certificate, certificate + "x", why), nullptr);
  EXPECT_THAT(why, HasSubstr("No such file"));
  std::filesystem::remove(certificate);
  std::filesystem::remove(key);
}

}  // namespace
}  // namespace controlplane::enroll
