// SPDX-License-Identifier: Apache-2.0
// hopsealctl overlay: makes, signs, fetches, checks and shows an overlay's configuration document.

#include <cstdio>
#include <ctime>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "config/node_config.h"
#include "controlplane/configuration/date_time.h"
#include "controlplane/configuration/signed_document.h"
#include "controlplane/configuration/write.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/new_file.h"
#include "controlplane/ctl/overlay_document.h"
#include "controlplane/ctl/overlay_fetch.h"
#include "controlplane/ctl/overlay_init.h"

namespace controlplane::ctl {
namespace {

using configuration::ConfigurationElement;
using configuration::Document;
using configuration::Judgement;

constexpr mode_t kDocumentMode = 0600;  // J-12: a document may hold a secret

struct Arguments {
  std::string file;
  std::string overlay;
  std::string previous;
  std::vector<std::string> roots;
  std::string at;
  std::string certificate;
  std::string key;
  std::string out;
  OverlayRequest request;
  std::string algorithm = "ed25519";
  std::vector<std::string> bootstrap_nodes;
};

/// Not more than is worth refusing: a larger file is refused for its size all the same.
std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(configuration::kMaxDocumentBytes + 1, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (!file && !file.eof())) fail("overlay: cannot read " + path);
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::string print_json(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

/// The configuration that is meant: the one of --overlay, or the only one. Prints why it is none.
const ConfigurationElement& choose(const Document& document, const Arguments& arguments,
                                   const std::string& file) {
  if (!document.fault.ok()) fail(file + " is refused: " + document.fault.sentence());
  std::string names;
  for (const auto& element : document.configurations) {
    names += (names.empty() ? "" : ", ") + element.configuration.instance_name;
  }
  if (!arguments.overlay.empty()) {
    const ConfigurationElement* found = document.find(arguments.overlay);
    if (found == nullptr) {
      fail(file + " does not configure " + arguments.overlay + " but " + names);
    }
    return *found;
  }
  if (document.configurations.size() > 1) {
    fail(file + " configures " + names + "; choose one by --overlay");
  }
  return document.configurations.front();
}

std::int64_t time_of(const Arguments& arguments) {
  if (arguments.at.empty()) return std::time(nullptr);
  const auto time = configuration::parse_date_time(arguments.at);
  if (!time) fail("--at " + arguments.at + ": a time in UTC is written 2030-01-31T12:00:00Z");
  return *time;
}

Judgement judge(const Arguments& arguments, const std::string& text) {
  const std::int64_t now = time_of(arguments);
  if (!arguments.previous.empty()) {
    const Document previous = configuration::parse_document(read_file(arguments.previous));
    const auto& current = choose(previous, arguments, arguments.previous).configuration;
    return configuration::judge_update(current, text, now);
  }
  const Document document = configuration::parse_document(text);
  if (!document.fault.ok()) {
    Judgement refused;
    refused.fault = document.fault;
    return refused;
  }
  const auto& itself = choose(document, arguments, arguments.file).configuration;
  configuration::FirstTrust trust;
  for (const std::string& root : arguments.roots) trust.roots.push_back(read_file(root));
  if (arguments.roots.empty()) {
    for (const auto& der : itself.root_certs) trust.roots.push_back(configuration::to_pem(der));
  }
  return configuration::judge_first(itself.instance_name, text, now, trust);
}

void run_check(const Arguments& arguments, Context& context) {
  const Judgement judged = judge(arguments, read_file(arguments.file));
  const auto said = describe(judged);
  std::fputs((context.json ? print_json(said) : as_lines(said)).c_str(), stdout);
  context.exit_status = judged.accepted() ? 0 : 1;
}

void run_show(const Arguments& arguments, Context& context) {
  const Document document = configuration::parse_document(read_file(arguments.file));
  const ConfigurationElement& element = choose(document, arguments, arguments.file);
  const auto said = describe(element.configuration);
  std::fputs((context.json ? print_json(said) : as_lines(said)).c_str(), stdout);
  for (const configuration::Remark& warning : element.warnings) {
    std::fprintf(stderr, "%s: %s\n", arguments.file.c_str(), warning.sentence().c_str());
  }
}

void run_sign(const Arguments& arguments, Context& context) {
  std::string why;
  const auto certificate = trust::Certificate::from_pem(read_file(arguments.certificate), why);
  if (!certificate) fail(arguments.certificate + ": " + why);
  const auto key = crypto::SigningKey::from_pem(read_file(arguments.key), why);
  if (key == nullptr) fail(arguments.key + ": " + why);
  const std::string text = read_file(arguments.file);
  const Document document = configuration::parse_document(text);
  const auto& configuration = choose(document, arguments, arguments.file).configuration;
  const auto made =
      configuration::sign_document(text, configuration.instance_name, *certificate, *key);
  if (!made.why.empty()) fail("overlay sign: " + made.why);
  if (!made.fault.ok()) fail(arguments.file + " is refused: " + made.fault.sentence());
  const std::string& out = arguments.out.empty() ? arguments.file : arguments.out;
  replace_file(out, made.text, kDocumentMode);
  const auto& signer = certificate->nodes.front().node_id;
  if (!configuration.may_sign_configurations(signer)) {
    std::fprintf(stderr,
                 "%s: %s is no configuration-signer of this document; nodes accept it only if it "
                 "is one of the document they have\n",
                 out.c_str(), config::to_string(signer).c_str());
  }
  if (context.json) {
    const nlohmann::ordered_json said = {{"file", out},
                                         {"overlay", configuration.instance_name},
                                         {"signer", config::to_string(signer)}};
    std::fputs(print_json(said).c_str(), stdout);
    return;
  }
  std::printf("%s is signed by %s\n", out.c_str(), config::to_string(signer).c_str());
}

crypto::Algorithm algorithm_named(const std::string& name) {
  if (name == "rsa-2048") return crypto::Algorithm::kRsaPkcs1Sha256;
  return name == "ecdsa-p256" ? crypto::Algorithm::kEcdsaP256Sha256 : crypto::Algorithm::kEd25519;
}

void run_init(const Arguments& arguments, Context& context) {
  OverlayRequest request = arguments.request;
  request.algorithm = algorithm_named(arguments.algorithm);
  for (const std::string& text : arguments.bootstrap_nodes) {
    auto node = config::parse_endpoint(text);
    if (!node) fail("--bootstrap-node " + text + ": an address, or [ADDRESS]:PORT for IPv6");
    if (node->port == 0) node->port = configuration::kDefaultPort;
    request.bootstrap_nodes.push_back(*node);
  }
  const std::string fault = init_overlay(request, std::time(nullptr));
  if (!fault.empty()) fail("overlay init: " + fault);
  if (context.json) {
    const nlohmann::ordered_json said = {{"directory", request.directory},
                                         {"document", request.directory + "/overlay.relo"}};
    std::fputs(print_json(said).c_str(), stdout);
    return;
  }
  std::printf(
      "%s holds the overlay %s. Publish overlay.relo, give node.pem and node-key.pem to the first "
      "node, and keep ca-key.pem and configuration-signer-key.pem off every node.\n",
      request.directory.c_str(), request.overlay.c_str());
}

CLI::App* add_on_file(CLI::App& overlay, const char* name, const char* about,
                      Arguments& arguments) {
  CLI::App* command = overlay.add_subcommand(name, about);
  command->add_option("FILE", arguments.file, "The configuration document")->required();
  command->add_option("--overlay", arguments.overlay, "Which overlay, when FILE has several")
      ->type_name("NAME");
  return command;
}

void add_init(CLI::App& overlay, Arguments& arguments) {
  CLI::App* init = overlay.add_subcommand(
      "init", "Writes a CA, a signed configuration document and the first node's credentials");
  OverlayRequest& request = arguments.request;
  init->add_option("directory", request.directory, "Directory to make")
      ->required()
      ->type_name("DIR");
  init->add_option("--overlay", request.overlay, "The overlay's DNS name")
      ->required()
      ->type_name("NAME");
  init->add_option("--bootstrap-node", arguments.bootstrap_nodes,
                   "Address of a bootstrap node, port 6084 unless given; may be repeated")
      ->type_name("ADDRESS[:PORT]");
  init->add_option("--enrollment-server", request.enrollment_servers,
                   "Where nodes get certificates; may be repeated")
      ->type_name("URL");
  init->add_option("--algorithm", arguments.algorithm, "Of the signer's and the node's key")
      ->check(CLI::IsMember({"ed25519", "ecdsa-p256", "rsa-2048"}))
      ->capture_default_str();
  init->add_flag("--ice", request.ice, "Do not ask for No-ICE links");
  init->add_option("--days", request.days, "Until certificates of signer and node expire")
      ->capture_default_str()
      ->type_name("N");
  init->add_option("--root-days", request.root_days, "Until the root certificate expires")
      ->capture_default_str()
      ->type_name("N");
  init->add_option("--document-days", request.document_days, "Until the document expires")
      ->capture_default_str()
      ->type_name("N");
}

}  // namespace

void add_overlay(CLI::App& app, Context& context) {
  CLI::App* overlay = app.add_subcommand(
      "overlay", "Makes, signs, fetches, checks and shows configuration documents");
  overlay->require_subcommand(1);
  const auto arguments = std::make_shared<Arguments>();

  CLI::App* check = add_on_file(
      *overlay, "check", "Says whether a node would take the document, and why not", *arguments);
  check
      ->add_option("--previous", arguments->previous,
                   "The document in force: judge FILE as its successor")
      ->type_name("FILE");
  check
      ->add_option("--root", arguments->roots,
                   "Trust these root certificates (PEM), not those in FILE; may be repeated")
      ->type_name("FILE")
      ->excludes("--previous");
  check->add_option("--at", arguments->at, "Judge at this time, not now")->type_name("TIME");
  check->footer(
      "Without --previous FILE is judged as a first document, signed by one of its own\n"
      "configuration-signers. Exit status 0: it would be taken; 1: not.");
  check->callback([arguments, &context] { run_check(*arguments, context); });

  CLI::App* show =
      add_on_file(*overlay, "show", "Prints every setting, defaults included", *arguments);
  show->footer("Checks no signature and no date: see check. The shared secret is not printed.");
  show->callback([arguments, &context] { run_show(*arguments, context); });

  CLI::App* sign = add_on_file(
      *overlay, "sign", "Signs the configuration, in place of signatures it has", *arguments);
  sign->add_option("--certificate", arguments->certificate, "The signer's certificate, PEM")
      ->required()
      ->type_name("FILE");
  sign->add_option("--key", arguments->key, "Its private key, PEM")->required()->type_name("FILE");
  sign->add_option("--out", arguments->out, "Write here and leave FILE alone")->type_name("FILE");
  sign->footer("No byte outside the signature elements changes. FILE is replaced at one stroke.");
  sign->callback([arguments, &context] { run_sign(*arguments, context); });

  add_overlay_fetch(*overlay, context);
  add_init(*overlay, *arguments);
  overlay->get_subcommand("init")->callback(
      [arguments, &context] { run_init(*arguments, context); });
}

}  // namespace controlplane::ctl
