// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 over TLS 1.2 and 1.3, for strangers: every size, time and number has a limit.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/enroll/enroll_counters.h"

namespace boost::asio {
class io_context;
}

namespace controlplane::enroll {

struct WebRequest {
  std::string method;
  std::string path;    ///< without the query
  std::string source;  ///< the client's address
  std::string content_type;
  std::string accept;
  std::string challenge;  ///< of the header Hopseal-Challenge
  std::string body;
};

struct WebResponse {
  unsigned status = 200;
  std::string content_type = "text/plain";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// Called in the io_context; calls its second argument once, at once or later, from any thread.
using WebEndpoint =
    std::function<void(const std::shared_ptr<const WebRequest>&, std::function<void(WebResponse)>)>;

class HttpsServer {
 public:
  static constexpr std::size_t kMostHeaderBytes = 8192;
  static constexpr std::size_t kMostBodyBytes = 32'768;

  struct Settings {
    std::string address;
    std::uint16_t port = 0;
    std::string certificate_file;
    std::string key_file;
    std::size_t max_connections = 1024;
    std::size_t connections_per_source = 32;
    std::uint32_t request_timeout_s = 15;
  };

  /// Listens. nullptr with @p why, which names file or address. @p counters and @p io must outlive
  /// it and its sessions, which end with the io_context.
  [[nodiscard]] static std::unique_ptr<HttpsServer> listen(boost::asio::io_context& io,
                                                           const Settings& settings,
                                                           EnrollCounters& counters,
                                                           WebEndpoint endpoint, std::string& why);
  /// Stops listening.
  ~HttpsServer();
  HttpsServer(const HttpsServer&) = delete;
  HttpsServer& operator=(const HttpsServer&) = delete;

  [[nodiscard]] std::size_t connections() const noexcept;

 private:
  struct Listener;
  explicit HttpsServer(std::shared_ptr<Listener> listener);
  std::shared_ptr<Listener> listener_;
};

}  // namespace controlplane::enroll
