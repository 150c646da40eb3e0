// SPDX-License-Identifier: Apache-2.0
#include "controlplane/enroll/https_server.h"

#include <openssl/ssl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <chrono>
#include <map>
#include <optional>

#include "controlplane/enroll/authority.h"
#include "controlplane/enroll/rate_table.h"

namespace controlplane::enroll {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

constexpr const char* kChallengeHeader = "Hopseal-Challenge";
/// What a client still sends after it was refused is taken for so long, so that the answer reaches
/// it: data that nobody has read would make the kernel reset the connection.
constexpr auto kLinger = std::chrono::seconds{1};
constexpr auto kAcceptPause = std::chrono::milliseconds{100};

/// How many connections each source has. In the io_context only.
using Sources = std::map<std::string, std::size_t>;

/// One connection's place in the counts.
class Place {
 public:
  Place(std::shared_ptr<Sources> sources, std::shared_ptr<std::size_t> count, std::string source)
      : sources_(std::move(sources)), count_(std::move(count)), source_(std::move(source)) {
    ++*count_;
    ++(*sources_)[source_];
  }
  ~Place() {
    --*count_;
    const auto found = sources_->find(source_);
    if (--found->second == 0) sources_->erase(found);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  std::shared_ptr<Sources> sources_;
  std::shared_ptr<std::size_t> count_;
  std::string source_;
};

struct Shared {
  HttpsServer::Settings settings;
  WebEndpoint endpoint;
  EnrollCounters& counters;
  asio::ssl::context tls{asio::ssl::context::tls_server};
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, std::shared_ptr<Shared> shared, std::unique_ptr<Place> place,
          std::string source)
      : stream_(std::move(socket), shared->tls),
        shared_(std::move(shared)),
        place_(std::move(place)),
        source_(std::move(source)) {}

  void start() {
    limit_time();
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [self = shared_from_this()](error_code error) {
                              if (error) {
                                ++self->shared_->counters.handshakes_failed;
                              } else {
                                self->read();
                              }
                            });
  }

 private:
  void limit_time() {
    boost::beast::get_lowest_layer(stream_).expires_after(
        std::chrono::seconds{shared_->settings.request_timeout_s});
  }

  void read() {
    limit_time();
    parser_.emplace();
    parser_->header_limit(HttpsServer::kMostHeaderBytes);
    parser_->body_limit(HttpsServer::kMostBodyBytes);
    http::async_read_header(stream_, buffer_, *parser_,
                            [self = shared_from_this()](error_code error, std::size_t) {
                              if (error) return self->refuse(error);
                              self->read_body();
                            });
  }

  void read_body() {
    const auto read = [self = shared_from_this()] {
      http::async_read(self->stream_, self->buffer_, *self->parser_,
                       [self](error_code error, std::size_t) {
                         if (error) return self->refuse(error);
                         self->serve();
                       });
    };
    const auto expect = parser_->get()[http::field::expect];
    if (!boost::beast::iequals(expect, "100-continue")) return read();
    auto go_on = std::make_shared<http::response<http::empty_body>>(http::status::continue_, 11);
    http::async_write(stream_, *go_on,
                      [self = shared_from_this(), go_on, read](error_code error, std::size_t) {
                        if (!error) read();
                      });
  }

  /// What could not be read. A client that has gone, or is too slow, gets no answer.
  void refuse(error_code error) {
    if (error == http::error::end_of_stream) return shut_down();
    const bool ours = error.category() == http::make_error_code(http::error{}).category();
    if (!ours) {
      if (error == boost::beast::error::timeout && parser_->got_some())
        ++shared_->counters.requests_malformed;
      return;
    }
    ++shared_->counters.requests_malformed;
    WebResponse response;
    response.status = error == http::error::body_limit     ? 413
                      : error == http::error::header_limit ? 431
                                                           : 400;
    response.body = error.message() + "\n";
    write(std::move(response), false);
  }

  void serve() {
    ++shared_->counters.requests;
    auto& message = parser_->get();
    auto request = std::make_shared<WebRequest>();
    const auto text = [&message](auto field) {
      const auto value = message[field];
      return std::string(value.data(), value.size());
    };
    request->method = std::string(message.method_string());
    request->path = std::string(message.target());
    request->path.resize(std::min(request->path.size(), request->path.find('?')));
    request->source = source_;
    request->content_type = text(http::field::content_type);
    request->accept = text(http::field::accept);
    request->challenge = text(kChallengeHeader);
    request->body = std::move(message.body());
    const bool keep_alive = message.keep_alive();
    // Work has limits of its own; the client must not lose an answer it waited for.
    boost::beast::get_lowest_layer(stream_).expires_never();
    // The session goes with the answer and stays with nobody else: it must end in its own thread.
    shared_->endpoint(request, [self = shared_from_this(), keep_alive](WebResponse answer) mutable {
      const auto executor = self->stream_.get_executor();
      asio::post(executor,
                 [self = std::move(self), keep_alive, answer = std::move(answer)]() mutable {
                   self->write(std::move(answer), keep_alive);
                 });
    });
  }

  void write(WebResponse answer, bool keep_alive) {
    auto response = std::make_shared<http::response<http::string_body>>();
    response->version(11);
    response->result(answer.status);
    response->set(http::field::content_type, answer.content_type);
    response->set(http::field::cache_control, "no-store");
    for (const auto& [name, value] : answer.headers) response->set(name, value);
    response->keep_alive(keep_alive);
    response->body() = std::move(answer.body);
    response->prepare_payload();
    limit_time();
    http::async_write(
        stream_, *response,
        [self = shared_from_this(), response, keep_alive](error_code error, std::size_t) {
          if (error) return;
          if (keep_alive) return self->read();
          self->shut_down();
        });
  }

  void shut_down() {
    boost::beast::get_lowest_layer(stream_).expires_after(kLinger);
    stream_.async_shutdown([self = shared_from_this()](error_code) {
      error_code ignored;
      self->stream_.next_layer().socket().shutdown(tcp::socket::shutdown_send, ignored);
      self->drain();
    });
  }

  void drain() {
    buffer_.clear();
    stream_.next_layer().async_read_some(
        buffer_.prepare(4096), [self = shared_from_this()](error_code error, std::size_t) {
          if (!error) self->drain();  // until the end, or kLinger
        });
  }

  boost::beast::ssl_stream<boost::beast::tcp_stream> stream_;
  std::shared_ptr<Shared> shared_;
  std::unique_ptr<Place> place_;
  std::string source_;
  boost::beast::flat_buffer buffer_{HttpsServer::kMostHeaderBytes + HttpsServer::kMostBodyBytes};
  std::optional<http::request_parser<http::string_body>> parser_;
};

bool prepare_tls(asio::ssl::context& tls, const HttpsServer::Settings& settings, std::string& why) {
  std::string unused;
  constexpr std::size_t kMostPemBytes = 65'536;
  if (!read_file(settings.key_file, kMostPemBytes, true, unused, why)) return false;
  OPENSSL_cleanse(unused.data(), unused.size());
  error_code error;
  tls.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1 |
                      asio::ssl::context::no_sslv3 | SSL_OP_NO_RENEGOTIATION |
                      SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE,
                  error);
  if (!error) tls.use_certificate_chain_file(settings.certificate_file, error);
  if (error) {
    why = settings.certificate_file + ": " + error.message();
    return false;
  }
  tls.use_private_key_file(settings.key_file, asio::ssl::context::pem, error);
  if (error) {
    why = settings.key_file + ": " + error.message();
    return false;
  }
  // No tickets and no cache: sessions are short, and both keep something for strangers.
  SSL_CTX_set_num_tickets(tls.native_handle(), 0);
  SSL_CTX_set_session_cache_mode(tls.native_handle(), SSL_SESS_CACHE_OFF);
  return true;
}

}  // namespace

struct HttpsServer::Listener : std::enable_shared_from_this<Listener> {
  Listener(asio::io_context& io, std::shared_ptr<Shared> with)
      : acceptor(io), pause(io), shared(std::move(with)) {}

  void accept() {
    acceptor.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
      if (!self->acceptor.is_open()) return;
      if (error) return self->accept_later();
      self->take(std::move(socket));
      self->accept();
    });
  }

  /// Out of descriptors: asking again at once would spin.
  void accept_later() {
    pause.expires_after(kAcceptPause);
    pause.async_wait([self = shared_from_this()](error_code) {
      if (self->acceptor.is_open()) self->accept();
    });
  }

  void take(tcp::socket socket) {
    ++shared->counters.connections;
    error_code error;
    const auto peer = socket.remote_endpoint(error);
    std::string address = error ? "" : peer.address().to_string();
    if (!error && peer.address().is_v6() && peer.address().to_v6().is_v4_mapped()) {
      address = limited_part(address);
    }
    std::string part = limited_part(address);
    const auto found = sources->find(part);
    const std::size_t of_source = found == sources->end() ? 0 : found->second;
    if (error || *count >= shared->settings.max_connections ||
        of_source >= shared->settings.connections_per_source) {
      ++shared->counters.connections_refused;
      return;  // the socket's destructor closes it
    }
    auto place = std::make_unique<Place>(sources, count, std::move(part));
    std::make_shared<Session>(std::move(socket), shared, std::move(place), std::move(address))
        ->start();
  }

  tcp::acceptor acceptor;
  asio::steady_timer pause;
  std::shared_ptr<Shared> shared;
  std::shared_ptr<Sources> sources = std::make_shared<Sources>();
  std::shared_ptr<std::size_t> count = std::make_shared<std::size_t>(0);
};

std::unique_ptr<HttpsServer> HttpsServer::listen(asio::io_context& io, const Settings& settings,
                                                 EnrollCounters& counters, WebEndpoint endpoint,
                                                 std::string& why) {
  auto shared = std::make_shared<Shared>(Shared{settings, std::move(endpoint), counters});
  if (!prepare_tls(shared->tls, settings, why)) return nullptr;
  auto listener = std::make_shared<Listener>(io, shared);
  error_code error;
  const auto address = asio::ip::make_address(settings.address, error);
  const tcp::endpoint at(address, settings.port);
  if (!error) listener->acceptor.open(at.protocol(), error);
  if (!error) listener->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && address.is_v6()) {
    listener->acceptor.set_option(asio::ip::v6_only(false), error);
  }
  if (!error) listener->acceptor.bind(at, error);
  if (!error) listener->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    why = "server.listen " + settings.address + " port " + std::to_string(settings.port) + ": " +
          error.message();
    return nullptr;
  }
  listener->accept();
  return std::unique_ptr<HttpsServer>(new HttpsServer(std::move(listener)));
}

HttpsServer::HttpsServer(std::shared_ptr<Listener> listener) : listener_(std::move(listener)) {}

HttpsServer::~HttpsServer() {
  error_code ignored;
  listener_->acceptor.close(ignored);
  listener_->pause.cancel();
}

std::size_t HttpsServer::connections() const noexcept { return *listener_->count; }

}  // namespace controlplane::enroll
