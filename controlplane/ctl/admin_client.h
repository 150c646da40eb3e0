// SPDX-License-Identifier: Apache-2.0
// Asks a running control plane over its admin socket (HTTP/1.1 on a Unix socket).

#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace controlplane::ctl {

/// The control plane cannot be asked, or broke off. what() says what to do.
class AdminError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct AdminReply {
  unsigned status = 0;
  std::string body;  ///< empty when the body went to a line sink

  [[nodiscard]] bool ok() const noexcept { return status == 200; }
  /// The control plane's own words: "error" of a JSON body, else the body.
  [[nodiscard]] std::string error() const;
};

/// One connection per call; blocking.
class AdminClient {
 public:
  /// Takes each line of a streamed answer as it comes; false breaks off.
  using LineSink = std::function<bool(std::string_view line)>;

  /// @param socket_path  Context::admin_path()
  explicit AdminClient(std::string socket_path) : path_(std::move(socket_path)) {}

  /// Throws AdminError.
  [[nodiscard]] AdminReply call(std::string_view method, std::string_view target,
                                std::string_view body = {}) const;
  /// The same; a chunked answer with status 200 goes to @p line by line instead of into the reply.
  [[nodiscard]] AdminReply stream(std::string_view method, std::string_view target,
                                  std::string_view body, const LineSink& line) const;

 private:
  std::string path_;
};

}  // namespace controlplane::ctl
