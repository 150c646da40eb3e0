// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/issued_certificate.h"

#include <algorithm>

#include "config/node_config.h"
#include "controlplane/configuration/signature.h"
#include "controlplane/trust/certificate_checker.h"

namespace controlplane::ctl {
namespace {

using trust::Certificate;

std::string fault_of_names(const Certificate& certificate, const AskedFor& asked) {
  if (certificate.spki != asked.spki) return "it is for another key than the one that was sent";
  if (certificate.user_names.size() != 1) return "it does not name exactly one user";
  const bool is_address = asked.user_name.find('@') != std::string::npos;
  if (is_address && certificate.user_names.front() != asked.user_name) {
    return "it is for another user";
  }
  if (certificate.nodes.size() != asked.node_ids) {
    return "it holds " + std::to_string(certificate.nodes.size()) + " Node-IDs, not " +
           std::to_string(asked.node_ids) + " as asked for";
  }
  return {};
}

/// J-51: a user keeps his Node-IDs. Of two lists of different length the shorter one is in the
/// longer.
std::string fault_of_change(const Certificate& certificate, const AskedFor& asked) {
  const std::size_t both = std::min(certificate.nodes.size(), asked.known_ids.size());
  const auto same = std::ranges::count_if(certificate.nodes, [&](const trust::NodeUri& uri) {
    return std::ranges::find(asked.known_ids, uri.node_id) != asked.known_ids.end();
  });
  if (static_cast<std::size_t>(same) >= both) return {};
  return "its Node-IDs are not those that this node has: has the server lost its store? To take "
         "new ones, enroll into another directory";
}

std::string fault_of_trust(const Certificate& certificate,
                           const configuration::OverlayConfiguration& configuration,
                           std::int64_t now_unix_s) {
  std::string why;
  std::vector<std::string> roots;
  if (!configuration.root_certs.empty()) roots.push_back(roots_pem(configuration));
  const auto checker = trust::CertificateChecker::make(
      roots, configuration.instance_name, why, configuration::self_signed_of(configuration));
  if (checker == nullptr) return "the document has no root certificate to check it with: " + why;
  for (auto uri = certificate.nodes.begin(); uri != certificate.nodes.end(); ++uri) {
    const auto twice = [&](const trust::NodeUri& other) { return other.node_id == uri->node_id; };
    if (std::find_if(certificate.nodes.begin(), uri, twice) != uri)
      return "a Node-ID is in it twice";
    const trust::Checked checked = checker->check_node(certificate.der, uri->node_id, now_unix_s);
    if (!checked.accepted()) {
      return trust::refusal_sentence(checked.refusal) +
             (checked.detail.empty() ? "" : " (" + checked.detail + ")");
    }
    if (configuration.is_bad_node(uri->node_id)) {
      return "the document bans " + config::to_string(uri->node_id) + " as a bad node";
    }
  }
  return {};
}

}  // namespace

std::optional<Certificate> take_issued(std::span<const std::byte> der, const AskedFor& asked,
                                       const configuration::OverlayConfiguration& configuration,
                                       std::int64_t now_unix_s, std::string& why) {
  auto certificate = Certificate::from_der(der, why);
  if (!certificate) return std::nullopt;
  why = fault_of_names(*certificate, asked);
  if (why.empty()) why = fault_of_trust(*certificate, configuration, now_unix_s);
  if (why.empty()) why = fault_of_change(*certificate, asked);
  if (!why.empty()) return std::nullopt;
  return certificate;
}

std::string roots_pem(const configuration::OverlayConfiguration& configuration) {
  std::string text;
  for (const auto& der : configuration.root_certs) text += configuration::to_pem(der);
  return text;
}

}  // namespace controlplane::ctl
