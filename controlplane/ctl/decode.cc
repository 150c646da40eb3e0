// SPDX-License-Identifier: Apache-2.0
// hopsealctl decode: RELOAD messages, frames and captures as JSON.

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/decode_documents.h"
#include "controlplane/ctl/decode_input.h"
#include "controlplane/ctl/signature_check.h"

namespace controlplane::ctl {

namespace {

struct DecodeArguments {
  std::string file = "-";
  std::vector<std::string> certificates;
  bool pretty = false;
};

void complain(const std::string& text) { std::cerr << "hopsealctl decode: " << text << '\n'; }

/// nullopt, having said why, when @p file cannot be read.
std::optional<std::vector<std::byte>> read_file(const std::string& file) {
  const bool standard_input = file == "-";
  std::FILE* const in = standard_input ? stdin : std::fopen(file.c_str(), "rb");
  int wrong = in == nullptr ? errno : 0;
  std::vector<std::byte> bytes;
  std::array<std::byte, 65536> piece;
  while (in != nullptr) {
    const std::size_t size = std::fread(piece.data(), 1, piece.size(), in);
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(size));
    if (size == piece.size()) continue;
    if (std::ferror(in) != 0) wrong = errno;  // a directory opens, and fails here
    break;
  }
  if (in != nullptr && !standard_input) std::fclose(in);
  if (wrong == 0) return bytes;
  complain("cannot read " + file + ": " + std::strerror(wrong) +
           "; pass a readable file, or - for standard input");
  return std::nullopt;
}

int decode(const DecodeArguments& arguments) {
  std::unique_ptr<SignatureCheck> signatures;
  if (!arguments.certificates.empty()) signatures = std::make_unique<SignatureCheck>();
  for (const std::string& file : arguments.certificates) {
    const auto text = read_file(file);
    if (!text) return 1;
    const std::string wrong = signatures->add(*text, file);
    if (!wrong.empty()) {
      complain(wrong);
      return 1;
    }
  }

  const auto bytes = read_file(arguments.file);
  if (!bytes) return 1;
  const DecodeInput input = read_decode_input(*bytes);
  const DecodeOutput output{[&](const nlohmann::ordered_json& document) {
                              std::cout << document.dump(arguments.pretty ? 2 : -1) << '\n';
                            },
                            complain};
  const bool good = decode_documents(input.items, signatures.get(), output);
  for (const std::string& warning : input.warnings) complain(warning);
  if (!input.error.empty()) complain(arguments.file + ": " + input.error);
  return good && input.error.empty() ? 0 : 1;
}

}  // namespace

void add_decode(CLI::App& app, Context& context) {
  CLI::App* const command = app.add_subcommand(
      "decode", "Show RELOAD messages, link frames or a capture as JSON, one document a line");
  command->footer(
      "FILE is a pcap or pcapng capture, RELOAD bytes, or their hex; which one is found out.\n"
      "Exit status 1: something is malformed (the offset is in its `error`), or a checked\n"
      "signature is not valid.");
  const auto arguments = std::make_shared<DecodeArguments>();
  command->add_option("FILE", arguments->file, "What to decode; - is standard input")
      ->capture_default_str();
  command
      ->add_option("--certificates", arguments->certificates,
                   "Also check signatures, with these certificates (PEM or DER) and those the "
                   "messages carry; give it last")
      ->expected(1, CLI::detail::expected_max_vector_size);
  command->add_flag("--pretty", arguments->pretty, "Indent the documents");
  command->callback([arguments, &context] { context.exit_status = decode(*arguments); });
}

}  // namespace controlplane::ctl
