// SPDX-License-Identifier: Apache-2.0
// hopsealctl enroll where the overlay permits self-signed certificates and names no server
// (RFC 6940 section 11.3.1; requirements E-23, J-21, J-56).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "controlplane/configuration/signed_document.h"
#include "controlplane/configuration/write.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/enroll.h"
#include "controlplane/ctl/enrolled_files.h"
#include "controlplane/trust/issue.h"
#include "controlplane/trust/self_signed.h"

namespace controlplane::ctl {
namespace {

namespace fs = std::filesystem;
using configuration::OverlayConfiguration;
using testing::HasSubstr;

constexpr const char* kOverlay = "overlay.example.org";

class SelfSignedEnrollment : public testing::Test {
 protected:
  SelfSignedEnrollment() {
    char pattern[] = "/tmp/self_signed_XXXXXX";
    place_ = ::mkdtemp(pattern);
    const std::int64_t now = std::time(nullptr);
    std::string why;
    const auto authority = trust::Authority::create(crypto::Algorithm::kEcdsaP256Sha256, "CA",
                                                    {now - 100, now + 10'000}, why);
    const auto key = crypto::SigningKey::generate(crypto::Algorithm::kEd25519);
    const auto id = trust::random_node_id();
    const std::string pem = authority->issue(key->public_spki(),
                                             {.user_name = "signer@example.org",
                                              .uris = {trust::node_uri(id, kOverlay)},
                                              .validity = {now - 100, now + 10'000}},
                                             why);
    const auto signer = trust::Certificate::from_pem(pem, why);
    OverlayConfiguration configuration;
    configuration.instance_name = kOverlay;
    configuration.sequence = 1;
    configuration.expiration_unix_s = now + 5000;
    configuration.root_certs = {
        trust::Certificate::from_pem(authority->certificate_pem(), why)->der};
    configuration.no_ice = true;
    configuration.self_signed_permitted = true;
    configuration.configuration_signers = {id};
    const auto made = configuration::sign_document(configuration::write_document(configuration),
                                                   kOverlay, *signer, *key);
    std::ofstream(document()) << made.text;
    std::ofstream(root()) << authority->certificate_pem();
  }
  ~SelfSignedEnrollment() override { fs::remove_all(place_); }

  [[nodiscard]] std::string document() const { return (place_ / "overlay.relo").string(); }
  [[nodiscard]] std::string root() const { return (place_ / "ca.pem").string(); }
  [[nodiscard]] std::string directory() const { return (place_ / "node").string(); }

  int enroll(std::vector<std::string> more) {
    CLI::App app;
    Context context;
    context.json = true;
    add_enroll(app, context);
    std::vector<std::string> arguments = {"enroll", "--document", document(), "--root",
                                          root(),   "--out",      directory()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants it
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    try {
      app.parse(arguments);
    } catch (const CLI::RuntimeError& error) {
      context.exit_status = error.get_exit_code();
    }
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return context.exit_status;
  }

  fs::path place_;
  std::string out_;
  std::string err_;
};

TEST_F(SelfSignedEnrollment, MakesACertificateWhoseNodeIdIsItsKeysDigest) {
  ASSERT_EQ(enroll({}), 0) << err_;
  std::string why;
  const auto enrolled = read_enrolled(directory(), why);
  ASSERT_TRUE(enrolled) << why;
  const auto id =
      trust::self_signed_node_id(trust::SelfSigned::kSha256, enrolled->key->public_spki());
  ASSERT_EQ(enrolled->certificate.nodes.size(), 1U);
  EXPECT_EQ(enrolled->certificate.nodes[0].node_id, id);
  const auto said = nlohmann::json::parse(out_);
  EXPECT_EQ(said["node-ids"][0], config::to_string(id));
  EXPECT_EQ(said["user"], config::to_string(id) + "@" + kOverlay);
  EXPECT_EQ(said["server"], "self-signed");
  EXPECT_THAT(said["node.toml"].get<std::string>(), HasSubstr("self_signed = \"sha256\"\n"));
  EXPECT_NE(enroll({}), 0) << "there is a node already";

  ASSERT_EQ(enroll({"--renew"}), 0) << err_;
  const auto renewed = read_enrolled(directory(), why);
  ASSERT_TRUE(renewed) << why;
  EXPECT_EQ(renewed->certificate.nodes[0].node_id, id);
  EXPECT_NE(renewed->certificate.der, enrolled->certificate.der);
}

TEST_F(SelfSignedEnrollment, TakesAUserNameAndNotSeveralNodeIds) {
  EXPECT_NE(enroll({"--node-ids", "2"}), 0);
  EXPECT_THAT(err_, HasSubstr("holds one"));
  ASSERT_EQ(enroll({"--user", "alice@example.org", "--days", "2"}), 0) << err_;
  std::string why;
  const auto enrolled = read_enrolled(directory(), why);
  ASSERT_TRUE(enrolled) << why;
  EXPECT_EQ(enrolled->certificate.user_names.front(), "alice@example.org");
  EXPECT_LE(enrolled->certificate.not_after_unix_s, std::time(nullptr) + 2 * 86'400);
}

}  // namespace
}  // namespace controlplane::ctl
