// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/overlay_init.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include "config/node_config.h"
#include "controlplane/configuration/signed_document.h"
#include "controlplane/configuration/write.h"
#include "controlplane/ctl/new_file.h"
#include "controlplane/trust/certificate.h"
#include "controlplane/trust/issue.h"
#include "crypto/signing_key.h"

namespace controlplane::ctl {
namespace {

namespace fs = std::filesystem;
using configuration::OverlayConfiguration;

constexpr std::int64_t kDay = 86'400;
// Clocks of an overlay's machines need not agree to the second.
constexpr std::int64_t kBackdated = 3'600;
constexpr std::uint32_t kMostDays = 36'500;
constexpr mode_t kPublicFile = 0644;
constexpr mode_t kPrivateFile = 0600;

std::string fault_of(const OverlayRequest& request) {
  if (!config::is_dns_name(request.overlay)) {
    return "--overlay " + request.overlay + ": an overlay is named by a DNS name";
  }
  for (const std::uint32_t days : {request.days, request.root_days, request.document_days}) {
    if (days == 0 || days > kMostDays) {
      return std::to_string(days) + " days: accepted are 1 to " + std::to_string(kMostDays);
    }
  }
  if (request.root_days < request.days) {
    return "--root-days must not be less than --days: no certificate outlives its root";
  }
  const fs::path place = request.directory;
  if (fs::exists(fs::symlink_status(place)) && !(fs::is_directory(place) && fs::is_empty(place))) {
    return request.directory + " is there already; name another directory";
  }
  return {};
}

struct Credentials {
  std::string pem;
  trust::Certificate certificate;
  std::unique_ptr<crypto::SigningKey> key;
};

Credentials issue(const trust::Authority& authority, const OverlayRequest& request,
                  const std::string& user, const trust::Validity& validity) {
  Credentials made;
  made.key = crypto::SigningKey::generate(request.algorithm);
  if (made.key == nullptr) throw std::runtime_error("OpenSSL cannot make a key");
  std::string why;
  made.pem = authority.issue(made.key->public_spki(),
                             {.user_name = user + "@" + request.overlay,
                              .uris = {trust::node_uri(trust::random_node_id(), request.overlay)},
                              .validity = validity},
                             why);
  auto certificate = trust::Certificate::from_pem(made.pem, why);
  if (!certificate) throw std::runtime_error(why);
  made.certificate = *std::move(certificate);
  return made;
}

void write_credentials(const fs::path& folder, const std::string& name, const std::string& pem,
                       const crypto::SigningKey& key) {
  write_new_file(folder / (name + ".pem"), pem, kPublicFile);
  write_new_file(folder / (name + "-key.pem"), key.to_pem(), kPrivateFile);
}

std::string make_document(const OverlayRequest& request, const std::string& root_pem,
                          const Credentials& signer, std::int64_t now_unix_s) {
  std::string why;
  const auto root = trust::Certificate::from_pem(root_pem, why);
  if (!root) throw std::runtime_error(why);
  OverlayConfiguration configuration;
  configuration.instance_name = request.overlay;
  configuration.sequence = 1;
  configuration.expiration_unix_s = now_unix_s + request.document_days * kDay;
  configuration.root_certs = {root->der};
  configuration.enrollment_servers = request.enrollment_servers;
  configuration.bootstrap_nodes = request.bootstrap_nodes;
  configuration.no_ice = !request.ice;
  configuration.configuration_signers = {signer.certificate.nodes.front().node_id};
  configuration.kind_signers = configuration.configuration_signers;
  const auto made = configuration::sign_document(configuration::write_document(configuration),
                                                 request.overlay, signer.certificate, *signer.key);
  if (!made.fault.ok()) throw std::runtime_error(made.fault.sentence());
  if (!made.why.empty()) throw std::runtime_error(made.why);
  const auto judged =
      configuration::judge_first(request.overlay, made.text, now_unix_s, {.roots = {root_pem}});
  if (!judged.accepted()) throw std::runtime_error(judged.fault.sentence());
  return made.text;
}

void write_overlay(const fs::path& folder, const OverlayRequest& request, std::int64_t now_unix_s) {
  const std::int64_t from = now_unix_s - kBackdated;
  std::string why;
  const auto authority =
      trust::Authority::create(crypto::Algorithm::kEcdsaP256Sha256, request.overlay + " CA",
                               {from, now_unix_s + request.root_days * kDay}, why);
  if (authority == nullptr) throw std::runtime_error(why);
  write_credentials(folder, "ca", authority->certificate_pem(), authority->key());
  const trust::Validity validity = {from, now_unix_s + request.days * kDay};
  const Credentials signer = issue(*authority, request, "configuration-signer", validity);
  write_credentials(folder, "configuration-signer", signer.pem, *signer.key);
  const Credentials node = issue(*authority, request, "node", validity);
  write_credentials(folder, "node", node.pem, *node.key);
  write_new_file(folder / "overlay.relo",
                 make_document(request, authority->certificate_pem(), signer, now_unix_s),
                 kPublicFile);
}

}  // namespace

std::string init_overlay(const OverlayRequest& request, std::int64_t now_unix_s) {
  fs::path building;
  try {
    if (std::string fault = fault_of(request); !fault.empty()) return fault;
    fs::path place = fs::absolute(request.directory).lexically_normal();
    if (!place.has_filename()) place = place.parent_path();  // "new/" names "new"
    building = place.string() + ".partial-" + std::to_string(::getpid());
    fs::create_directories(building);
    fs::permissions(building, fs::perms::owner_all);
    write_overlay(building, request, now_unix_s);
    fs::remove(place);  // an empty directory, or nothing
    fs::rename(building, place);
    return {};
  } catch (const std::exception& fault) {
    std::error_code ignored;
    if (!building.empty()) fs::remove_all(building, ignored);
    return std::string("no overlay was made: ") + fault.what();
  }
}

}  // namespace controlplane::ctl
