// SPDX-License-Identifier: Apache-2.0

#include "controlplane/admin/http_server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdio>
#include <deque>
#include <utility>

namespace controlplane::admin {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Protocol = asio::local::stream_protocol;
using boost::system::error_code;

namespace {

/// One client. Owns its socket; kept alive by its pending operations.
class Session final : public LineStream, public std::enable_shared_from_this<Session> {
 public:
  Session(Protocol::socket socket, std::shared_ptr<const HttpEndpoint> endpoint,
          std::shared_ptr<std::size_t> count)
      : socket_(std::move(socket)), endpoint_(std::move(endpoint)), count_(std::move(count)) {
    ++*count_;
  }
  ~Session() override { --*count_; }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void read() {
    parser_.emplace();
    parser_->body_limit(HttpServer::kMaxBodyBytes);
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](error_code error, std::size_t) {
                       if (!error) self->serve();
                     });
  }

  void write(std::string_view line) override {
    if (!open_) return;
    std::array<char, 20> size{};
    const int digits = std::snprintf(size.data(), size.size(), "%zx\r\n", line.size() + 1);
    std::string chunk(size.data(), static_cast<std::size_t>(digits));
    chunk.append(line).append("\n\r\n");
    enqueue(std::move(chunk));
  }
  void finish() override {
    if (!open_ || finished_) return;
    finished_ = true;
    enqueue("0\r\n\r\n");
  }
  [[nodiscard]] bool is_open() const override { return open_; }
  [[nodiscard]] std::size_t pending_bytes() const override { return pending_; }

 private:
  void serve() {
    const auto& message = parser_->get();
    const HttpRequest request{std::string(message.method_string()), std::string(message.target()),
                              message.body()};
    const bool keep_alive = message.keep_alive();
    const auto answer = (*endpoint_)(request, [self = shared_from_this()] {
      self->start_stream();
      return std::static_pointer_cast<LineStream>(self);
    });
    if (!answer) return;
    auto response = std::make_shared<http::response<http::string_body>>();
    response->version(11);
    response->result(answer->status);
    response->set(http::field::content_type, answer->content_type);
    response->keep_alive(keep_alive);
    response->body() = answer->body;
    response->prepare_payload();
    http::async_write(
        socket_, *response,
        [self = shared_from_this(), response, keep_alive](error_code error, std::size_t) {
          if (!error && keep_alive) self->read();
        });
  }

  void start_stream() {
    open_ = true;
    enqueue(
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
    // A client says no more; what ends this read is its departure.
    socket_.async_read_some(
        asio::buffer(ignored_),
        [self = shared_from_this()](error_code, std::size_t) { self->close(); });
  }

  void enqueue(std::string bytes) {
    pending_ += bytes.size();
    queue_.push_back(std::move(bytes));
    if (queue_.size() == 1) write_next();
  }

  void write_next() {
    asio::async_write(socket_, asio::buffer(queue_.front()),
                      [self = shared_from_this()](error_code error, std::size_t) {
                        if (error) return self->close();
                        self->pending_ -= self->queue_.front().size();
                        self->queue_.pop_front();
                        if (!self->queue_.empty()) return self->write_next();
                        if (self->finished_) self->close();
                      });
  }

  void close() {
    open_ = false;
    error_code ignored;
    socket_.close(ignored);
  }

  Protocol::socket socket_;
  std::shared_ptr<const HttpEndpoint> endpoint_;
  std::shared_ptr<std::size_t> count_;
  boost::beast::flat_buffer buffer_{HttpServer::kMaxBodyBytes * 2};
  std::optional<http::request_parser<http::string_body>> parser_;
  std::deque<std::string> queue_;
  std::size_t pending_ = 0;
  std::array<char, 64> ignored_{};
  bool open_ = false;
  bool finished_ = false;
};

}  // namespace

struct HttpServer::Listener : std::enable_shared_from_this<Listener> {
  Listener(asio::io_context& io, std::string at, HttpEndpoint serve)
      : acceptor(io),
        path(std::move(at)),
        endpoint(std::make_shared<const HttpEndpoint>(std::move(serve))) {}

  void accept() {
    acceptor.async_accept([self = shared_from_this()](error_code error, Protocol::socket socket) {
      if (!self->acceptor.is_open()) return;
      // Over the limit the connection is closed at once: the socket's destructor does it.
      if (!error && *self->sessions < kMaxSessions) {
        std::make_shared<Session>(std::move(socket), self->endpoint, self->sessions)->read();
      }
      self->accept();
    });
  }

  Protocol::acceptor acceptor;
  std::string path;
  std::shared_ptr<const HttpEndpoint> endpoint;  // sessions may outlive the listener
  std::shared_ptr<std::size_t> sessions = std::make_shared<std::size_t>(0);
};

std::unique_ptr<HttpServer> HttpServer::listen(asio::io_context& io, const std::string& path,
                                               HttpEndpoint endpoint, std::string& why) {
  const auto refuse = [&](const std::string& what) {
    why = path + ": " + what;
    return nullptr;
  };
  if (path.size() >= 108)
    return refuse(
        "a socket path has at most 107 bytes; shorten "
        "node.runtime_directory");
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode)) return refuse("exists and is no socket; remove it");
    Protocol::socket probe(io);
    error_code nobody;
    probe.connect(Protocol::endpoint(path), nobody);
    if (!nobody) return refuse("another process listens on it; stop it first");
    ::unlink(path.c_str());
  }
  auto listener = std::make_shared<Listener>(io, path, std::move(endpoint));
  error_code error;
  listener->acceptor.open(Protocol(), error);
  if (error) return refuse(error.message());
  // The mode is right from the first moment: nobody can connect in between.
  const mode_t before = ::umask(0177);
  listener->acceptor.bind(Protocol::endpoint(path), error);
  ::umask(before);
  if (error) return refuse(error.message());
  listener->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return refuse(error.message());
  listener->accept();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(listener)));
}

HttpServer::HttpServer(std::shared_ptr<Listener> listener) : listener_(std::move(listener)) {}

HttpServer::~HttpServer() {
  error_code ignored;
  listener_->acceptor.close(ignored);
  ::unlink(listener_->path.c_str());
}

}  // namespace controlplane::admin
