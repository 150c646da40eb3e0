// SPDX-License-Identifier: Apache-2.0

#include "controlplane/control_plane.h"

#include <algorithm>
#include <utility>

#include "controlplane/publish/link_ends.h"
#include "controlplane/publish/link_slots.h"
#include "controlplane/trust/judge.h"

namespace controlplane {

using overlay::Note;
using overlay::Now;
using wire::shm::Role;

namespace {

/// How often the dataplane's role is looked at, which takes a system call.
constexpr std::uint64_t kWatchNs = 1000 * overlay::kMillisecond;

overlay::Settings settings_of(const config::NodeConfig& config,
                              const trust::Credentials& credentials) {
  const wire::shm::PolicyTable& policy = config.overlay.policy;
  overlay::Settings settings;
  settings.self = credentials.names.front().node_id;
  settings.overlay = policy.overlay;
  settings.configuration_sequence = policy.configuration_sequence;
  settings.initial_ttl = policy.initial_ttl;
  settings.max_message_size = policy.max_message_size;
  settings.reliability_timer_ms = policy.reliability_timer_ms;
  settings.reassembly_timeout_ms = policy.reassembly_timeout_ms;
  settings.max_signers = config.dataplane.max_signers;
  if (config.overlay.topology == config::Topology::kChord) {
    settings.addresses = publish::own_addresses(config.dataplane);
  }
  return settings;
}

links::HandshakeSettings handshake_settings_of(const trust::Credentials& credentials) {
  links::HandshakeSettings settings;
  settings.self = credentials.names.front().node_id;
  return settings;
}

std::vector<overlay::Connection> connections_of(const std::vector<wire::shm::LinkRecord>& links) {
  std::vector<overlay::Connection> rows;
  for (const auto& link : links) rows.push_back({link.slot, link.generation, link.peer});
  return rows;
}

std::vector<topology::StaticPeer> peers_of(const config::NodeConfig& config,
                                           const std::vector<wire::shm::LinkRecord>& links) {
  std::vector<topology::StaticPeer> peers;
  for (std::size_t index = 0; index < links.size(); ++index) {
    peers.push_back({links[index].peer, links[index].slot, config.peers[index].is_peer});
  }
  return peers;
}

std::unique_ptr<topology::TopologyPlugin> topology_of(
    const config::NodeConfig& config, const wire::reload::NodeId& self,
    const std::vector<wire::shm::LinkRecord>& links, const overlay::RandomSource& random) {
  if (config.overlay.topology == config::Topology::kStatic) {
    return std::make_unique<topology::StaticTopology>(self, config.is_peer,
                                                      peers_of(config, links));
  }
  topology::chord::Settings settings;
  settings.is_client = !config.is_peer;
  settings.update_interval_ns = config.overlay.chord_update_s * topology::chord::kSecond;
  settings.ping_interval_ns = config.overlay.chord_ping_s * topology::chord::kSecond;
  settings.reactive = config.overlay.chord_reactive;
  settings.self_tuning = config.overlay.chord_self_tuning;
  return std::make_unique<topology::chord::ChordTopology>(self, settings, random);
}

std::size_t narrowest_mtu(const config::NodeConfig& config) {
  std::size_t mtu = 1500;
  for (const config::Port& port : config.dataplane.ports)
    mtu = std::min<std::size_t>(mtu, port.mtu);
  return mtu;
}

}  // namespace

ControlPlane::ControlPlane(const config::NodeConfig& config, const trust::Credentials& credentials,
                           std::shared_ptr<const links::SecureContext> context,
                           std::unique_ptr<wire::shm::Region> region, overlay::RandomSource random,
                           const Now& now)
    : config_(config),
      region_(std::move(region)),
      links_(publish::assign_links(config_, (*region_)->dataplane.links, random)),
      topology_(topology_of(config_, credentials.names.front().node_id, links_, random)),
      chord_(dynamic_cast<const topology::chord::ChordTopology*>(topology_.get())),
      node_(settings_of(config_, credentials), credentials.names, connections_of(links_),
            *topology_, trust::judge_with(credentials.checker), random),
      tables_(*region_),
      commands_((*region_)->rings.commands),
      pump_((*region_)->rings),
      injector_(**region_, narrowest_mtu(config_)),
      secure_links_(handshake_settings_of(credentials), std::move(context), links_, **region_,
                    commands_, injector_, now) {
  if (chord_ != nullptr) {
    overlay_links_ = std::make_unique<events::OverlayLinks>(
        events::OverlayLinkSettings{config_.dataplane, config_.overlay.bootstrap_nodes},
        secure_links_, commands_, std::move(random));
    if (config_.overlay.join && !config_.overlay.bootstrap_nodes.empty()) {
      submit(overlay::MembershipWish::kJoin);
    }
  }
  for (const wire::shm::SignerRecord& record : credentials.signers) node_.add_signer(record);
  tables_.set_policy(config_.overlay.policy);
  // The routes of a dataplane that has been running meanwhile change only where they must.
  if (region_->role_is_held(Role::kDataplane)) secure_links_.look(link_changes_);
  follow_links(now);
  publish_routes();
  // A link that failed before this process started says so nowhere else.
  for (const wire::shm::LinkRecord& link : links_) {
    const auto state = (*region_)->dataplane.links[link.slot].state.load(std::memory_order_relaxed);
    if (static_cast<wire::shm::LinkState>(state) != wire::shm::LinkState::kFailed) continue;
    wire::shm::Event event;
    event.kind = wire::shm::EventKind::kLinkFailed;
    event.link_slot = link.slot;
    event.generation = link.generation;
    submit(event);
  }
}

bool ControlPlane::open_streams(boost::asio::io_context& io,
                                std::shared_ptr<const links::SecureContext> context,
                                std::function<Now()> now, std::string& why) {
  events::StreamSettings settings;
  settings.self = node_.settings().self;
  settings.listen = config_.links.tls_listen;
  settings.sockets.link.max_message_size = config_.overlay.policy.max_message_size;
  stream_links_ = events::StreamLinks::start(io, std::move(context), settings, links_, injector_,
                                             std::move(now), why);
  return stream_links_ != nullptr;
}

void ControlPlane::follow(std::shared_ptr<configuration::FollowedDocument> document) {
  document_ = std::move(document);
  node_.follow(*document_);
  follow_document();
}

std::optional<std::string> ControlPlane::adopt(const Now& now, std::string file) {
  node_.step(now, overlay::NewDocument{0, std::move(file)}, out_);
  const overlay::RequestResult result = std::move(out_.results.back());
  out_.results.pop_back();
  apply(now);
  if (result.outcome == overlay::Outcome::kAnswered) return std::nullopt;
  return result.text;
}

/// What the lcores need to know of the document in force.
void ControlPlane::follow_document() {
  wire::shm::PolicyTable& policy = config_.overlay.policy;
  const overlay::Settings& settings = node_.settings();
  policy.configuration_sequence = settings.configuration_sequence;
  policy.initial_ttl = settings.initial_ttl;
  policy.max_message_size = settings.max_message_size;
  policy.reliability_timer_ms = settings.reliability_timer_ms;
  tables_.set_policy(policy);
  if (!document_->not_kept().empty()) {
    note(Note::Level::kWarning, document_->not_kept() +
                                    ": the configuration in force could not be written there, so "
                                    "the next start finds an older one");
  }
}

void ControlPlane::log_keys(const events::SecureLinks::KeyLogSink& sink) {
  secure_links_.log_keys(sink);
  if (stream_links_) stream_links_->log_keys(sink);
}

std::string ControlPlane::link_name(std::size_t index) const {
  return index < config_.peers.size() ? config_.peers[index].name
                                      : config::to_string(links_[index].peer);
}

void ControlPlane::publish_routes() {
  auto routes = std::make_unique<wire::shm::RouteTable>();
  topology_->fill_routes(*routes);
  tables_.set_routes(*routes);
}

void ControlPlane::note(Note::Level level, std::string text) {
  if (note_sink_) note_sink_({level, std::move(text)});
}

void ControlPlane::watch_dataplane(const Now& now) {
  const auto& header = (*region_)->header;
  const std::uint64_t incarnation = header.dataplane.incarnation.load(std::memory_order_acquire);
  if (now.ns < next_watch_ns_ && incarnation == synced_incarnation_) return;
  next_watch_ns_ = now.ns + kWatchNs;
  const bool alive = region_->role_is_held(Role::kDataplane);
  if (alive != dataplane_alive_) {
    dataplane_alive_ = alive;
    if (alive) {
      note(Note::Level::kNormal,
           "dataplane is there, pid " + std::to_string(header.dataplane.pid.load()));
    } else {
      note(Note::Level::kWarning, "dataplane is gone; start hopseal-dataplane again");
    }
  }
  if (alive && incarnation != synced_incarnation_) {
    synced_incarnation_ = incarnation;
    ++resyncs_;
    commands_.resync(links_, node_.signers());
    secure_links_.meet_dataplane(now, link_changes_);
    follow_links(now);
    note(Note::Level::kNormal, "resync with dataplane incarnation " + std::to_string(incarnation) +
                                   ": " + std::to_string(links_.size()) + " links, " +
                                   std::to_string(node_.signers().size()) + " signers");
  }
}

std::size_t ControlPlane::turn(const Now& now) {
  (*region_)->header.controlplane.heartbeat.store(now.ns, std::memory_order_relaxed);
  watch_dataplane(now);
  std::size_t work = pump_.turn([&](const overlay::Input& input) { step(now, input); });
  if (now.ns >= node_.next_deadline()) step(now, overlay::Tick{});
  for (std::size_t wishes = wishes_.size(); wishes != 0; --wishes) {
    const overlay::Input input = std::move(wishes_.front());
    wishes_.pop_front();
    step(now, input);
    ++work;
  }
  work += pump_.turn_handshakes([&](const wire::shm::PacketRecord& record) {
    // Nothing can be answered without a dataplane, and what a former one left is out of date.
    if (dataplane_alive_) secure_links_.receive(now, record, link_changes_);
  });
  if (dataplane_alive_) secure_links_.turn(now, link_changes_);
  work += pump_.turn_streams([&](const wire::shm::PacketRecord& record) {
    if (stream_links_) stream_links_->send(record);
  });
  if (stream_links_) {
    stream_links_->serve(dataplane_alive_);
    stream_links_->turn(now, link_changes_);
  }
  follow_links(now);
  follow_overlay_links(now);
  tables_.turn(dataplane_alive_);
  if (dataplane_alive_) commands_.turn();
  return work + injector_.turn();
}

void ControlPlane::step(const Now& now, const overlay::Input& input) {
  const auto* const event = std::get_if<wire::shm::Event>(&input);
  if (event != nullptr && event->kind == wire::shm::EventKind::kAssociationWanted) {
    if (dataplane_alive_) secure_links_.want(now, *event, link_changes_);
    return;
  }
  if (event != nullptr && overlay_links_) overlay_links_->hear(*event);
  node_.step(now, input, out_);
  apply(now);
}

void ControlPlane::follow_overlay_links(const Now& now) {
  if (!overlay_links_) return;
  overlay_links_->turn(now, link_changes_);
  follow_links(now);
  // What the core learns may make it wish for more links.
  for (const overlay::Input& input : overlay_links_->take_inputs()) step(now, input);
  follow_links(now);
  if (links_version_ == overlay_links_->version()) return;
  links_version_ = overlay_links_->version();
  links_ = overlay_links_->records();
}

void ControlPlane::follow_links(const Now& now) {
  if (overlay_links_) {
    overlay_links_->follow(now, link_changes_);
    // The core knows a link before it is told of its keys.
    for (const overlay::Input& input : overlay_links_->take_inputs()) step(now, input);
  } else {
    link_changes_.secured.clear();
    link_changes_.renewed.clear();
    link_changes_.not_secured.clear();
    link_changes_.closed.clear();
  }
  for (Note& line : link_changes_.notes) note(line.level, std::move(line.text));
  for (const overlay::LinkKeys& keys : link_changes_.keys) step(now, keys);
  for (const auto& message : link_changes_.too_large) {
    step(now, overlay::TooLarge{message.header, message.from});
  }
  link_changes_.notes.clear();
  link_changes_.keys.clear();
  link_changes_.too_large.clear();
}

void ControlPlane::apply(const Now& now) {
  for (const overlay::Outgoing& message : out_.messages) injector_.send(message);
  // A dataplane that is not there learns everything when it is.
  if (dataplane_alive_) {
    for (const wire::shm::Command& command : out_.commands) commands_.send(command);
  }
  if (result_sink_) {
    for (const overlay::RequestResult& result : out_.results) {
      if (result.ticket != 0) result_sink_(result);
    }
  }
  for (Note& line : out_.notes) note(line.level, std::move(line.text));
  if (overlay_links_) overlay_links_->carry_out(now, out_, link_changes_);
  if (out_.routes_changed) publish_routes();
  if (document_ && document_->sequence() != config_.overlay.policy.configuration_sequence) {
    follow_document();
  }
  out_.clear();
}

}  // namespace controlplane
