// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/enrolled_files.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include <filesystem>

#include "controlplane/configuration/parse.h"
#include "controlplane/ctl/configuration_fetch.h"
#include "controlplane/ctl/new_file.h"

namespace controlplane::ctl {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kPublicFile = 0644;
constexpr mode_t kPrivateFile = 0600;
constexpr std::size_t kMostPemBytes = 65'536;

std::string place_of(const std::string& directory) {
  fs::path place = fs::absolute(directory).lexically_normal();
  if (!place.has_filename()) place = place.parent_path();  // "new/" names "new"
  return place.string();
}

void sync_directory(const fs::path& path) {
  // Best effort: files are on the disk already, and a crash now loses names at worst.
  const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  (void)::fsync(directory);
  ::close(directory);
}

}  // namespace

EnrolledPaths::EnrolledPaths(const std::string& at)
    : directory(place_of(at)),
      certificate(directory + "/node.pem"),
      key(directory + "/node-key.pem"),
      document(directory + "/overlay.relo"),
      roots(directory + "/roots.pem") {}

std::string why_taken(const std::string& directory) {
  std::error_code error;
  const fs::path place = place_of(directory);
  if (!fs::exists(fs::symlink_status(place, error))) return {};
  if (fs::is_directory(place, error) && fs::is_empty(place, error)) return {};
  return directory + " is there already; name another directory, or renew by --renew";
}

std::optional<Enrolled> read_enrolled(const std::string& directory, std::string& why) {
  const EnrolledPaths paths(directory);
  Enrolled found;
  const auto pem = read_text(paths.certificate, kMostPemBytes, why);
  if (!pem) return std::nullopt;
  auto certificate = trust::Certificate::from_pem(*pem, why);
  if (certificate && certificate->nodes.empty()) {
    why = "names no node";
    certificate.reset();
  }
  if (!certificate) {
    why = paths.certificate + ": " + why;
    return std::nullopt;
  }
  found.certificate = *std::move(certificate);
  auto key = read_text(paths.key, kMostPemBytes, why);
  if (!key) return std::nullopt;
  found.key = crypto::SigningKey::from_pem(*key, why);
  OPENSSL_cleanse(key->data(), key->size());
  if (found.key != nullptr && found.key->public_spki() != found.certificate.spki) {
    why = "does not belong to " + paths.certificate;
    found.key.reset();
  }
  if (found.key == nullptr) {
    why = paths.key + ": " + why;
    return std::nullopt;
  }
  found.overlay = found.certificate.nodes.front().overlay;
  const auto text = read_text(paths.document, configuration::kMaxDocumentBytes, why);
  if (!text) return std::nullopt;
  const auto document = configuration::parse_document(*text);
  const auto* const element = document.find(found.overlay);
  if (element == nullptr) {
    why = paths.document + ": " +
          (document.fault.ok() ? "does not configure " + found.overlay : document.fault.sentence());
    return std::nullopt;
  }
  found.sequence = element->configuration.sequence;
  return found;
}

void write_enrolled(const std::string& directory, const EnrolledTexts& texts) {
  const EnrolledPaths final_paths(directory);
  const EnrolledPaths building(final_paths.directory + ".partial-" + std::to_string(::getpid()));
  try {
    fs::create_directories(building.directory);
    fs::permissions(building.directory, fs::perms::owner_all);
    write_new_file(building.key, texts.key, kPrivateFile);
    write_new_file(building.certificate, texts.certificate, kPublicFile);
    write_new_file(building.document, texts.document, kPrivateFile);  // J-12: it may hold a secret
    write_new_file(building.roots, texts.roots, kPublicFile);
    sync_directory(building.directory);
    // Over an empty directory or nothing; rename(2) refuses any other.
    fs::rename(building.directory, final_paths.directory);
    sync_directory(fs::path(final_paths.directory).parent_path());
  } catch (const std::exception&) {
    std::error_code ignored;
    fs::remove_all(building.directory, ignored);
    throw;
  }
}

void renew_enrolled(const std::string& directory, const EnrolledTexts& texts) {
  const EnrolledPaths paths(directory);
  replace_file(paths.document, texts.document, kPrivateFile);
  replace_file(paths.roots, texts.roots, kPublicFile);
  replace_file(paths.certificate, texts.certificate, kPublicFile);
  sync_directory(paths.directory);
}

}  // namespace controlplane::ctl
