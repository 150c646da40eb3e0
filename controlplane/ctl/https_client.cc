// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/https_client.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <memory>
#include <stdexcept>

#include "config/node_config.h"

namespace controlplane::ctl {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using Stream = boost::beast::ssl_stream<tcp::socket>;

constexpr std::uint32_t kMostHeaderBytes = 16'384;
constexpr auto kConnectTime = std::chrono::seconds{5};  // of one address, when there are more
constexpr auto kGoodbyeTime = std::chrono::seconds{1};

/// Why an exchange ended. what() is for the operator.
struct Failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

tcp::endpoint to_asio(const wire::shm::Endpoint& endpoint) {
  if (endpoint.family == 4) {
    asio::ip::address_v4::bytes_type bytes{};
    std::copy(endpoint.address.end() - 4, endpoint.address.end(), bytes.begin());
    return {asio::ip::address_v4(bytes), endpoint.port};
  }
  asio::ip::address_v6::bytes_type bytes{};
  std::ranges::copy(endpoint.address, bytes.begin());
  return {asio::ip::address_v6(bytes), endpoint.port};
}

bool is_address(const std::string& name) {
  error_code error;
  asio::ip::make_address(name, error);
  return !error;
}

bool certificate_is_for(X509* certificate, const std::string& name) {
  if (is_address(name)) return X509_check_ip_asc(certificate, name.c_str(), 0) == 1;
  constexpr unsigned kFlags =
      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
  return X509_check_host(certificate, name.data(), name.size(), kFlags, nullptr) == 1;
}

std::string any_of(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " or ") + name;
  return text;
}

/// One connection. Operations run one after the other, each until it is done or the time is over.
class Exchange {
 public:
  explicit Exchange(const HttpsRequest& request)
      : request_(request), deadline_(Clock::now() + request.time) {}

  HttpsAnswer run(bool& sent) {
    prepare_tls();
    connect();
    shake_hands();
    sent = true;
    write();
    HttpsAnswer answer = read();
    say_goodbye();
    return answer;
  }

 private:
  /// Starts an operation, whose handler stores its error, and waits for it.
  template <class Start>
  error_code wait(Clock::time_point until, Start start) {
    std::optional<error_code> done;
    start([&done](error_code error, auto&&...) { done = error; });
    io_.restart();
    io_.run_until(until);
    if (done) return *done;
    error_code ignored;
    boost::beast::get_lowest_layer(*stream_).close(ignored);
    io_.restart();
    io_.run();  // the handler comes now: it refers to `done`
    return boost::beast::error::timeout;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Failed(request_.url.text() + ": " + what);
  }

  void prepare_tls() {
    error_code error;
    tls_.set_options(asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                         asio::ssl::context::no_tlsv1_1 | SSL_OP_NO_RENEGOTIATION |
                         SSL_OP_NO_COMPRESSION,
                     error);
    if (error) throw Failed("TLS: " + error.message());
    if (request_.ca_file.empty()) {
      tls_.set_default_verify_paths(error);
      if (error) throw Failed("the machine's root certificates: " + error.message());
    } else {
      tls_.load_verify_file(request_.ca_file, error);
      if (error) throw Failed(request_.ca_file + ": holds no certificate that can be read");
    }
    tls_.set_verify_mode(asio::ssl::verify_peer, error);
    if (error) throw Failed("TLS: " + error.message());
  }

  void connect() {
    if (request_.addresses.empty()) fail("no address to connect to");
    std::string tried;
    for (std::size_t i = 0; i < request_.addresses.size(); ++i) {
      stream_ = std::make_unique<Stream>(io_, tls_);
      const bool last = i + 1 == request_.addresses.size();
      const auto until = last ? deadline_ : std::min(deadline_, Clock::now() + kConnectTime);
      const auto& address = request_.addresses[i];
      const error_code error = wait(until, [&](auto done) {
        boost::beast::get_lowest_layer(*stream_).async_connect(to_asio(address), done);
      });
      if (!error) return;
      tried += (tried.empty() ? "" : "; ") + config::to_string(address) + ": " + error.message();
      if (Clock::now() >= deadline_) break;
    }
    fail("cannot connect: " + tried);
  }

  void shake_hands() {
    SSL* const ssl = stream_->native_handle();
    const auto name = std::ranges::find_if_not(request_.names, is_address);
    if (name != request_.names.end() && SSL_set_tlsext_host_name(ssl, name->c_str()) != 1) {
      fail("TLS cannot ask for " + *name);
    }
    const error_code error = wait(deadline_, [&](auto done) {
      stream_->async_handshake(asio::ssl::stream_base::client, done);
    });
    const long verified = SSL_get_verify_result(ssl);
    if (error && verified != X509_V_OK) {
      fail(std::string("the server's certificate is not trusted: ") +
           X509_verify_cert_error_string(verified) + "; --ca names the authority to trust");
    }
    if (error) fail("TLS: " + error.message());
    const std::unique_ptr<X509, void (*)(X509*)> certificate(SSL_get1_peer_certificate(ssl),
                                                             X509_free);
    const auto fits = [&](const std::string& one) {
      return certificate_is_for(certificate.get(), one);
    };
    if (certificate == nullptr || std::ranges::none_of(request_.names, fits)) {
      fail("the server's certificate is not one for " + any_of(request_.names));
    }
  }

  void write() {
    http::request<http::string_body> message;
    message.version(11);
    message.method_string(request_.method);
    message.target(request_.url.target);
    message.set(http::field::host, request_.url.authority());
    message.set(http::field::user_agent, "hopsealctl");
    message.set(http::field::connection, "close");
    for (const auto& [name, value] : request_.headers) message.set(name, value);
    message.body() = request_.body;
    message.prepare_payload();
    const error_code error =
        wait(deadline_, [&](auto done) { http::async_write(*stream_, message, done); });
    // A server may answer, and close, before it has read all of it.
    if (error == boost::beast::error::timeout) fail("the server did not take the request in time");
  }

  HttpsAnswer read() {
    http::response_parser<http::string_body> parser;
    parser.header_limit(kMostHeaderBytes);
    parser.body_limit(request_.most_answer_bytes);
    boost::beast::flat_buffer buffer;
    const error_code error =
        wait(deadline_, [&](auto done) { http::async_read(*stream_, buffer, parser, done); });
    if (error == http::error::body_limit) {
      fail("the answer is larger than " + std::to_string(request_.most_answer_bytes) + " bytes");
    }
    if (error == boost::beast::error::timeout) fail("no whole answer in time");
    if (error == asio::ssl::error::stream_truncated || error == http::error::end_of_stream ||
        error == http::error::partial_message) {
      fail("the connection ended before the answer did");
    }
    if (error) fail("no HTTP answer: " + error.message());
    auto& message = parser.get();
    const auto text = [&message](auto field) {
      const auto value = message[field];
      return std::string(value.data(), value.size());
    };
    HttpsAnswer answer;
    answer.status = message.result_int();
    answer.content_type = text(http::field::content_type);
    answer.content_type.resize(
        std::min(answer.content_type.find_first_of("; \t"), answer.content_type.size()));
    std::ranges::transform(answer.content_type, answer.content_type.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    answer.location = text(http::field::location);
    answer.retry_after = text(http::field::retry_after);
    answer.challenge = text("Hopseal-Challenge");
    answer.body = std::move(message.body());
    return answer;
  }

  void say_goodbye() {
    // The answer is complete; whether the server hears that we go changes nothing.
    (void)wait(std::min(deadline_, Clock::now() + kGoodbyeTime),
               [&](auto done) { stream_->async_shutdown(done); });
  }

  const HttpsRequest& request_;
  Clock::time_point deadline_;
  asio::io_context io_;
  asio::ssl::context tls_{asio::ssl::context::tls_client};
  std::unique_ptr<Stream> stream_;
};

}  // namespace

HttpsOutcome ask_https(const HttpsRequest& request) {
  HttpsOutcome outcome;
  try {
    outcome.answer = Exchange(request).run(outcome.sent);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    outcome.why = error.what();
  }
  return outcome;
}

}  // namespace controlplane::ctl
