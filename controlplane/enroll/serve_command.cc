// SPDX-License-Identifier: Apache-2.0
// hopseal-enroll serve and check.

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "controlplane/admin/http_server.h"
#include "controlplane/enroll/authority.h"
#include "controlplane/enroll/commands.h"
#include "controlplane/enroll/service.h"
#include "controlplane/enroll/sql_store.h"

namespace controlplane::enroll {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

std::int64_t now_unix_s() { return std::time(nullptr); }

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

void log(bool warning, const std::string& text) {
  if (warning) {
    spdlog::warn("{}", text);
  } else {
    spdlog::info("{}", text);
  }
}

HttpsServer::Settings settings_of(const config::EnrollConfig& config) {
  wire::shm::Endpoint address = config.listen;
  address.port = 0;  // to_string() then gives the address alone
  return {.address = config::to_string(address),
          .port = config.listen.port,
          .certificate_file = config.tls_certificate,
          .key_file = config.tls_key,
          .max_connections = config.max_connections,
          .connections_per_source = config.connections_per_source,
          .request_timeout_s = config.request_timeout_s};
}

/// Calls Service::refresh() each second.
class Refresher {
 public:
  Refresher(asio::io_context& io, Service& service) : timer_(io), service_(service) { wait(); }

 private:
  void wait() {
    timer_.expires_after(std::chrono::seconds{1});
    timer_.async_wait([this](error_code error) {
      if (error) return;
      service_.refresh();
      wait();
    });
  }
  asio::steady_timer timer_;
  Service& service_;
};

std::optional<admin::HttpResponse> answer_admin(const admin::HttpRequest& request,
                                                const std::string& metrics) {
  if (request.method != "GET" || request.target != "/metrics") {
    return admin::HttpResponse{404, "text/plain", "GET /metrics is all there is here\n"};
  }
  return admin::HttpResponse{200, "application/openmetrics-text; version=1.0.0; charset=utf-8",
                             metrics};
}

void serve(const Context& context) {
  const config::EnrollConfig config = context.config();
  spdlog::set_default_logger(spdlog::stderr_color_mt("hopseal-enroll"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %n %l: %v");
  std::string why;
  const auto authority = load_authority(config.ca_certificate, config.ca_key, why);
  if (authority == nullptr) fail(why);
  const auto store = open_store(config.store, config.overlay);

  asio::io_context io(1);  // before what holds sessions
  EnrollCounters counters;
  Service service(config, *store, *authority, counters, {now_unix_s, now_ns}, log);
  if (!service.load(why)) fail(why);
  const auto server = HttpsServer::listen(
      io, settings_of(config), counters,
      [&service](const std::shared_ptr<const WebRequest>& request,
                 std::function<void(WebResponse)> respond) {
        service.serve(request, std::move(respond));
      },
      why);
  if (server == nullptr) fail(why);
  const auto metrics = admin::HttpServer::listen(
      io, config.admin_socket,
      [&](const admin::HttpRequest& request, const auto&) {
        return answer_admin(request,
                            enroll_metrics(counters, server->connections(), service.waiting()));
      },
      why);
  if (metrics == nullptr) fail(why);
  asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&io](error_code error, int number) {
    if (error) return;
    spdlog::info("signal {}: stopping", number);
    io.stop();
  });
  const Refresher refresher(io, service);
  spdlog::info("overlay {}: listening at {}, certificates at {}", config.overlay,
               config::to_string(config.listen), config.enroll_path);
  io.run();
}

void check(const Context& context) {
  const config::EnrollConfig config = context.config();
  std::string why;
  if (load_authority(config.ca_certificate, config.ca_key, why) == nullptr) fail(why);
  std::string unused;
  for (const auto& [file, secret] :
       {std::pair{config.tls_certificate, false}, std::pair{config.tls_key, true}}) {
    if (!read_file(file, 65'536, secret, unused, why)) fail(why);
  }
  if (!config.document.empty() &&
      !read_file(config.document, Service::kMostDocumentBytes, false, unused, why)) {
    fail(why);
  }
  (void)open_store(config.store, config.overlay);
  std::printf("%s: good\n", config.file.c_str());
}

}  // namespace

void add_serve(CLI::App& app, Context& context) {
  app.add_subcommand("serve", "Serves until SIGTERM")->callback([&context] { serve(context); });
  app.add_subcommand("check", "Checks the configuration, its files and the store, then exits")
      ->callback([&context] { check(context); });
}

}  // namespace controlplane::enroll
