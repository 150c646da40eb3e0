// SPDX-License-Identifier: Apache-2.0
// hopsealctl enroll: makes a member of whoever has an account (RFC 6940 sections 11.2 and 11.3).

#include "controlplane/ctl/enroll.h"

#include <openssl/crypto.h>

#include <cstdio>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "config/node_config.h"
#include "controlplane/configuration/date_time.h"
#include "controlplane/configuration/signature.h"
#include "controlplane/ctl/document_options.h"
#include "controlplane/ctl/enrolled_files.h"
#include "controlplane/ctl/enrollment_request.h"
#include "controlplane/ctl/host_lookup.h"
#include "controlplane/ctl/issued_certificate.h"
#include "controlplane/ctl/node_snippet.h"
#include "controlplane/enroll/password_input.h"
#include "controlplane/trust/issue.h"
#include "controlplane/trust/self_signed.h"

namespace controlplane::ctl {
namespace {

constexpr std::size_t kMostKeyBytes = 65'536;
constexpr std::uint32_t kMostNodeIds = 1024;

struct Arguments {
  DocumentOptions document;
  std::string server;
  bool strict_name = false;
  std::string user;
  std::string password_file;
  std::uint32_t node_ids = 0;  // 0: one, or as many as before
  std::string algorithm = "ed25519";
  std::string key_file;
  std::string directory;
  bool renew = false;
  int days = 365;  // of a certificate that this node signs itself
};

[[noreturn]] void refuse(const std::string& why) { fail("enroll: " + why); }

std::unique_ptr<crypto::SigningKey> new_key(const Arguments& arguments) {
  std::string why;
  if (!arguments.key_file.empty()) {
    auto pem = read_text(arguments.key_file, kMostKeyBytes, why);
    if (!pem) refuse(why);
    auto key = crypto::SigningKey::from_pem(*pem, why);
    OPENSSL_cleanse(pem->data(), pem->size());
    if (key == nullptr) refuse(arguments.key_file + ": " + why);
    return key;
  }
  auto algorithm = crypto::Algorithm::kEd25519;
  if (arguments.algorithm == "rsa-2048") algorithm = crypto::Algorithm::kRsaPkcs1Sha256;
  if (arguments.algorithm == "ecdsa-p256") algorithm = crypto::Algorithm::kEcdsaP256Sha256;
  auto key = crypto::SigningKey::generate(algorithm);
  if (key == nullptr) refuse("OpenSSL cannot make a key");
  return key;
}

DocumentSource source_of(const Arguments& arguments, const std::optional<Enrolled>& before) {
  DocumentOptions options = arguments.document;
  if (before && options.overlay.empty()) options.overlay = before->overlay;
  DocumentSource source = document_source(options);
  if (before) source.newest_seen = before->sequence;
  return source;
}

FetchedDocument fetch(const DocumentSource& source) {
  std::string why;
  auto fetched = fetch_document(source, std::time(nullptr), why);
  if (!fetched) refuse(why);
  print_remarks(*fetched);
  return *std::move(fetched);
}

std::vector<std::string> server_urls(const Arguments& arguments, const FetchedDocument& document) {
  if (!arguments.server.empty()) return {arguments.server};
  const auto& configuration = document.judgement.element.configuration;
  if (configuration.enrollment_servers.empty()) {
    refuse("the document of " + document.overlay +
           " names no enrollment-server; when there is one all the same, pass its URL by --server");
  }
  return configuration.enrollment_servers;
}

/// X-16: the RFC wants a certificate for the overlay's name, though the URL may be anybody's; one
/// for the URL's host is taken, too, unless the operator is strict.
std::vector<std::string> names_of(const HttpsUrl& url, const std::string& overlay, bool strict) {
  if (strict || url.host == overlay) return {overlay};
  return {url.host, overlay};
}

struct Answered {
  std::string der;
  std::string server;
};

/// Asks the servers in the document's order until one has the request.
Answered ask_servers(const Arguments& arguments, const DocumentSource& source,
                     const FetchedDocument& document, const EnrollmentForm& form) {
  std::string tried;
  for (const std::string& text : server_urls(arguments, document)) {
    std::string why;
    EnrollmentServer server;
    const auto url = parse_https_url(text, why);
    if (url) {
      server.url = *url;
      server.addresses = look_up_host(url->host, url->port, source.dns, why);
    }
    EnrollmentOutcome outcome;
    if (server.addresses.empty()) {
      outcome.why = why;
    } else {
      server.names = names_of(server.url, document.overlay, arguments.strict_name);
      server.ca_file = source.ca_file;
      server.time = source.time;
      outcome = request_certificate(server, form, [&](std::chrono::seconds wait) {
        std::fprintf(stderr, "%s is busy; coming again in %lld s\n", server.url.text().c_str(),
                     static_cast<long long>(wait.count()));
      });
    }
    if (!outcome.der.empty()) return {std::move(outcome.der), server.url.text()};
    tried += (tried.empty() ? "" : "; ") + outcome.why;
    if (outcome.answered) break;
  }
  refuse(tried);
}

/// Section 11.3.1: where the overlay permits it and names no server, each node signs for itself.
bool signs_itself(const Arguments& arguments, const FetchedDocument& document) {
  const auto& configuration = document.judgement.element.configuration;
  return configuration.self_signed_permitted && configuration.enrollment_servers.empty() &&
         arguments.server.empty();
}

/// @param asked  its user name is made up when nobody gave one
Answered sign_itself(const Arguments& arguments, const FetchedDocument& document,
                     const crypto::SigningKey& key, AskedFor& asked) {
  const auto& configuration = document.judgement.element.configuration;
  const auto id =
      trust::self_signed_node_id(configuration::self_signed_of(configuration), asked.spki);
  if (asked.user_name.empty()) asked.user_name = config::to_string(id) + "@" + document.overlay;
  const std::int64_t now = std::time(nullptr);
  constexpr std::int64_t kDay = 86'400;
  constexpr std::int64_t kClockSkew = 300;
  std::string why;
  const std::string pem =
      trust::issue_self_signed(key,
                               {.user_name = asked.user_name,
                                .uris = {trust::node_uri(id, document.overlay)},
                                .validity = {now - kClockSkew, now + arguments.days * kDay}},
                               why);
  const auto certificate = pem.empty() ? std::nullopt : trust::Certificate::from_pem(pem, why);
  if (!certificate) refuse(why);
  const auto* const bytes = reinterpret_cast<const char*>(certificate->der.data());
  return {std::string(bytes, certificate->der.size()), "self-signed"};
}

/// Asks for the password and then the servers.
Answered ask_with_password(const Arguments& arguments, const DocumentSource& source,
                           const FetchedDocument& document, const crypto::SigningKey& key,
                           const AskedFor& asked) {
  std::string why;
  const std::string csr = make_certificate_request(key, arguments.user, why);
  if (csr.empty()) refuse(why);
  auto password = enroll::read_password(arguments.password_file, why);
  if (!password) refuse(why);
  Answered answered = ask_servers(
      arguments, source, document,
      {.username = arguments.user, .password = *password, .node_ids = asked.node_ids, .csr = csr});
  OPENSSL_cleanse(password->data(), password->size());
  return answered;
}

void report(const Arguments& arguments, const FetchedDocument& document,
            const trust::Certificate& certificate, const std::string& server, bool json) {
  const EnrolledPaths paths(arguments.directory);
  const auto& configuration = document.judgement.element.configuration;
  const std::string snippet = node_snippet(paths, configuration);
  const std::string expires = configuration::to_date_time(certificate.not_after_unix_s);
  nlohmann::ordered_json ids = nlohmann::ordered_json::array();
  for (const auto& uri : certificate.nodes) ids.push_back(config::to_string(uri.node_id));
  if (json) {
    const nlohmann::ordered_json said = {{"overlay", document.overlay},
                                         {"user", certificate.user_names.front()},
                                         {"node-ids", ids},
                                         {"expires", expires},
                                         {"renewed", arguments.renew},
                                         {"document-from", document.from},
                                         {"server", server},
                                         {"certificate", paths.certificate},
                                         {"key", paths.key},
                                         {"document", paths.document},
                                         {"roots", paths.roots},
                                         {"node.toml", snippet}};
    std::printf("%s\n",
                said.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
    return;
  }
  // Comments, so that the whole output may go into node.toml.
  std::printf("# %s of %s, until %s; in %s\n", certificate.user_names.front().c_str(),
              document.overlay.c_str(), expires.c_str(), paths.directory.c_str());
  for (const auto& id : ids) std::printf("# Node-ID %s\n", id.get<std::string>().c_str());
  std::printf("\n%s", snippet.c_str());
}

void run(Arguments arguments, Context& context) {
  std::string why;
  std::optional<Enrolled> before;
  if (arguments.renew) {
    before = read_enrolled(arguments.directory, why);
    if (!before) refuse(why);
    const auto& users = before->certificate.user_names;
    if (arguments.user.empty() && !users.empty()) arguments.user = users.front();
  } else if (why = why_taken(arguments.directory); !why.empty()) {
    refuse(why);
  }
  const DocumentSource source = source_of(arguments, before);
  const FetchedDocument document = fetch(source);
  const bool alone = signs_itself(arguments, document);
  if (!alone) {
    if (arguments.user.empty()) refuse("--user names the account");
    (void)server_urls(arguments, document);  // before anybody types a password
  }
  const auto key = before ? std::move(before->key) : new_key(arguments);
  AskedFor asked;
  asked.user_name = arguments.user;
  asked.spki = key->public_spki();
  if (before) {
    for (const auto& uri : before->certificate.nodes) asked.known_ids.push_back(uri.node_id);
  }
  const std::size_t usual = before ? asked.known_ids.size() : 1;
  asked.node_ids = arguments.node_ids != 0 ? arguments.node_ids : static_cast<std::uint32_t>(usual);
  if (alone && asked.node_ids != 1) refuse("--node-ids: a self-signed certificate holds one");
  const Answered answered = alone ? sign_itself(arguments, document, *key, asked)
                                  : ask_with_password(arguments, source, document, *key, asked);
  const auto& configuration = document.judgement.element.configuration;
  const auto certificate = take_issued(std::as_bytes(std::span(answered.der)), asked, configuration,
                                       std::time(nullptr), why);
  if (!certificate) {
    refuse(answered.server + ": the certificate is not taken: " + why);
  }
  const EnrolledTexts texts = {.certificate = configuration::to_pem(certificate->der),
                               .key = key->to_pem(),
                               .document = document.text,
                               .roots = roots_pem(configuration)};
  if (arguments.renew) {
    renew_enrolled(arguments.directory, texts);
  } else {
    write_enrolled(arguments.directory, texts);
  }
  report(arguments, document, *certificate, answered.server, context.json);
}

}  // namespace

void add_enroll(CLI::App& app, Context& context) {
  CLI::App* enroll = app.add_subcommand(
      "enroll",
      "Gets a certificate with Node-IDs from the overlay's enrollment server; or makes one, where "
      "the overlay permits self-signed certificates and names no server");
  const auto arguments = std::make_shared<Arguments>();
  add_document_options(*enroll, arguments->document);
  enroll
      ->add_option("--server", arguments->server,
                   "The enrollment server, not one that the document names")
      ->type_name("URL");
  enroll->add_flag("--strict-server-name", arguments->strict_name,
                   "The enrollment server's certificate must be one for the overlay's name; one "
                   "for the URL's host does not do");
  enroll->add_option("--user", arguments->user, "The account, such as alice@example.org")
      ->type_name("NAME");
  enroll
      ->add_option("--password-file", arguments->password_file,
                   "Its first line is the password; else standard input's is")
      ->type_name("FILE");
  enroll->add_option("--node-ids", arguments->node_ids, "How many; 1, or as many as before")
      ->check(CLI::Range(std::uint32_t{1}, kMostNodeIds))
      ->type_name("N");
  CLI::Option* const algorithm =
      enroll->add_option("--algorithm", arguments->algorithm, "Of the key that is made")
          ->check(CLI::IsMember({"ed25519", "ecdsa-p256", "rsa-2048"}))
          ->capture_default_str();
  CLI::Option* const key =
      enroll->add_option("--key", arguments->key_file, "Take this private key (PEM); make none")
          ->type_name("FILE")
          ->excludes(algorithm);
  enroll->add_option("--out", arguments->directory, "Directory for key, certificate and document")
      ->required()
      ->type_name("DIR");
  enroll
      ->add_flag("--renew", arguments->renew,
                 "DIR is of an enrolled node: a new certificate for its key, user and Node-IDs")
      ->excludes(algorithm)
      ->excludes(key);
  enroll
      ->add_option("--days", arguments->days,
                   "Validity of a certificate that this node signs itself")
      ->check(CLI::Range(1, 3650))
      ->capture_default_str();
  enroll->footer(
      "DIR is made with node.pem, node-key.pem, overlay.relo and roots.pem when the certificate\n"
      "was found good; nothing there is ever replaced but by --renew. What is printed goes into\n"
      "node.toml. A user keeps his Node-IDs: for a new key, enroll into another directory.");
  enroll->callback([arguments, &context] { run(*arguments, context); });
}

}  // namespace controlplane::ctl
