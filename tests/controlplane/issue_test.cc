// SPDX-License-Identifier: Apache-2.0
// An authority that is loaded from files signs as the one that made them.

#include "controlplane/trust/issue.h"

#include <gtest/gtest.h>

#include <set>

#include "controlplane/trust/certificate.h"
#include "controlplane/trust/certificate_checker.h"

namespace controlplane::trust {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;
constexpr std::int64_t kDay = 86'400;
constexpr Validity kThisYear = {kNow - kDay, kNow + 365 * kDay};
constexpr const char* kOverlay = "lab.example.org";

std::unique_ptr<Authority> created(crypto::Algorithm algorithm) {
  std::string why;
  auto authority = Authority::create(algorithm, "Lab CA", kThisYear, why);
  EXPECT_NE(authority, nullptr) << why;
  return authority;
}

NodeCertificate request(const wire::reload::NodeId& id) {
  return {.user_name = "alice@example.org",
          .uris = {node_uri(id, kOverlay)},
          .validity = {kNow - kDay, kNow + kDay}};
}

TEST(Authority, LoadedFromItsFilesSignsWhatItsRootVerifies) {
  for (const auto algorithm : {crypto::Algorithm::kEd25519, crypto::Algorithm::kEcdsaP256Sha256,
                               crypto::Algorithm::kRsaPkcs1Sha256}) {
    const auto root = created(algorithm);
    std::string why;
    const auto loaded = Authority::load(root->certificate_pem(), root->key().to_pem(), why);
    ASSERT_NE(loaded, nullptr) << why;
    EXPECT_EQ(loaded->not_after_unix_s(), kThisYear.not_after_unix_s);
    const std::string roots[] = {root->certificate_pem()};
    const auto checker = CertificateChecker::make(roots, kOverlay, why);
    const auto id = random_node_id();
    IssuedCertificate issued;
    const auto key = crypto::SigningKey::generate(crypto::Algorithm::kEd25519);
    ASSERT_TRUE(loaded->issue(key->public_spki(), request(id), issued, why)) << why;
    EXPECT_TRUE(checker->check_node(issued.der, id, kNow).accepted());
  }
}

TEST(Authority, SerialNumbersAreLongAndNeverTheSame) {
  const auto root = created(crypto::Algorithm::kEd25519);
  const auto key = crypto::SigningKey::generate(crypto::Algorithm::kEd25519);
  std::set<std::string> serials;
  std::string why;
  std::size_t longest = 0;
  for (int i = 0; i < 50; ++i) {
    IssuedCertificate issued;
    ASSERT_TRUE(root->issue(key->public_spki(), request(random_node_id()), issued, why)) << why;
    longest = std::max(longest, issued.serial.size());
    EXPECT_TRUE(serials.insert(issued.serial).second);
  }
  EXPECT_EQ(longest, 40U);  // hex digits of 20 bytes
}

TEST(Authority, IsNotLoadedWithTheKeyOfAnother) {
  const auto root = created(crypto::Algorithm::kEd25519);
  const auto other = created(crypto::Algorithm::kEd25519);
  std::string why;
  EXPECT_EQ(Authority::load(root->certificate_pem(), other->key().to_pem(), why), nullptr);
  EXPECT_EQ(why, "the private key belongs to another certificate");
}

TEST(Authority, IsNotLoadedFromTheCertificateOfANode) {
  const auto root = created(crypto::Algorithm::kEd25519);
  const auto key = crypto::SigningKey::generate(crypto::Algorithm::kEd25519);
  std::string why;
  const std::string pem = root->issue(key->public_spki(), request(random_node_id()), why);
  EXPECT_EQ(Authority::load(pem, key->to_pem(), why), nullptr);
  EXPECT_NE(why.find("CA:TRUE"), std::string::npos) << why;
}

TEST(Authority, IsNotLoadedFromGarbage) {
  const auto root = created(crypto::Algorithm::kEd25519);
  std::string why;
  EXPECT_EQ(Authority::load("garbage", root->key().to_pem(), why), nullptr);
  EXPECT_EQ(why, "not a certificate in PEM");
  EXPECT_EQ(Authority::load(root->certificate_pem(), "garbage", why), nullptr);
  EXPECT_FALSE(why.empty());
}

}  // namespace
}  // namespace controlplane::trust
