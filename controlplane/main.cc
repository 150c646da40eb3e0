// SPDX-License-Identifier: Apache-2.0
// hopseal-controlplane: reads node.toml, takes its role on the region and runs until a signal.

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "controlplane/admin/api.h"
#include "controlplane/configuration/followed_document.h"
#include "controlplane/control_plane.h"
#include "controlplane/links/own_context.h"

namespace {

namespace asio = boost::asio;
using controlplane::ControlPlane;
using controlplane::configuration::FollowedDocument;
using controlplane::links::SecureContext;
using controlplane::overlay::Now;

/// The loop sleeps between these when there is nothing to do: an answer waits 1 ms at most, and an
/// idle node costs 1000 short turns a second.
constexpr auto kShortestSleep = std::chrono::microseconds{50};
constexpr auto kLongestSleep = std::chrono::microseconds{1000};

Now read_clock() {
  const auto ns = [](auto since) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
  };
  return {ns(std::chrono::steady_clock::now().time_since_epoch()),
          ns(std::chrono::system_clock::now().time_since_epoch()) / 1'000'000};
}

std::uint64_t random_word() {
  std::uint64_t word = 0;
  if (::getrandom(&word, sizeof word, 0) != static_cast<ssize_t>(sizeof word)) {
    // Guessable transaction IDs are worse than none.
    throw std::runtime_error(std::string("no random bytes: ") + std::strerror(errno));
  }
  return word;
}

/// One turn after the other, in the io_context that also runs the admin socket.
class Loop {
 public:
  Loop(asio::io_context& io, ControlPlane& plane, controlplane::admin::Api& api)
      : timer_(io), plane_(plane), api_(api) {}

  void turn() {
    const Now now = read_clock();
    api_.turn(now);
    const bool worked = plane_.turn(now) != 0;
    sleep_ = worked ? kShortestSleep : std::min(sleep_ * 2, kLongestSleep);
    auto sleep = worked ? std::chrono::microseconds{0} : sleep_;
    if (api_.next_due_ns() <= now.ns) sleep = std::chrono::microseconds{0};
    timer_.expires_after(sleep);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) turn();
    });
  }

 private:
  asio::steady_timer timer_;
  ControlPlane& plane_;
  controlplane::admin::Api& api_;
  std::chrono::microseconds sleep_ = kLongestSleep;
};

std::unique_ptr<wire::shm::Region> attach(const config::NodeConfig& config) {
  std::error_code error;
  std::filesystem::create_directories(config.runtime_directory, error);
  if (error) {
    spdlog::error("{}: {}; choose another node.runtime_directory or create it for this user",
                  config.runtime_directory, error.message());
    return nullptr;
  }
  auto result = wire::shm::Region::attach(config.region_path(), wire::shm::Role::kControlplane);
  switch (result.state) {
    case wire::shm::AttachState::kAttached:
      break;
    case wire::shm::AttachState::kRoleTaken:
      spdlog::error("{}: another control plane runs this node, pid {}; stop it first",
                    config.region_path(), result.holder_pid);
      break;
    case wire::shm::AttachState::kWrongLayout:
      spdlog::error(
          "{}: made by another build whose dataplane may still run; stop that dataplane, or if "
          "the file is no region, remove it",
          config.region_path());
      break;
    case wire::shm::AttachState::kSystemError:
      spdlog::error("{}: {}", config.region_path(), std::strerror(result.error));
      break;
    case wire::shm::AttachState::kAbsent:
    case wire::shm::AttachState::kNotReady:
      spdlog::error("{}: {}; try again", config.region_path(),
                    wire::shm::attach_state_text(result.state));
      break;
  }
  return std::move(result.region);
}

void log_note(const controlplane::overlay::Note& note) {
  if (note.level == controlplane::overlay::Note::Level::kWarning) {
    spdlog::warn(note.text);
  } else {
    spdlog::info(note.text);
  }
}

struct Contexts {
  std::shared_ptr<const SecureContext> datagram;
  std::shared_ptr<const SecureContext> stream;  // nullptr: there are no TLS links
};

bool has_streams(const config::NodeConfig& config) {
  return std::ranges::any_of(config.peers, [](const config::Peer& peer) {
    return peer.protocol == wire::shm::LinkProtocol::kVirtual;
  });
}

std::optional<Contexts> make_contexts(const config::NodeConfig& config,
                                      const controlplane::trust::Credentials& credentials,
                                      std::shared_ptr<const FollowedDocument> document) {
  std::string why;
  Contexts contexts;
  const auto is_barred = [document = std::move(document)](const wire::reload::NodeId& id) {
    return document && document->is_bad_node(id);
  };
  contexts.datagram = controlplane::links::own_context(
      config, credentials, controlplane::links::Transport::kDatagram, why, is_barred);
  bool good = contexts.datagram != nullptr;
  if (good && has_streams(config)) {
    contexts.stream = controlplane::links::own_context(
        config, credentials, controlplane::links::Transport::kStream, why, is_barred);
    good = contexts.stream != nullptr;
  }
  if (good) return contexts;
  std::fprintf(stderr, "%s\n", why.c_str());
  return std::nullopt;
}

int run(const config::NodeConfig& config, const controlplane::trust::Credentials& credentials,
        Contexts contexts, std::shared_ptr<FollowedDocument> document) {
  auto region = attach(config);
  if (!region) return 1;
  asio::io_context io(1);  // first, for the API may hold sockets of running pings to its end
  ControlPlane plane(config, credentials, std::move(contexts.datagram), std::move(region),
                     random_word, read_clock());
  plane.on_note(log_note);
  if (document) plane.follow(std::move(document));
  std::string why;
  if (contexts.stream && !plane.open_streams(io, std::move(contexts.stream), read_clock, why)) {
    spdlog::error(why);
    return 1;
  }
  controlplane::admin::Api api(plane, read_clock().unix_ms);

  const auto server = controlplane::admin::HttpServer::listen(
      io, config.admin_path(),
      [&](const auto& request, const auto& open_stream) { return api.serve(request, open_stream); },
      why);
  if (!server) {
    spdlog::error(why);
    return 1;
  }
  asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&](const boost::system::error_code& error, int number) {
    if (error) return;
    spdlog::info("signal {}: stopping; the dataplane goes on without us", number);
    io.stop();
  });
  spdlog::info("node {} ({}) in overlay {}, {} peers, API at {}", config.name,
               config::to_string(plane.node().settings().self), config.overlay.name,
               config.peers.size(), config.admin_path());
  for (const config::Peer& peer : config.peers) {
    if (peer.protocol == wire::shm::LinkProtocol::kLab) {
      spdlog::warn("the link to {} is not encrypted: its protocol is \"lab\"", peer.name);
    }
  }
  Loop loop(io, plane, api);
  loop.turn();
  io.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Control plane of one Hopseal node.", "hopseal-controlplane");
  std::string file;
  bool check = false;
  app.add_option("--config", file, "node.toml of this node")->required();
  app.add_flag("--check", check, "check configuration and certificates, then exit");
  CLI11_PARSE(app, argc, argv);

  spdlog::set_default_logger(spdlog::stderr_color_mt("hopseal-controlplane"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %n %l: %v");
  try {
    const auto loaded = config::load_node_config(file);
    for (const auto& error : loaded.errors) std::fprintf(stderr, "%s\n", error.text().c_str());
    if (!loaded.config) return 2;
    const auto credentials =
        controlplane::trust::load_credentials(*loaded.config, read_clock().unix_ms / 1000);
    for (const auto& error : credentials.errors) std::fprintf(stderr, "%s\n", error.c_str());
    if (!credentials.credentials) return 2;
    std::shared_ptr<FollowedDocument> document;
    if (!loaded.config->overlay.document.empty()) {
      std::string why;
      document =
          FollowedDocument::read(loaded.config->overlay.document, loaded.config->overlay.name,
                                 static_cast<std::int64_t>(read_clock().unix_s()), why);
      if (!document) {
        std::fprintf(stderr, "%s\n", why.c_str());
        return 2;
      }
      if (!loaded.config->is_peer && !document->configuration().clients_permitted) {
        std::fprintf(stderr, "%s: clients-permitted is false, and node.role is \"client\"\n",
                     loaded.config->overlay.document.c_str());
        return 2;
      }
    }
    auto contexts = make_contexts(*loaded.config, *credentials.credentials, document);
    if (!contexts) return 2;
    if (check) {
      std::printf("%s: good\n", file.c_str());
      return 0;
    }
    return run(*loaded.config, *credentials.credentials, std::move(*contexts), std::move(document));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hopseal-controlplane: %s\n", error.what());
    return 1;
  }
}
