// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/configuration_fetch.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "config/node_config.h"
#include "controlplane/ctl/configuration_discovery.h"
#include "controlplane/ctl/host_lookup.h"
#include "controlplane/ctl/https_client.h"

namespace controlplane::ctl {
namespace {

using configuration::Document;

std::optional<std::string> body_of(const HttpsOutcome& outcome, const std::string& from,
                                   std::string& why) {
  if (!outcome.answer) {
    why = outcome.why;
    return std::nullopt;
  }
  const HttpsAnswer& answer = *outcome.answer;
  if (answer.status == 200) return answer.body;
  why = from + ": answers " + std::to_string(answer.status) + ", not 200";
  if (answer.status >= 300 && answer.status < 400 && !answer.location.empty()) {
    why += "; it points to " + printable(answer.location) +
           ", which is not followed: pass that by --url when it can be trusted";
  } else if (answer.status == 404) {
    why += "; there is no configuration document";
  }
  return std::nullopt;
}

/// The document at @p url, from one of @p addresses: names of certificates are those of the URL,
/// whatever the DNS says (J-43).
std::optional<std::string> get(const HttpsUrl& url, std::vector<wire::shm::Endpoint> addresses,
                               const DocumentSource& source, std::string& why) {
  if (addresses.empty()) return std::nullopt;
  HttpsRequest request;
  request.url = url;
  request.addresses = std::move(addresses);
  request.names = {url.host};
  request.ca_file = source.ca_file;
  request.headers = {{"Accept", std::string(configuration::kMediaType) + ", */*;q=0.1"}};
  request.most_answer_bytes = configuration::kMaxDocumentBytes;
  request.time = source.time;
  return body_of(ask_https(request), url.text(), why);
}

/// The only overlay that @p text configures.
std::optional<std::string> only_overlay(const std::string& text, std::string& why) {
  const Document document = configuration::parse_document(text);
  if (!document.fault.ok()) {
    why = document.fault.sentence();
    return std::nullopt;
  }
  if (document.configurations.size() == 1) {
    return document.configurations.front().configuration.instance_name;
  }
  why = "configures several overlays; say which one:";
  for (const auto& element : document.configurations) {
    why += " " + element.configuration.instance_name;
  }
  return std::nullopt;
}

std::optional<std::string> get_text(const DocumentSource& source, FetchedDocument& fetched,
                                    std::string& why) {
  if (!source.file.empty()) {
    fetched.from = source.file;
    return read_text(source.file, configuration::kMaxDocumentBytes, why);
  }
  if (!source.url.empty()) {
    const auto url = parse_https_url(source.url, why);
    if (!url) return std::nullopt;
    fetched.from = url->text();
    return get(*url, look_up_host(url->host, url->port, source.dns, why), source, why);
  }
  if (!config::is_dns_name(source.overlay)) {
    why = "\"" + printable(source.overlay) + "\" is no DNS name, as overlays have";
    return std::nullopt;
  }
  const HttpsUrl url = well_known_url(source.overlay);
  fetched.from = url.text();
  auto found = discover_configuration_server(url.host, source.dns, why);
  if (!found) return std::nullopt;
  fetched.note = found->note;
  auto text = get(url, std::move(found->addresses), source, why);
  if (!text && !found->note.empty()) why += " (" + found->note + ")";
  return text;
}

}  // namespace

std::optional<std::string> read_text(const std::string& path, std::size_t most, std::string& why) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(most + 1, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (!file && !file.eof())) {
    why = path + ": " + (errno != 0 ? std::strerror(errno) : "cannot be read");
    return std::nullopt;
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() <= most) return text;
  why = path + ": has more than " + std::to_string(most) + " bytes";
  return std::nullopt;
}

std::optional<FetchedDocument> fetch_document(const DocumentSource& source, std::int64_t now_unix_s,
                                              std::string& why) {
  FetchedDocument fetched;
  auto text = get_text(source, fetched, why);
  if (!text) return std::nullopt;
  fetched.text = *std::move(text);
  fetched.overlay = source.overlay;
  if (fetched.overlay.empty()) {
    const auto only = only_overlay(fetched.text, why);
    if (!only) {
      why = fetched.from + ": " + why;
      return std::nullopt;
    }
    fetched.overlay = *only;
  }
  const configuration::FirstTrust trust = {
      .by_channel = source.roots.empty(), .roots = source.roots, .newest_seen = source.newest_seen};
  fetched.judgement = configuration::judge_first(fetched.overlay, fetched.text, now_unix_s, trust);
  if (!fetched.judgement.accepted()) {
    why = fetched.from + " is refused: " + fetched.judgement.fault.sentence();
    return std::nullopt;
  }
  fetched.overlay = fetched.judgement.element.configuration.instance_name;
  return fetched;
}

}  // namespace controlplane::ctl
