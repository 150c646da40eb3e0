// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/document_options.h"

#include <cstdio>

#include "config/node_config.h"
#include "controlplane/ctl/commands.h"

namespace controlplane::ctl {
namespace {

constexpr std::size_t kMostPemBytes = 65'536;
constexpr std::uint32_t kLongestTimeoutS = 600;

}  // namespace

void add_document_options(CLI::App& command, DocumentOptions& options) {
  command.add_option("overlay", options.overlay, "The overlay's DNS name")->type_name("OVERLAY");
  command
      .add_option("--url", options.url,
                  "The document is here, and the server's certificate must be one for this host")
      ->type_name("URL");
  command.add_option("--document", options.file, "The document was brought in this file")
      ->type_name("FILE")
      ->excludes("--url");
  command
      .add_option("--root", options.root_files,
                  "The document must be signed by a configuration-signer of this root certificate "
                  "(PEM); may be repeated")
      ->type_name("FILE")
      ->allow_extra_args(false);  // or it took OVERLAY, too
  command
      .add_option("--ca", options.ca_file,
                  "Servers' certificates come from these authorities (PEM), not from those that "
                  "the machine trusts")
      ->type_name("FILE");
  command
      .add_option("--dns", options.dns, "Ask this name server, not those of the machine; port 53")
      ->type_name("ADDRESS[:PORT]");
  command.add_option("--timeout", options.timeout_s, "For one request, in seconds")
      ->check(CLI::Range(std::uint32_t{1}, kLongestTimeoutS))
      ->capture_default_str()
      ->type_name("N");
}

DocumentSource document_source(const DocumentOptions& options) {
  if (options.overlay.empty() && options.url.empty() && options.file.empty()) {
    fail("name the OVERLAY, or say where its document is by --url or --document");
  }
  DocumentSource source;
  source.overlay = options.overlay;
  source.url = options.url;
  source.file = options.file;
  source.ca_file = options.ca_file;
  source.time = std::chrono::seconds{options.timeout_s};
  if (!options.dns.empty()) {
    source.dns = config::parse_endpoint(options.dns);
    if (!source.dns) {
      fail("--dns " + options.dns + ": an address, or ADDRESS:PORT, [ADDRESS]:PORT for IPv6");
    }
  }
  for (const std::string& file : options.root_files) {
    std::string why;
    auto pem = read_text(file, kMostPemBytes, why);
    if (!pem) fail(why);
    source.roots.push_back(*std::move(pem));
  }
  return source;
}

void print_remarks(const FetchedDocument& document) {
  const auto say = [&](const std::string& text) {
    std::fprintf(stderr, "%s: %s\n", document.from.c_str(), text.c_str());
  };
  if (!document.note.empty()) say(document.note);
  for (const auto& warning : document.judgement.element.warnings) say(warning.sentence());
  for (const auto& refused : document.judgement.refused_kinds) {
    say("a Kind is left out: " + refused.fault.sentence());
  }
  for (const std::string& sentence :
       configuration::cannot_join(document.judgement.element.configuration, {})) {
    say("this node could not join: " + sentence);
  }
}

}  // namespace controlplane::ctl
