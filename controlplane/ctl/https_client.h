// SPDX-License-Identifier: Apache-2.0
// One HTTPS request with its answer, for commands: TLS 1.2 or 1.3, HTTP/1.1, every size and time
// limited. Redirections are not followed: they would send passwords where nobody said to.

#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/ctl/https_url.h"
#include "wire/shm/commands.h"

namespace controlplane::ctl {

struct HttpsRequest {
  HttpsUrl url;
  /// Where to connect, in the order in which to try.
  std::vector<wire::shm::Endpoint> addresses;
  /// The server's certificate must be one for any of these: DNS names, or addresses (RFC 6125; the
  /// subject's common name does not count). Also what the server is asked for by name (SNI): the
  /// first one, unless it is an address.
  std::vector<std::string> names;
  /// PEM file of the authorities that the server's certificate may come from; empty: the machine's.
  std::string ca_file;
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::size_t most_answer_bytes = std::size_t{1} << 16U;  ///< of its body
  std::chrono::milliseconds time{20'000};                 ///< for all of it
};

struct HttpsAnswer {
  unsigned status = 0;
  std::string content_type;  ///< lower case, without parameters
  std::string body;
  std::string location;
  std::string retry_after;
  std::string challenge;  ///< Hopseal-Challenge
};

struct HttpsOutcome {
  std::optional<HttpsAnswer> answer;  ///< of any status
  std::string why;                    ///< else: a sentence with the server in it
  bool sent = false;                  ///< the server may have acted on the request
};

/// Blocks for request.time at most. Sends nothing before the certificate was found good.
[[nodiscard]] HttpsOutcome ask_https(const HttpsRequest& request);

}  // namespace controlplane::ctl
