// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/https_url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "controlplane/ctl/host_name.h"

namespace controlplane::ctl {
namespace {

constexpr std::string_view kScheme = "https://";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_address(int family, const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> unused{};
  return text.find('\0') == std::string::npos &&
         ::inet_pton(family, text.c_str(), unused.data()) == 1;
}

/// Splits "host", "host:port" and "[address]:port".
bool read_authority(std::string_view text, HttpsUrl& url) {
  std::string_view host = text;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return false;
    host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
    url.host_is_address = true;
    if (!is_address(AF_INET6, std::string(host))) return false;
  } else {
    const std::size_t colon = text.find(':');
    host = text.substr(0, colon);
    if (colon != std::string_view::npos) rest = text.substr(colon);
    url.host_is_address = is_address(AF_INET, std::string(host));
    if (!url.host_is_address && !is_host_name(host)) return false;
  }
  url.host.assign(host);
  std::ranges::transform(url.host, url.host.begin(), lower);
  if (rest.empty()) return true;
  const char* const end = rest.data() + rest.size();
  const auto [at, error] = std::from_chars(rest.data() + 1, end, url.port);
  return rest.front() == ':' && error == std::errc{} && at == end && url.port != 0;
}

}  // namespace

std::string HttpsUrl::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != kHttpsPort) text += ":" + std::to_string(port);
  return text;
}

std::string HttpsUrl::text() const { return std::string(kScheme) + authority() + target; }

std::optional<HttpsUrl> parse_https_url(std::string_view text, std::string& why) {
  why.clear();
  const auto refuse = [&](const char* reason) {
    why = "\"" + printable(text, 100) + "\" " + reason;
    return std::nullopt;
  };
  if (text.size() > kMostUrlBytes) return refuse("is too long for a URL");
  if (!std::ranges::equal(text.substr(0, kScheme.size()), kScheme, {}, lower)) {
    return refuse("is no https URL");
  }
  const auto plain = [](char c) {
    constexpr std::string_view kNever = "\"<>\\^`{|}";
    return c > ' ' && c < '\x7f' && kNever.find(c) == std::string_view::npos;
  };
  if (!std::ranges::all_of(text, plain)) return refuse("has characters that URLs do not have");
  if (text.find('#') != std::string_view::npos) return refuse("names a part of a page (#)");
  const std::string_view rest = text.substr(kScheme.size());
  const std::size_t slash = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, slash);
  if (authority.find('@') != std::string_view::npos) return refuse("has a user name in it");
  HttpsUrl url;
  if (!read_authority(authority, url)) return refuse("has no host and port that can be called");
  url.target = rest.substr(slash);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

HttpsUrl well_known_url(std::string_view overlay) {
  HttpsUrl url;
  url.host.assign(overlay);
  std::ranges::transform(url.host, url.host.begin(), lower);
  url.target = "/.well-known/reload-config";
  return url;
}

std::string printable(std::string_view text, std::size_t most) {
  std::string shown(text.substr(0, most));
  std::ranges::replace_if(
      shown, [](char c) { return c < ' ' || c > '~'; }, '?');
  if (text.size() > most) shown += "...";
  return shown;
}

}  // namespace controlplane::ctl
