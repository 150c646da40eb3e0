// SPDX-License-Identifier: Apache-2.0
// hopsealctl verify as it is called: lines in, verdicts out, exit status.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "controlplane/ctl/commands.h"
#include "crypto/kernels/select.h"
#include "crypto/self_test.h"

namespace {

// RFC 8032 section 7.1, test 2.
constexpr const char* kRawKey = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
constexpr const char* kSignature =
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d"
    "8c387b2eaeb4302aeeb00d291612bb0c00";

struct Outcome {
  int status = 0;
  std::vector<std::string> out;
  std::string err;
};

std::string line_of(const std::string& algorithm, const std::string& key,
                    const std::string& message, const std::string& signature) {
  return nlohmann::json{{"alg", algorithm}, {"key", key}, {"msg", message}, {"sig", signature}}
      .dump();
}

std::string good_line() { return line_of("ed25519", kRawKey, "72", kSignature); }

Outcome verify(const std::vector<std::string>& lines, const std::string& options = "",
               bool json = false) {
  const std::string file =
      testing::TempDir() + "verify_lines_" + std::to_string(::getpid()) + ".json";
  std::ofstream out(file);
  for (const std::string& line : lines) out << line << '\n';
  out.close();
  CLI::App app;
  controlplane::ctl::Context context;
  context.json = json;
  controlplane::ctl::add_verify(app, context);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  try {
    app.parse("verify " + file + " " + options);
  } catch (const CLI::RuntimeError& error) {
    context.exit_status = error.get_exit_code();
  }
  std::remove(file.c_str());
  Outcome outcome;
  outcome.status = context.exit_status;
  outcome.err = testing::internal::GetCapturedStderr();
  std::istringstream text(testing::internal::GetCapturedStdout());
  for (std::string line; std::getline(text, line);) outcome.out.push_back(line);
  return outcome;
}

std::string algorithm_of(const crypto::KnownAnswer& answer) {
  const std::string name(answer.name);
  if (name.starts_with("ed25519")) return "ed25519";
  return name.starts_with("ecdsa") ? "ecdsa-p256-sha256" : "rsa-pkcs1-sha256";
}

TEST(VerifyCommand, GivesTheKnownAnswersWithEveryKernelKnownAndCold) {
  std::vector<std::string> lines;
  std::vector<std::string> expected;
  for (int times = 0; times < 4; ++times) {  // more lines than a batch holds
    for (const crypto::KnownAnswer& answer : crypto::known_answers()) {
      lines.push_back(line_of(algorithm_of(answer), answer.spki, answer.message, answer.signature));
      expected.push_back(answer.verdict == crypto::Verdict::kValid ? "valid" : "bad_signature");
    }
  }
  ASSERT_GT(lines.size(), 64U);
  for (const crypto::KernelTable* kernel : crypto::all_kernels()) {
    if (!crypto::runs_here(*kernel)) continue;
    for (const char* known : {"", " --known"}) {
      const Outcome outcome = verify(lines, std::string("--kernel ") + kernel->name + known);
      EXPECT_EQ(outcome.out, expected) << kernel->name << known;
      EXPECT_EQ(outcome.err, "");
      EXPECT_EQ(outcome.status, 1);
    }
  }
}

TEST(VerifyCommand, TakesBareKeys) {
  const Outcome outcome = verify({good_line()});
  EXPECT_EQ(outcome.out, std::vector<std::string>{"valid"});
  EXPECT_EQ(outcome.status, 0);
  // RFC 6979 section A.2.5: the point, whole and compressed.
  const std::string x = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6";
  const std::string y = "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
  const std::string signature =
      "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716022100f7cb1c942d65"
      "7c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
  const Outcome points =
      verify({line_of("ecdsa-p256-sha256", "04" + x + y, "73616d706c65", signature),
              line_of("ecdsa-p256-sha256", "03" + x, "73616d706c65", signature),
              line_of("ecdsa-p256-sha256", "02" + x, "73616d706c65", signature)});
  EXPECT_EQ(points.out, (std::vector<std::string>{"valid", "valid", "bad_signature"}));
}

TEST(VerifyCommand, PrintsOneVerdictForEveryLineThatIsNotBlank) {
  const Outcome outcome = verify({good_line(), "", "   ", "{}", good_line()});
  EXPECT_EQ(outcome.out, (std::vector<std::string>{"valid", "error", "valid"}));
  EXPECT_EQ(outcome.err, "hopsealctl verify: line 4: \"alg\": missing\n");
  EXPECT_EQ(outcome.status, 2);
}

TEST(VerifyCommand, NamesLineAndKeyOfWhatIsWrong) {
  const auto complaint = [](const std::string& line) { return verify({line}).err; };
  const std::string head = "hopsealctl verify: line 1: ";
  EXPECT_EQ(complaint("nonsense"), head + "not a JSON object\n");
  EXPECT_EQ(complaint("[1]"), head + "not a JSON object\n");
  EXPECT_EQ(complaint(R"({"alg": "ed25519", "key": 5})"), head + "\"key\": not a string\n");
  EXPECT_EQ(complaint(line_of("dsa", kRawKey, "72", kSignature)),
            head + "\"alg\": \"dsa\" is none of ed25519 ecdsa-p256-sha256 rsa-pkcs1-sha256\n");
  EXPECT_EQ(complaint(line_of("ed25519", kRawKey, "7", kSignature)),
            head + "\"msg\": an odd number of hex digits\n");
  EXPECT_EQ(complaint(line_of("ed25519", kRawKey, "72", "92xx")),
            head + "\"sig\": not a hex digit at position 3\n");
  EXPECT_EQ(complaint(line_of("ed25519", "3d40", "72", kSignature)),
            head + "\"key\": not a DER SubjectPublicKeyInfo\n");
  EXPECT_EQ(complaint(line_of("rsa-pkcs1-sha256", std::string("302a300506032b6570032100") + kRawKey,
                              "72", kSignature)),
            head + "\"key\": is of ed25519, and \"alg\" says rsa-pkcs1-sha256\n");
}

TEST(VerifyCommand, WritesJsonOnDemand) {
  const Outcome outcome = verify({good_line(), "x"}, "--kernel portable", true);
  ASSERT_EQ(outcome.out.size(), 2U);
  EXPECT_EQ(outcome.out[0], R"({"line":1,"verdict":"valid","kernel":"portable"})");
  EXPECT_EQ(outcome.out[1], R"({"line":2,"verdict":"error","error":"not a JSON object"})");
}

TEST(VerifyCommand, RefusesAKernelThatIsNotThere) {
  const Outcome outcome = verify({good_line()}, "--kernel abacus");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("no kernel is called \"abacus\""), std::string::npos) << outcome.err;
  EXPECT_TRUE(outcome.out.empty());
}

}  // namespace
