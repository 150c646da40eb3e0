// SPDX-License-Identifier: Apache-2.0
// hopsealctl decode as it is called: arguments, output and exit status.

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "controlplane/ctl/commands.h"

namespace {

const std::string kVectors = VECTORS_DIRECTORY;
const std::string kCorpus = CORPUS_DIRECTORY;

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

Outcome decode(const std::string& arguments) {
  CLI::App app;
  controlplane::ctl::Context context;
  controlplane::ctl::add_decode(app, context);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  app.parse("decode " + arguments);
  return {context.exit_status, testing::internal::GetCapturedStdout(),
          testing::internal::GetCapturedStderr()};
}

TEST(DecodeCommand, WritesOneDocumentALine) {
  const Outcome outcome = decode(kCorpus + "/decode/back_to_back");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err, "");
  std::istringstream lines(outcome.out);
  std::string line;
  std::size_t documents = 0;
  while (std::getline(lines, line)) {
    EXPECT_EQ(nlohmann::json::parse(line)["item"], std::min<std::size_t>(++documents, 5));
  }
  EXPECT_EQ(documents, 6U);  // five frames, and the message three of them make
}

TEST(DecodeCommand, PrettyDocumentsAreIndented) {
  const Outcome outcome = decode("--pretty " + kVectors + "/valid/ping_req.hex");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_NE(outcome.out.find("\n  \"forwarding_header\": {\n"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["forwarding_header"]["ttl"], 100);
}

TEST(DecodeCommand, AMalformedMessageGivesStatusOneAndTheOffset) {
  const Outcome outcome = decode(kVectors + "/malformed/bad_version.hex");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("item 1: bad_version at offset 10 of the message"), std::string::npos)
      << outcome.err;
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["error"]["offset"], 10);
}

TEST(DecodeCommand, CertificatesMakeItCheckSignatures) {
  const std::string certificates = kCorpus + "/certificate/";
  const std::string message = kCorpus + "/decode/signed_good_ed25519";
  const std::string both =
      " --certificates " + certificates + "good_rsa " + certificates + "good_ed25519";
  Outcome outcome = decode(message + both);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["signature_check"]["verdict"], "valid");
  outcome = decode(kCorpus + "/decode/mismatched_good_rsa" + both);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("signature: "), std::string::npos) << outcome.err;
}

TEST(DecodeCommand, AnUnreadableFileIsNamedWithWhatToDo) {
  Outcome outcome = decode("/nonexistent.pcap");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("cannot read /nonexistent.pcap: No such file or directory; pass"),
            std::string::npos)
      << outcome.err;
  outcome = decode(kVectors);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("Is a directory"), std::string::npos) << outcome.err;
  outcome = decode(kCorpus + "/decode/bad_hex");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("line 2"), std::string::npos) << outcome.err;
  outcome =
      decode(kVectors + "/valid/ping_req.hex --certificates " + kCorpus + "/certificate/garbage");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("certificate/garbage is neither"), std::string::npos) << outcome.err;
}

}  // namespace
