// SPDX-License-Identifier: Apache-2.0

#include "controlplane/links/own_context.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace controlplane::links {
namespace {

constexpr std::size_t kMostIdentity = 128;
constexpr std::size_t kLeastKey = 16;
constexpr std::size_t kMostKey = 64;

/// The value of a hex digit, or 16.
unsigned digit(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return 16;
}

void wipe_text(std::string& text) noexcept { wipe(std::as_writable_bytes(std::span(text))); }

}  // namespace

std::optional<SharedSecret> parse_shared_secret(std::string_view text, std::string& why) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || text.find('\n') != std::string_view::npos) {
    why = "accepted is one line \"identity:key\", the key in hex";
    return std::nullopt;
  }
  SharedSecret secret;
  secret.identity = text.substr(0, colon);
  if (secret.identity.empty() || secret.identity.size() > kMostIdentity) {
    why = "accepted are identities of 1 to 128 bytes in front of the colon";
    return std::nullopt;
  }
  const std::string_view hex = text.substr(colon + 1);
  bool is_hex = hex.size() % 2 == 0;
  for (std::size_t i = 0; is_hex && i < hex.size(); i += 2) {
    const unsigned high = digit(hex[i]);
    const unsigned low = digit(hex[i + 1]);
    is_hex = high < 16 && low < 16;
    secret.key.push_back(static_cast<std::byte>((high << 4U | low) & 0xffU));
  }
  if (!is_hex || secret.key.size() < kLeastKey || secret.key.size() > kMostKey) {
    wipe(secret.key);
    why = "accepted are keys of 16 to 64 bytes in hex, so 32 to 128 digits, behind the colon";
    return std::nullopt;
  }
  return secret;
}

std::shared_ptr<const SecureContext> own_context(
    const config::NodeConfig& config, const trust::Credentials& credentials, Transport transport,
    std::string& why, std::function<bool(const wire::reload::NodeId&)> is_barred) {
  ContextSettings settings;
  settings.transport = transport;
  settings.certificate = credentials.certificate;
  settings.key = credentials.key;
  settings.checker = credentials.checker;
  settings.aeads = config.links.ciphers;
  settings.is_barred = std::move(is_barred);
  settings.key_log = true;  // who makes the handshakes says when
  std::string file = config.identities.front().certificate;
  if (config.links.shared_secret) {
    file = *config.links.shared_secret;
    std::ifstream stream(file, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(stream), {});
    if (!stream) {
      why = file + ": " + std::strerror(errno);
      return nullptr;
    }
    settings.shared_secret = parse_shared_secret(text, why);
    wipe_text(text);
    if (!settings.shared_secret) {
      why = file + ": " + why;
      return nullptr;
    }
  }
  std::shared_ptr<const SecureContext> context = SecureContext::make(settings, why);
  if (settings.shared_secret) wipe(settings.shared_secret->key);
  if (!context) why = file + ": cannot be used for links: " + why;
  return context;
}

}  // namespace controlplane::links
