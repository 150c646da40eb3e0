// SPDX-License-Identifier: Apache-2.0
// hopsealctl verify: signatures from scripts and test vectors, checked as the node checks them.

#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/verify_lines.h"
#include "crypto/kernels/select.h"

namespace controlplane::ctl {
namespace {

struct VerifyArguments {
  std::string file = "-";
  std::string kernel;
  bool known = false;
};

constexpr int kSomeBad = 1;
constexpr int kSomeUnreadable = 2;

const char* text_of(crypto::Verdict verdict) {
  switch (verdict) {
    case crypto::Verdict::kValid:
      return "valid";
    case crypto::Verdict::kBadSignature:
      return "bad_signature";
    case crypto::Verdict::kTooLong:
      return "too_long";
  }
  return "error";
}

/// One line out for each line in, also for those with an error: that goes to standard error too.
int print(const std::vector<VerifyLine>& lines, const char* kernel, bool json) {
  int status = 0;
  for (const VerifyLine& line : lines) {
    const bool readable = line.error.empty();
    const char* const text = readable ? text_of(line.verdict) : "error";
    if (json) {
      nlohmann::ordered_json document = {{"line", line.number}, {"verdict", text}};
      if (readable) {
        document["kernel"] = kernel;
      } else {
        document["error"] = line.error;
      }
      // An error may quote bytes that are not UTF-8.
      std::cout << document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    } else {
      std::cout << text << '\n';
    }
    if (!readable) {
      std::cerr << "hopsealctl verify: line " << line.number << ": " << line.error << '\n';
      status = kSomeUnreadable;
    } else if (line.verdict != crypto::Verdict::kValid) {
      status = std::max(status, kSomeBad);
    }
  }
  std::cout.flush();
  return status;
}

int verify(const VerifyArguments& arguments, bool json) {
  std::string why;
  const crypto::KernelTable* const kernel = arguments.kernel.empty()
                                                ? &crypto::best_kernel()
                                                : crypto::find_kernel(arguments.kernel, why);
  if (kernel == nullptr) fail("verify: --kernel: " + why);
  std::ifstream file;
  if (arguments.file != "-") {
    file.open(arguments.file);
    if (!file)
      fail("verify: cannot read " + arguments.file + "; pass a file, or - for standard input");
  }
  std::istream& in = arguments.file == "-" ? std::cin : file;
  LineVerifier verifier(*kernel, arguments.known);
  int status = 0;
  for (std::string line; std::getline(in, line);) {
    verifier.add(line);
    if (verifier.full()) status = std::max(status, print(verifier.take(), kernel->name, json));
  }
  return std::max(status, print(verifier.take(), kernel->name, json));
}

}  // namespace

void add_verify(CLI::App& app, Context& context) {
  CLI::App* const command = app.add_subcommand(
      "verify", "Check signatures, one JSON object a line, and print one verdict a line");
  command->footer(
      "A line: {\"alg\": \"ed25519\", \"key\": HEX, \"msg\": HEX, \"sig\": HEX}. Other algorithms "
      "are\n"
      "ecdsa-p256-sha256 (sig in DER) and rsa-pkcs1-sha256. The key is a DER "
      "SubjectPublicKeyInfo,\n"
      "or the bare 32 bytes of Ed25519, or a point of P-256.\n"
      "Verdicts: valid, bad_signature, too_long, error. Exit status 0: all valid; 1: some not;\n"
      "2: some lines say nothing that could be checked. Verdicts come in batches of 64.");
  const auto arguments = std::make_shared<VerifyArguments>();
  command->add_option("FILE", arguments->file, "The lines; - is standard input")
      ->capture_default_str();
  command->add_option("--kernel", arguments->kernel, "Use this kernel, not the best one here")
      ->type_name("NAME");
  command->add_flag("--known", arguments->known,
                    "Check as for signers the node knows well: with a table of each key, where "
                    "the kernel has such");
  command->callback(
      [arguments, &context] { context.exit_status = verify(*arguments, context.json); });
}

}  // namespace controlplane::ctl
