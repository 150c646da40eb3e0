// SPDX-License-Identifier: Apache-2.0
// Addresses of servers that enroll nodes: https URLs (RFC 3986, RFC 9110 section 4.2.2), from
// operators and from configuration documents.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace controlplane::ctl {

inline constexpr std::uint16_t kHttpsPort = 443;
inline constexpr std::size_t kMostUrlBytes = 2048;

struct HttpsUrl {
  std::string host;  ///< a DNS name in lower case, or an address without brackets
  bool host_is_address = false;
  std::uint16_t port = kHttpsPort;
  std::string target = "/";  ///< path and query, as written

  /// "example.org", "[2001:db8::1]:8443": what a Host header says.
  [[nodiscard]] std::string authority() const;
  /// "https://example.org/path"
  [[nodiscard]] std::string text() const;
};

/// nullopt with @p why for other schemes, user names in the URL, fragments, characters that must be
/// escaped, hosts that are neither names nor addresses, and more than kMostUrlBytes.
[[nodiscard]] std::optional<HttpsUrl> parse_https_url(std::string_view text, std::string& why);

/// Where an overlay has its configuration document when nobody says another place:
/// https://<overlay>/.well-known/reload-config (RFC 6940 section 11.2, requirement J-42).
/// @pre config::is_dns_name(overlay)
[[nodiscard]] HttpsUrl well_known_url(std::string_view overlay);

/// @p text without what a terminal or a line of text could stumble over, at most @p most bytes.
/// What servers say is shown through it.
[[nodiscard]] std::string printable(std::string_view text, std::size_t most = 200);

}  // namespace controlplane::ctl
