// SPDX-License-Identifier: Apache-2.0
// What hopsealctl enroll sends, how it understands answers, and which certificates it takes.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "config/node_config.h"
#include "controlplane/configuration/signature.h"
#include "controlplane/ctl/certificate_request.h"
#include "controlplane/ctl/enrolled_files.h"
#include "controlplane/ctl/enrollment_answer.h"
#include "controlplane/ctl/issued_certificate.h"
#include "controlplane/ctl/node_snippet.h"
#include "controlplane/enroll/enroll_request.h"
#include "controlplane/enroll/password_input.h"
#include "controlplane/enroll/signing_request.h"
#include "controlplane/trust/issue.h"

namespace controlplane::ctl {
namespace {

namespace fs = std::filesystem;
using crypto::Algorithm;

constexpr std::int64_t kNow = 1'800'000'000;
constexpr std::int64_t kDay = 86'400;
constexpr const char* kOverlay = "overlay.example.org";
constexpr const char* kUser = "alice@example.org";

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(CertificateRequest, IsOneThatTheServerReads) {  // J-47
  for (const Algorithm algorithm :
       {Algorithm::kEd25519, Algorithm::kEcdsaP256Sha256, Algorithm::kRsaPkcs1Sha256}) {
    const auto key = crypto::SigningKey::generate(algorithm);
    std::string why;
    const std::string csr = make_certificate_request(*key, kUser, why);
    const auto read = enroll::SigningRequest::read(std::as_bytes(std::span(csr)), why);
    ASSERT_TRUE(read) << why;
    EXPECT_EQ(read->spki, key->public_spki());
    EXPECT_EQ(read->user_names, std::vector<std::string>{kUser});
  }
}

TEST(CertificateRequest, AsksForNoNameWhenTheAccountIsNoAddress) {
  const auto key = crypto::SigningKey::generate(Algorithm::kEd25519);
  std::string why;
  const std::string csr = make_certificate_request(*key, "alice", why);
  const auto read = enroll::SigningRequest::read(std::as_bytes(std::span(csr)), why);
  ASSERT_TRUE(read) << why;
  EXPECT_TRUE(read->user_names.empty());
}

TEST(EnrollmentForm, ArrivesAsItWasSent) {  // J-46, J-47
  const std::string password = std::string("a\r\n--b\0\xff\"", 9);
  const std::string csr = "\r\n--binary\r\n";
  for (const std::uint32_t count : {1U, 3U}) {
    const FormBody made =
        make_form({.username = kUser, .password = password, .node_ids = count, .csr = csr});
    const auto boundary = enroll::form_boundary(made.content_type);
    ASSERT_TRUE(boundary);
    std::string why;
    const auto parts = enroll::parse_form(made.body, *boundary, why);
    ASSERT_TRUE(parts) << why;
    const enroll::EnrollForm form = enroll::enroll_form(*parts);
    EXPECT_EQ(form.username, kUser);
    EXPECT_EQ(form.password, password);
    EXPECT_EQ(form.csr, csr);
    EXPECT_EQ(form.node_ids.has_value(), count > 1);
    EXPECT_EQ(form.node_ids.value_or("3"), "3");
  }
}

HttpsAnswer answer(unsigned status, const std::string& body,
                   const std::string& type = "text/plain") {
  HttpsAnswer made;
  made.status = status;
  made.body = body;
  made.content_type = type;
  return made;
}

TEST(EnrollmentAnswer, TokensBecomeSentences) {  // J-53
  EXPECT_TRUE(has(enrollment_refusal(answer(403, "failed_authentication")), "do not belong"));
  EXPECT_TRUE(has(enrollment_refusal(answer(403, "username_not_available\r\n")), "user name"));
  EXPECT_TRUE(has(enrollment_refusal(answer(403, "Node-IDs_not_available")), "--node-ids"));
  EXPECT_TRUE(has(enrollment_refusal(answer(403, "bad_CSR")), "certificate request"));
  const std::string unknown = enrollment_refusal(answer(403, "moon_phase\x1b[2J"));
  EXPECT_TRUE(has(unknown, "unknown reason: \"moon_phase?[2J\"")) << unknown;
  EXPECT_TRUE(has(enrollment_refusal(answer(403, "")), "unknown reason"));
}

TEST(EnrollmentAnswer, OnlyACertificateIsTakenForOne) {  // J-49
  EXPECT_EQ(enrollment_refusal(answer(200, "x", "application/pkix-cert")), "");
  EXPECT_TRUE(has(enrollment_refusal(answer(200, "x", "text/html")), "text/html"));
  EXPECT_TRUE(has(enrollment_refusal(answer(404, "")), "404"));
  HttpsAnswer moved = answer(302, "");
  moved.location = "https://evil.example.org/";
  EXPECT_TRUE(has(enrollment_refusal(moved), "not followed"));
  HttpsAnswer busy = answer(503, "busy\n");
  busy.retry_after = "7";
  EXPECT_TRUE(has(enrollment_refusal(busy), "\"busy\"; come again in 7 s"));
  busy.status = 429;
  busy.retry_after = "Wed, 21 Oct 2065 07:28:00 GMT";
  EXPECT_TRUE(has(enrollment_refusal(busy), "come again later"));
}

TEST(EnrollmentAnswer, AChallengeIsMetWhenItCanBe) {
  HttpsAnswer challenge = answer(429, "busy");
  challenge.challenge = "6b49d200.00ff";
  challenge.retry_after = "3";
  EXPECT_EQ(challenge_wait(challenge), std::chrono::seconds{3});
  challenge.retry_after = "0";
  EXPECT_EQ(challenge_wait(challenge), std::chrono::seconds{1}) << "never without a pause";
  for (const char* const text : {"", "121", "-1", "3x", "99999999999"}) {
    challenge.retry_after = text;
    EXPECT_FALSE(challenge_wait(challenge)) << text;
  }
  challenge.retry_after = "3";
  for (const std::string& token :
       {std::string(), std::string("a b"), std::string("a\r\nHost: b"), std::string(1025, 'a')}) {
    challenge.challenge = token;
    EXPECT_FALSE(challenge_wait(challenge));
  }
  challenge.challenge = "good";
  challenge.status = 503;
  EXPECT_FALSE(challenge_wait(challenge));
}

class TakeIssued : public testing::Test {
 protected:
  TakeIssued() {
    authority_ = authority();
    key_ = crypto::SigningKey::generate(Algorithm::kEd25519);
    first_ = trust::random_node_id();
    second_ = trust::random_node_id();
    configuration_.instance_name = kOverlay;
    std::string why;
    configuration_.root_certs = {
        trust::Certificate::from_pem(authority_->certificate_pem(), why)->der};
    asked_.user_name = kUser;
    asked_.spki = key_->public_spki();
    issue_ = {.user_name = kUser,
              .uris = {trust::node_uri(first_, kOverlay)},
              .validity = {kNow - kDay, kNow + kDay}};
  }
  static std::unique_ptr<trust::Authority> authority() {
    std::string why;
    return trust::Authority::create(Algorithm::kEcdsaP256Sha256, "CA",
                                    {kNow - kDay, kNow + 9 * kDay}, why);
  }
  std::string taken(const trust::Authority& by) {
    trust::IssuedCertificate issued;
    std::string why;
    EXPECT_TRUE(by.issue(key_->public_spki(), issue_, issued, why)) << why;
    const auto certificate = take_issued(issued.der, asked_, configuration_, kNow, why);
    EXPECT_EQ(certificate.has_value(), why.empty());
    return why;
  }
  std::string taken() { return taken(*authority_); }

  std::unique_ptr<trust::Authority> authority_;
  std::unique_ptr<crypto::SigningKey> key_;
  wire::reload::NodeId first_;
  wire::reload::NodeId second_;
  configuration::OverlayConfiguration configuration_;
  AskedFor asked_;
  trust::NodeCertificate issue_;
};

TEST_F(TakeIssued, TakesWhatWasAskedFor) {  // J-54
  EXPECT_EQ(taken(), "");
  issue_.uris.push_back(trust::node_uri(second_, kOverlay));
  asked_.node_ids = 2;
  EXPECT_EQ(taken(), "");
  asked_.user_name = "alice";
  EXPECT_EQ(taken(), "") << "which address an account has is the server's choice";
}

TEST_F(TakeIssued, RefusesAnotherAuthoritysEvenOfTheSameName) {
  EXPECT_TRUE(has(taken(*authority()), "does not chain"));
  configuration_.root_certs.clear();
  EXPECT_TRUE(has(taken(), "no root"));
}

TEST_F(TakeIssued, RefusesAnotherKeyUserOverlayNumberOrTime) {
  const AskedFor asked = asked_;
  const trust::NodeCertificate issue = issue_;
  asked_.spki = crypto::SigningKey::generate(Algorithm::kEd25519)->public_spki();
  EXPECT_TRUE(has(taken(), "another key"));
  asked_ = asked;
  issue_.user_name = "bob@example.org";
  EXPECT_TRUE(has(taken(), "another user"));
  issue_.user_name = "";
  EXPECT_TRUE(has(taken(), "one user"));
  issue_ = issue;
  issue_.uris = {trust::node_uri(first_, "other.example.org")};
  EXPECT_TRUE(has(taken(), "another overlay"));
  issue_.uris = {trust::node_uri(first_, kOverlay), "reload://ff@" + std::string(kOverlay) + "/"};
  EXPECT_TRUE(has(taken(), "reload:"));
  issue_.uris = {trust::node_uri(first_, kOverlay), "https://example.org/"};
  EXPECT_FALSE(taken().empty());
  issue_.uris = {};
  EXPECT_TRUE(has(taken(), "0 Node-IDs, not 1"));
  issue_.uris = {trust::node_uri(first_, kOverlay), trust::node_uri(first_, kOverlay)};
  EXPECT_TRUE(has(taken(), "2 Node-IDs, not 1"));
  asked_.node_ids = 2;
  EXPECT_TRUE(has(taken(), "twice"));
  asked_ = asked;
  issue_ = issue;
  issue_.validity = {kNow - 2 * kDay, kNow - 1};
  EXPECT_TRUE(has(taken(), "expired"));
  issue_.validity = {kNow + 60, kNow + kDay};
  EXPECT_TRUE(has(taken(), "not valid yet"));
}

TEST_F(TakeIssued, RefusesBannedNodeIdsAndOthersThanBefore) {  // J-51, E-22
  configuration_.bad_nodes = {first_};
  EXPECT_TRUE(has(taken(), "bad node"));
  configuration_.bad_nodes.clear();
  asked_.known_ids = {first_};
  EXPECT_EQ(taken(), "");
  asked_.known_ids = {second_};
  EXPECT_TRUE(has(taken(), "not those that this node has"));
  asked_.known_ids = {second_, first_};
  EXPECT_EQ(taken(), "") << "fewer than before";
}

TEST_F(TakeIssued, RefusesWhatIsNoCertificate) {
  trust::IssuedCertificate issued;
  std::string why;
  ASSERT_TRUE(authority_->issue(key_->public_spki(), issue_, issued, why));
  for (std::size_t size = 0; size < issued.der.size(); size += 7) {
    EXPECT_FALSE(take_issued(std::span(issued.der).first(size), asked_, configuration_, kNow, why));
    EXPECT_NE(why, "");
  }
}

class EnrolledFiles : public TakeIssued {
 protected:
  EnrolledFiles() {
    char pattern[] = "/tmp/enrolled_files_XXXXXX";
    place_ = ::mkdtemp(pattern);
    std::string why;
    texts_.certificate = authority_->issue(key_->public_spki(), issue_, why);
    texts_.key = key_->to_pem();
    texts_.document = "<overlay/>";
    texts_.roots = roots_pem(configuration_);
  }
  ~EnrolledFiles() override { fs::remove_all(place_); }
  [[nodiscard]] std::string path(const std::string& name) const { return (place_ / name).string(); }
  static std::string read(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  fs::path place_;
  EnrolledTexts texts_;
};

TEST_F(EnrolledFiles, AreMadeWholeAndKeysAreTheOwners) {
  EXPECT_EQ(why_taken(path("new")), "");
  write_enrolled(path("new") + "/", texts_);
  struct stat status = {};
  ASSERT_EQ(::stat(path("new/node-key.pem").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(read(path("new/node.pem")), texts_.certificate);
  EXPECT_EQ(read(path("new/roots.pem")), authority_->certificate_pem());
  EXPECT_EQ(std::distance(fs::directory_iterator(place_), {}), 1) << "nothing half done is left";
}

TEST_F(EnrolledFiles, NeverReplaceWhatIsThere) {
  fs::create_directory(path("new"));
  std::ofstream(path("new/mine")) << "mine";
  EXPECT_TRUE(has(why_taken(path("new")), "--renew"));
  EXPECT_ANY_THROW(write_enrolled(path("new"), texts_));
  EXPECT_EQ(std::distance(fs::directory_iterator(place_), {}), 1);
  EXPECT_EQ(read(path("new/mine")), "mine");
  fs::create_symlink(path("nowhere"), path("link"));
  EXPECT_NE(why_taken(path("link")), "");
}

TEST_F(EnrolledFiles, AreRenewedBesideWhatElseIsThereWithTheKeyUntouched) {
  write_enrolled(path("new"), texts_);
  std::ofstream(path("new/node.toml")) << "mine";
  EnrolledTexts next = texts_;
  next.certificate = "next";
  next.key = "must not be written";
  renew_enrolled(path("new"), next);
  EXPECT_EQ(read(path("new/node.pem")), "next");
  EXPECT_EQ(read(path("new/node-key.pem")), texts_.key);
  EXPECT_EQ(read(path("new/node.toml")), "mine");
}

TEST_F(EnrolledFiles, ARenewalNeedsAllOfThem) {
  std::string why;
  EXPECT_FALSE(read_enrolled(path("new"), why));
  EXPECT_TRUE(has(why, "node.pem: No such file")) << why;
  const auto other = crypto::SigningKey::generate(Algorithm::kEd25519);
  texts_.key = other->to_pem();
  write_enrolled(path("new"), texts_);
  EXPECT_FALSE(read_enrolled(path("new"), why));
  EXPECT_TRUE(has(why, "does not belong")) << why;
}

TEST_F(EnrolledFiles, PasswordsAreTheFirstLineOfAFileOfTheOwner) {
  const std::string file = path("password");
  std::string why;
  const auto with = [&](const std::string& text, mode_t mode = 0600) {
    std::ofstream(file, std::ios::binary) << text;
    ::chmod(file.c_str(), mode);
    return controlplane::enroll::read_password(file, why);
  };
  EXPECT_EQ(with("correct horse\r\nbattery\n"), "correct horse");
  EXPECT_EQ(with(std::string(controlplane::enroll::kMostPasswordBytes, 'x')),
            std::string(controlplane::enroll::kMostPasswordBytes, 'x'));
  EXPECT_FALSE(with(std::string(controlplane::enroll::kMostPasswordBytes + 1, 'x')));
  EXPECT_FALSE(with(""));
  EXPECT_FALSE(with("correct horse\n", 0640));
  EXPECT_TRUE(has(why, "chmod 600"));
  EXPECT_FALSE(controlplane::enroll::read_password(path("nothing"), why));
}

TEST(NodeSnippet, SaysOnlyWhatNodeTomlTakes) {
  configuration::OverlayConfiguration configuration;
  configuration.instance_name = kOverlay;
  configuration.sequence = 7;
  configuration.root_certs = {{std::byte{0}}};
  configuration.max_message_size = 100'000;
  configuration.overlay_reliability_timer_ms = 1000;
  const std::string text = node_snippet(EnrolledPaths("/etc/hopseal/\"a\"/"), configuration);
  EXPECT_TRUE(has(text, "root_certificates = [\"/etc/hopseal/\\\"a\\\"/roots.pem\"]\n")) << text;
  EXPECT_TRUE(has(text, "\nconfiguration_sequence = 7\n"));
  EXPECT_TRUE(has(text, "\n# not within the limits of node.toml: max_message_size = 100000\n"));
  EXPECT_TRUE(has(text, "\nreplay_window_ms = 500\n"));
  EXPECT_FALSE(has(text, "self_signed"));
  configuration.root_certs.clear();
  configuration.self_signed_permitted = true;
  configuration.self_signed_digest = configuration::Digest::kSha1;
  const std::string open = node_snippet(EnrolledPaths("/etc/hopseal"), configuration);
  EXPECT_TRUE(has(open, "root_certificates = []\nself_signed = \"sha1\"\n")) << open;
}

}  // namespace
}  // namespace controlplane::ctl
