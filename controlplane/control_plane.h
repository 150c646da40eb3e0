// SPDX-License-Identifier: Apache-2.0
// One node's control plane: the core between its rings, tables and timers.
//
// Everything runs on one thread. turn() does what is due and returns; who calls it decides how
// often (main.cc, tests).

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/node_config.h"
#include "controlplane/configuration/followed_document.h"
#include "controlplane/events/event_pump.h"
#include "controlplane/events/injector.h"
#include "controlplane/events/overlay_links.h"
#include "controlplane/events/secure_links.h"
#include "controlplane/events/stream_links.h"
#include "controlplane/overlay/node.h"
#include "controlplane/publish/commands.h"
#include "controlplane/publish/tables.h"
#include "controlplane/topology/chord/chord_topology.h"
#include "controlplane/topology/static_topology.h"
#include "controlplane/trust/credentials.h"

namespace controlplane {

class ControlPlane {
 public:
  using ResultSink = std::function<void(const overlay::RequestResult&)>;
  using NoteSink = std::function<void(const overlay::Note&)>;

  /// @param context  for secure links, from links::own_context()
  /// @param region   attached as Role::kControlplane
  ControlPlane(const config::NodeConfig& config, const trust::Credentials& credentials,
               std::shared_ptr<const links::SecureContext> context,
               std::unique_ptr<wire::shm::Region> region, overlay::RandomSource random,
               const overlay::Now& now);

  /// Serves the node's TLS links on sockets in @p io, which outlives this object. Until this was
  /// called, and when there are none, they carry nothing. False with @p why when an address cannot
  /// be listened at.
  /// @param context  for links::Transport::kStream
  [[nodiscard]] bool open_streams(boost::asio::io_context& io,
                                  std::shared_ptr<const links::SecureContext> context,
                                  std::function<overlay::Now()> now, std::string& why);

  /// From now on the node follows @p document (RFC 6940 section 6.5.4). Before the first turn().
  void follow(std::shared_ptr<configuration::FollowedDocument> document);

  /// Offers a newer document, as an operator does. Says why it was refused.
  [[nodiscard]] std::optional<std::string> adopt(const overlay::Now& now, std::string file);

  /// Where results of requests with a ticket and lines for the log go. Called from turn() only.
  void on_result(ResultSink sink) { result_sink_ = std::move(sink); }
  void on_note(NoteSink sink) { note_sink_ = std::move(sink); }

  /// Takes what the dataplane sent, runs timers, publishes. Returns how much there was to do.
  std::size_t turn(const overlay::Now& now);

  /// Carried out by the next turn(), in order.
  void submit(overlay::Input input) { wishes_.push_back(std::move(input)); }
  void send(const wire::shm::Command& command) { commands_.send(command); }
  /// A line for the log.
  void note(overlay::Note::Level level, std::string text);

  [[nodiscard]] const config::NodeConfig& config() const noexcept { return config_; }
  [[nodiscard]] const overlay::Node& node() const noexcept { return node_; }
  [[nodiscard]] const wire::shm::Region& region() const noexcept { return *region_; }
  [[nodiscard]] const std::vector<wire::shm::LinkRecord>& links() const noexcept { return links_; }
  /// Of links()[index]: the peer's name in node.toml, or else its Node-ID.
  [[nodiscard]] std::string link_name(std::size_t index) const;
  /// nullptr when the node follows none.
  [[nodiscard]] const configuration::FollowedDocument* document() const noexcept {
    return document_.get();
  }
  /// nullptr with a static topology.
  [[nodiscard]] const topology::chord::ChordTopology* chord() const noexcept { return chord_; }
  [[nodiscard]] const events::Injector& injector() const noexcept { return injector_; }
  [[nodiscard]] const events::SecureLinks& secure_links() const noexcept { return secure_links_; }
  [[nodiscard]] events::SecureLinks& secure_links() noexcept { return secure_links_; }
  /// nullptr when the node has no TLS links.
  [[nodiscard]] const events::StreamLinks* stream_links() const noexcept {
    return stream_links_.get();
  }
  [[nodiscard]] events::StreamLinks* stream_links() noexcept { return stream_links_.get(); }
  /// Of all links: see SecureLinks::log_keys().
  void log_keys(const events::SecureLinks::KeyLogSink& sink);
  [[nodiscard]] bool dataplane_alive() const noexcept { return dataplane_alive_; }
  [[nodiscard]] std::uint64_t resyncs() const noexcept { return resyncs_; }

 private:
  void watch_dataplane(const overlay::Now& now);
  void step(const overlay::Now& now, const overlay::Input& input);
  void apply(const overlay::Now& now);
  void follow_links(const overlay::Now& now);
  void follow_overlay_links(const overlay::Now& now);
  void publish_routes();
  void follow_document();

  config::NodeConfig config_;
  std::unique_ptr<wire::shm::Region> region_;
  std::vector<wire::shm::LinkRecord> links_;
  std::shared_ptr<configuration::FollowedDocument> document_;
  std::unique_ptr<topology::TopologyPlugin> topology_;
  const topology::chord::ChordTopology* chord_ = nullptr;  // topology_, when it is that one
  overlay::Node node_;
  publish::Tables tables_;
  publish::Commands commands_;
  events::EventPump pump_;
  events::Injector injector_;
  events::SecureLinks secure_links_;
  std::unique_ptr<events::StreamLinks> stream_links_;
  std::unique_ptr<events::OverlayLinks> overlay_links_;  // with chord_ only
  std::uint64_t links_version_ = 0;                      // of overlay_links_, that links_ has
  overlay::Outputs out_;
  events::LinkChanges link_changes_;
  std::deque<overlay::Input> wishes_;
  ResultSink result_sink_;
  NoteSink note_sink_;
  bool dataplane_alive_ = false;
  std::uint64_t next_watch_ns_ = 0;
  std::uint64_t synced_incarnation_ = 0;
  std::uint64_t resyncs_ = 0;
};

}  // namespace controlplane
