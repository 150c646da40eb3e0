// SPDX-License-Identifier: Apache-2.0
// hopsealctl overlay fetch: gets an overlay's configuration document, as a new node does.

#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>

#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/document_options.h"
#include "controlplane/ctl/new_file.h"
#include "controlplane/ctl/overlay_document.h"
#include "controlplane/ctl/overlay_fetch.h"

namespace controlplane::ctl {
namespace {

constexpr mode_t kDocumentMode = 0600;  // J-12: a document may hold a secret

struct Arguments {
  DocumentOptions document;
  std::string out;
};

/// A document that is there already is replaced by one of the same overlay that is not older.
void follow_document_at(const std::string& file, DocumentSource& source) {
  if (::access(file.c_str(), F_OK) != 0) return;
  std::string why;
  const auto text = read_text(file, configuration::kMaxDocumentBytes, why);
  if (!text) fail(why);
  const auto document = configuration::parse_document(*text);
  if (!document.fault.ok()) {
    fail(file + " is there and no configuration document; name another file (" +
         document.fault.sentence() + ")");
  }
  if (source.overlay.empty()) {
    source.overlay = document.configurations.front().configuration.instance_name;
  }
  const auto* const found = document.find(source.overlay);
  if (found == nullptr) fail(file + " is of another overlay; name another file");
  source.newest_seen = found->configuration.sequence;
}

void run(const Arguments& arguments, Context& context) {
  DocumentSource source = document_source(arguments.document);
  follow_document_at(arguments.out, source);
  std::string why;
  const auto fetched = fetch_document(source, std::time(nullptr), why);
  if (!fetched) fail("overlay fetch: " + why);
  replace_file(arguments.out, fetched->text, kDocumentMode);
  print_remarks(*fetched);
  nlohmann::ordered_json said = {{"file", arguments.out}, {"from", fetched->from}};
  said.update(describe(fetched->judgement));
  const std::string text =
      context.json
          ? said.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n"
          : arguments.out + " is sequence " +
                std::to_string(*fetched->judgement.element.configuration.sequence) + " of " +
                fetched->overlay + ", from " + fetched->from + "\n";
  std::fputs(text.c_str(), stdout);
}

}  // namespace

void add_overlay_fetch(CLI::App& overlay, Context& context) {
  CLI::App* fetch =
      overlay.add_subcommand("fetch", "Gets the overlay's document, as a new node does");
  const auto arguments = std::make_shared<Arguments>();
  add_document_options(*fetch, arguments->document);
  fetch->add_option("--out", arguments->out, "Write it here; replaces an older one of the overlay")
      ->required()
      ->type_name("FILE");
  fetch->footer(
      "Without --url and --document it comes from https://OVERLAY/.well-known/reload-config, at\n"
      "the hosts of the SRV records of _reload-config._tcp.OVERLAY.\n"
      "FILE is written only with a document that nodes would take.");
  fetch->callback([arguments, &context] { run(*arguments, context); });
}

}  // namespace controlplane::ctl
