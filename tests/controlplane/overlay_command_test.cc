// SPDX-License-Identifier: Apache-2.0
// hopsealctl overlay as it is called: documents made, signed, checked and shown.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controlplane/configuration/parse.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/trust/certificate_checker.h"
#include "crypto/signing_key.h"

namespace controlplane::ctl {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
}

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
  [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(out); }
};

class OverlayCommand : public testing::Test {
 protected:
  OverlayCommand() {
    char pattern[] = "/tmp/overlay_command_XXXXXX";
    place_ = ::mkdtemp(pattern);
  }
  ~OverlayCommand() override { fs::remove_all(place_); }

  static Outcome run(std::vector<std::string> arguments, bool json = false) {
    CLI::App app;
    Context context;
    context.json = json;
    add_overlay(app, context);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    arguments.insert(arguments.begin(), "overlay");
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants it
    try {
      app.parse(arguments);
    } catch (const CLI::RuntimeError& error) {
      context.exit_status = error.get_exit_code();
    } catch (const CLI::ParseError& error) {
      context.exit_status = 2;
    }
    return {context.exit_status, testing::internal::GetCapturedStdout(),
            testing::internal::GetCapturedStderr()};
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (place_ / name).string(); }
  /// Makes an overlay in new/.
  Outcome init(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {
        "init", path("new"), "--overlay", "overlay.example.org", "--bootstrap-node", "192.0.2.1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
  /// The document of new/ with another sequence, signed again, in a file of this name.
  std::string successor(const std::string& name, const std::string& sequence) const {
    std::string text = read_file(path("new/overlay.relo"));
    const std::size_t at = text.find("sequence=\"1\"");
    EXPECT_NE(at, std::string::npos);
    text.replace(at, 12, "sequence=\"" + sequence + "\"");
    write_file(path(name), text);
    const Outcome outcome =
        run({"sign", path(name), "--certificate", path("new/configuration-signer.pem"), "--key",
             path("new/configuration-signer-key.pem")});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return path(name);
  }

  fs::path place_;
};

TEST_F(OverlayCommand, InitMakesAnOverlayThatChecks) {
  for (const char* algorithm : {"ed25519", "ecdsa-p256", "rsa-2048"}) {
    const Outcome made = init({"--algorithm", algorithm, "--bootstrap-node", "[2001:db8::1]:7000",
                               "--enrollment-server", "https://enroll.example.org/"});
    ASSERT_EQ(made.status, 0) << made.err;
    const Outcome checked = run({"check", path("new/overlay.relo")}, true);
    EXPECT_EQ(checked.status, 0) << checked.out;
    EXPECT_EQ(checked.json()["accepted"], true);
    EXPECT_THAT(checked.json()["warnings"], IsEmpty()) << "it fits a ConfigUpdate, too";
    const auto shown = run({"show", path("new/overlay.relo")}, true).json();
    EXPECT_EQ(shown["instance-name"], "overlay.example.org");
    EXPECT_EQ(shown["sequence"], 1);
    EXPECT_EQ(shown["bootstrap-node"], (nlohmann::json{"192.0.2.1:6084", "[2001:db8::1]:7000"}));
    EXPECT_EQ(shown["enrollment-server"], nlohmann::json{"https://enroll.example.org/"});
    EXPECT_EQ(shown["no-ice"], true);
    EXPECT_EQ(shown["configuration-signer"][0], checked.json()["signer"]);
    fs::remove_all(path("new"));
  }
}

TEST_F(OverlayCommand, InitKeepsKeysToTheOwnerAndGivesTheNodeACertificateOfTheRoot) {
  ASSERT_EQ(init().status, 0);
  std::size_t keys = 0;
  for (const auto& entry : fs::directory_iterator(path("new"))) {
    struct stat status = {};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    const bool key = read_file(entry.path()).find("PRIVATE KEY") != std::string::npos;
    EXPECT_EQ(status.st_mode & 0777U, key ? 0600U : 0644U) << entry.path();
    keys += key ? 1 : 0;
  }
  EXPECT_EQ(keys, 3U);
  EXPECT_EQ(fs::status(path("new")).permissions(), fs::perms::owner_all);
  std::string why;
  const std::string roots[] = {read_file(path("new/ca.pem"))};
  const auto checker = trust::CertificateChecker::make(roots, "overlay.example.org", why);
  const auto certificate = trust::Certificate::from_pem(read_file(path("new/node.pem")), why);
  ASSERT_TRUE(certificate) << why;
  EXPECT_TRUE(
      checker->check_node(certificate->der, certificate->nodes.at(0).node_id, std::time(nullptr))
          .accepted());
  const auto key = crypto::SigningKey::from_pem(read_file(path("new/node-key.pem")), why);
  EXPECT_EQ(key->public_spki(), certificate->spki);
}

TEST_F(OverlayCommand, InitSaysWhatItWouldAcceptAndMakesNothing) {
  EXPECT_THAT(init({"--days", "0"}).err, HasSubstr("1 to 36500"));
  EXPECT_THAT(init({"--root-days", "30"}).err, HasSubstr("outlives"));
  EXPECT_THAT(init({"--bootstrap-node", "example.org"}).err, HasSubstr("address"));
  EXPECT_THAT(init({"--enrollment-server", "http://example.org"}).err, HasSubstr("https"));
  EXPECT_THAT(run({"init", path("new"), "--overlay", "a b"}).err, HasSubstr("DNS name"));
  EXPECT_TRUE(fs::is_empty(place_));
  ASSERT_EQ(init().status, 0);
  const std::string before = read_file(path("new/ca.pem"));
  EXPECT_THAT(init().err, HasSubstr("there already"));
  EXPECT_EQ(read_file(path("new/ca.pem")), before);
}

TEST_F(OverlayCommand, CheckJudgesADocumentAsSuccessor) {
  ASSERT_EQ(init().status, 0);
  const std::string next = successor("next.relo", "2");
  const Outcome good = run({"check", next, "--previous", path("new/overlay.relo")});
  EXPECT_EQ(good.status, 0) << good.out;
  EXPECT_THAT(good.out, HasSubstr("accepted                   true\n"));
  EXPECT_THAT(good.out, HasSubstr("sequence                   2\n"));
  const Outcome old = run({"check", path("new/overlay.relo"), "--previous", next}, true);
  EXPECT_EQ(old.status, 1);
  EXPECT_EQ(old.json()["refusal"], "not_newer");
  const Outcome late =
      run({"check", next, "--previous", path("new/overlay.relo"), "--at", "2999-01-01T00:00:00Z"},
          true);
  EXPECT_EQ(late.json()["refusal"], "expired");
  EXPECT_THAT(run({"check", next, "--at", "tomorrow"}).err, HasSubstr("2030-01-31T12:00:00Z"));
}

TEST_F(OverlayCommand, CheckNamesWhatIsWrong) {
  ASSERT_EQ(init().status, 0);
  std::string text = read_file(path("new/overlay.relo"));
  text.replace(text.find("<no-ice>true"), 12, "<no-ice>sure");
  write_file(path("wrong.relo"), text);
  const Outcome wrong = run({"check", path("wrong.relo")}, true);
  EXPECT_EQ(wrong.status, 1);
  EXPECT_EQ(wrong.json()["refusal"], "value");
  EXPECT_THAT(wrong.json()["why"].get<std::string>(), HasSubstr("no-ice: \"sure\""));
  EXPECT_GT(wrong.json()["line"], 1);
  write_file(path("large.relo"), std::string(10U << 20U, ' '));
  EXPECT_EQ(run({"check", path("large.relo")}, true).json()["refusal"], "too_large");
  EXPECT_THAT(run({"check", path("nothing.relo")}).err, HasSubstr("cannot read"));
}

TEST_F(OverlayCommand, CheckTrustsTheRootItIsGiven) {
  ASSERT_EQ(init().status, 0);
  ASSERT_EQ(run({"init", path("other"), "--overlay", "overlay.example.org"}).status, 0);
  EXPECT_EQ(run({"check", path("new/overlay.relo"), "--root", path("new/ca.pem")}).status, 0);
  const Outcome other =
      run({"check", path("new/overlay.relo"), "--root", path("other/ca.pem")}, true);
  EXPECT_EQ(other.status, 1);
  EXPECT_EQ(other.json()["refusal"], "certificate");
}

TEST_F(OverlayCommand, SignReplacesTheSignatureAndNothingElse) {
  ASSERT_EQ(init().status, 0);
  const std::string before = read_file(path("new/overlay.relo"));
  const Outcome again = run({"sign", path("new/overlay.relo"), "--out", path("copy.relo"),
                             "--certificate", path("new/configuration-signer.pem"), "--key",
                             path("new/configuration-signer-key.pem")});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(read_file(path("copy.relo")), before) << "Ed25519 signs alike";
  const Outcome stranger = run({"sign", path("copy.relo"), "--certificate", path("new/node.pem"),
                                "--key", path("new/node-key.pem")});
  EXPECT_EQ(stranger.status, 0);
  EXPECT_THAT(stranger.err, HasSubstr("no configuration-signer"));
  EXPECT_EQ(run({"check", path("copy.relo")}, true).json()["refusal"], "not_a_signer");
  const Outcome mixed = run({"sign", path("copy.relo"), "--certificate", path("new/node.pem"),
                             "--key", path("new/ca-key.pem")});
  EXPECT_EQ(mixed.status, 1);
  EXPECT_THAT(mixed.err, HasSubstr("not the certificate's"));
  EXPECT_THAT(run({"sign", path("copy.relo"), "--certificate", path("new/ca.pem"), "--key",
                   path("new/ca-key.pem")})
                  .err,
              HasSubstr("names no node"));
}

TEST_F(OverlayCommand, FetchTakesADocumentThatWasBroughtAndKeepsANewerOne) {  // J-44, J-45
  ASSERT_EQ(init().status, 0);
  const std::string out = path("kept.relo");
  const auto fetch = [&](const std::string& file, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"fetch", "--document", file, "--out", out};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  };
  const std::string first = path("new/overlay.relo");
  const Outcome brought = fetch(first, {"--root", path("new/ca.pem")});
  EXPECT_EQ(brought.status, 0) << brought.err;
  EXPECT_THAT(brought.out, HasSubstr("sequence 1 of overlay.example.org"));
  EXPECT_EQ(read_file(out), read_file(first));
  const std::string next = successor("next.relo", "2");
  EXPECT_EQ(fetch(next, {"overlay.example.org"}).status, 0);
  EXPECT_THAT(fetch(first).err, HasSubstr("sequence 1 is older than 2"));
  EXPECT_EQ(read_file(out), read_file(next));
}

TEST_F(OverlayCommand, FetchRefusesWhatNodesWouldAndWritesNothing) {
  ASSERT_EQ(init().status, 0);
  ASSERT_EQ(run({"init", path("other"), "--overlay", "other.example.org"}).status, 0);
  const std::string file = path("new/overlay.relo");
  const auto refused = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"fetch", "--out", path("kept.relo")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 1);
    EXPECT_FALSE(fs::exists(path("kept.relo")));
    return outcome.err;
  };
  EXPECT_THAT(refused({}), HasSubstr("name the OVERLAY"));
  EXPECT_THAT(refused({"a b"}), HasSubstr("no DNS name"));
  EXPECT_THAT(refused({"--url", "http://example.org/"}), HasSubstr("no https URL"));
  EXPECT_THAT(refused({"--document", path("nothing")}), HasSubstr("No such file"));
  EXPECT_THAT(refused({"other.example.org", "--document", file}), HasSubstr("other_overlay"));
  EXPECT_THAT(refused({"--document", file, "--root", path("other/ca.pem")}),
              HasSubstr("certificate"));
  write_file(path("large.relo"), std::string(10U << 20U, ' '));
  EXPECT_THAT(refused({"--document", path("large.relo")}), HasSubstr("1048576"));
  std::string text = read_file(file);
  text.replace(text.find("<no-ice>true"), 12, "<no-ice>sure");
  write_file(path("wrong.relo"), text);
  EXPECT_THAT(refused({"--document", path("wrong.relo")}), HasSubstr("no-ice: \"sure\""));
  write_file(path("other.relo"), read_file(path("other/overlay.relo")));
  ASSERT_EQ(run({"fetch", "--document", file, "--out", path("good.relo")}).status, 0);
  EXPECT_THAT(run({"fetch", "--document", path("other.relo"), "--out", path("good.relo")}).err,
              HasSubstr("other_overlay"));
}

TEST_F(OverlayCommand, ShowReadsTheExampleOfTheRfcAndKeepsItsSecret) {
  const std::string file = VECTORS_DIRECTORY "/configuration/rfc6940_example.relo";
  EXPECT_THAT(run({"show", file}).err, HasSubstr("choose one by --overlay"));
  EXPECT_THAT(run({"show", file, "--overlay", "x.example"}).err,
              HasSubstr("does not configure x.example"));
  const Outcome shown = run({"show", file, "--overlay", "overlay.example.org"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("initial-ttl                30\n"));
  EXPECT_THAT(shown.out, HasSubstr("SIP-REGISTRATION"));
  EXPECT_THAT(shown.out, HasSubstr("shared-secret              true\n"));
  EXPECT_THAT(shown.out, Not(HasSubstr("password")));
  EXPECT_THAT(shown.err, HasSubstr("line 28, root-cert: is no X.509 certificate"));
  EXPECT_EQ(run({"check", file, "--overlay", "overlay.example.org"}, true).json()["refusal"],
            "expired");
}

}  // namespace
}  // namespace controlplane::ctl
