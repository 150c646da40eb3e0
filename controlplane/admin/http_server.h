// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 over a Unix socket, for hopsealctl, exporters and curl --unix-socket.
//
// Single-threaded: everything runs in the io_context that was given. The socket has mode 0600, so
// who may read and write it is the operating system's business.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace boost::asio {
class io_context;
}

namespace controlplane::admin {

struct HttpRequest {
  std::string method;
  std::string target;
  std::string body;
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
};

/// A response that grows line by line. Whoever writes keeps it alive.
class LineStream {
 public:
  virtual ~LineStream() = default;
  LineStream() = default;
  LineStream(const LineStream&) = delete;
  LineStream& operator=(const LineStream&) = delete;

  /// @param line  without the newline
  virtual void write(std::string_view line) = 0;
  /// Ends the response. Nothing may be written behind it.
  virtual void finish() = 0;
  [[nodiscard]] virtual bool is_open() const = 0;               ///< false when the client has gone
  [[nodiscard]] virtual std::size_t pending_bytes() const = 0;  ///< written, not yet taken
};

/// Answers at once, or calls @p open_stream, keeps what it gives and returns nullopt.
using HttpEndpoint = std::function<std::optional<HttpResponse>(
    const HttpRequest&, const std::function<std::shared_ptr<LineStream>()>& open_stream)>;

class HttpServer {
 public:
  static constexpr std::size_t kMaxSessions = 64;
  static constexpr std::size_t kMaxBodyBytes = 131'072;  ///< a configuration document, escaped

  /// Listens on @p path, replacing a socket that nobody listens on. nullptr with @p why otherwise.
  [[nodiscard]] static std::unique_ptr<HttpServer> listen(boost::asio::io_context& io,
                                                          const std::string& path,
                                                          HttpEndpoint endpoint, std::string& why);
  /// Stops listening and removes the socket. Open sessions end with the io_context.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

 private:
  struct Listener;
  explicit HttpServer(std::shared_ptr<Listener> listener);
  std::shared_ptr<Listener> listener_;
};

}  // namespace controlplane::admin
