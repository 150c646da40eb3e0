// SPDX-License-Identifier: Apache-2.0
// CHORD-SELF-TUNING (RFC 7363; requirements N1-01 to N1-15): recovery is periodic, and the period
// and the sizes of tables follow from what the ring is like.

#include <algorithm>
#include <cmath>

#include "controlplane/topology/chord/chord_topology.h"
#include "wire/reload/message_contents.h"
#include "wire/reload/probe.h"

namespace controlplane::topology::chord {

using overlay::Now;
using wire::reload::ChordUpdateType;
using wire::reload::MessageCode;
using wire::reload::NodeId;
using wire::reload::ProbeInformationType;
using wire::reload::SelfTuningData;

namespace {

/// More estimates than this in one period come from nobody who follows the RFC.
constexpr std::size_t kMostReceived = 64;

}  // namespace

/// Sections 6.1 to 6.6: at the end of every period.
void ChordTopology::tune(const Now& now) {
  std::size_t table_size = 0;
  std::vector<double> ages_s;
  for (const Link& link : links_.all()) {
    if (!link.routable() || !needs(link)) continue;
    ++table_size;
    if (link.uptime_ns == 0) continue;
    ages_s.push_back(link.uptime_s + static_cast<double>(now.ns - link.uptime_ns) / kSecond);
  }
  own_estimates_.peers = estimate_peers(self_, neighbors_.predecessors(), neighbors_.successors());
  own_estimates_.joins_per_s = estimate_joins_per_s(own_estimates_.peers, std::move(ages_s));
  own_estimates_.failures_per_s = failures_.failures_per_s(now.ns, table_size);
  estimates_ = agree(own_estimates_, received_);
  received_.clear();
  interval_ns_ =
      stabilization_ns(estimates_, settings_.least_interval_ns, settings_.most_interval_ns);
  const std::size_t entries = table_size_for(estimates_.peers);
  neighbors_.resize(entries);
  fingers_.resize(entries);
  unsettled_ = true;
}

/// Sections 5.2 and 6.5.
void ChordTopology::stabilize(const Now& now, Wishes& wishes) {
  tune(now);
  settle(now, wishes);
  update_due_ns_ = now.ns + jittered(interval_ns_);
  if (neighbors_.empty()) return;
  const NodeId before = neighbors_.predecessors().front();
  const NodeId behind = neighbors_.successors().front();
  if (Link* link = links_.find(behind); link != nullptr) {
    send_update(now, *link, ChordUpdateType::kNeighbors, wishes);
  }
  if (Link* link = links_.find(before); link != nullptr && before != behind) {
    send_update(now, *link, ChordUpdateType::kNeighbors, wishes);
  }
  std::vector<NodeId> targets = fingers_.ascending();
  for (std::size_t left = settings_.peers_to_probe; left != 0 && !targets.empty(); --left) {
    const auto chosen = targets.begin() + static_cast<std::ptrdiff_t>(random_() % targets.size());
    if (Link* link = links_.find(*chosen); link != nullptr && link->routable())
      probe(*link, wishes);
    targets.erase(chosen);
  }
}

void ChordTopology::probe(Link& link, Wishes& wishes) {
  link.probed = true;
  wishes.requests.push_back(
      {ticket(Purpose::kProbe, link.serial), Target::node(link.id), MessageCode::kProbeReq,
       wire::reload::probe_request_body({{ProbeInformationType::kUptime}}), shared_estimates()});
}

void ChordTopology::probe_answered(const Now& now, Link& link, const Finished& result) {
  wire::reload::ProbeAns answer;
  if (result.responder != link.id || !wire::reload::parse_probe_answer(result.body, answer).ok()) {
    return;
  }
  if (const auto uptime_s = answer.find(ProbeInformationType::kUptime)) {
    link.uptime_s = *uptime_s;
    link.uptime_ns = now.ns;
  }
  take_estimates(result.extensions);
}

void ChordTopology::take_estimates(std::span<const std::byte> extensions) {
  while (!extensions.empty()) {
    wire::reload::MessageExtension extension;
    if (!wire::reload::read_extension(extensions, extension).ok()) return;
    SelfTuningData data;
    if (extension.type == wire::reload::kSelfTuningExtension && received_.size() < kMostReceived &&
        wire::reload::parse_self_tuning(extension.contents, data).ok()) {
      received_.push_back(data);
    }
    extensions = extensions.subspan(extension.encoded.size());
  }
}

/// Our own, not what was agreed on: a quartile of quartiles would climb from period to period.
overlay::Extension ChordTopology::shared_estimates() const {
  return {wire::reload::kSelfTuningExtension,
          wire::reload::self_tuning_contents(to_share(own_estimates_))};
}

/// N1-05: a new neighbour hears from us at once; N1-06: a new finger is asked for its uptime.
void ChordTopology::greet(const Now& now, const NeighborTable& before, Wishes& wishes) {
  for (Link& link : links_.all()) {
    if (!link.is_peer(now.ns)) continue;
    if (neighbors_.contains(link.id) && !before.contains(link.id)) {
      send_update(now, link, ChordUpdateType::kPeerReady, wishes);
    }
    if (!link.probed && link.uptime_ns == 0 && link.routable() && fingers_.contains(link.id)) {
      probe(link, wishes);
    }
  }
}

/// N1-11. Who does not answer has failed: finished() says so. A Ping also tells the other end that
/// the link is needed.
void ChordTopology::keep_alive(const Now& now, Wishes& wishes) {
  keep_alive_due_ns_ = now.ns + settings_.silence_ns / 2;
  for (const Link& link : links_.all()) {
    if (!link.routable() || !needs(link) || now.ns < link.heard_ns + settings_.silence_ns) continue;
    wishes.requests.push_back({ticket(Purpose::kLiveness, link.serial), Target::node(link.id),
                               MessageCode::kPingReq, wire::reload::ping_request_body(0)});
  }
}

void ChordTopology::pinged(const Now& now, const NodeId& peer, Wishes& /*wishes*/) {
  Link* link = settings_.self_tuning ? links_.find(peer) : nullptr;
  if (link == nullptr) return;
  link->heard_ns = now.ns;
  link->wanted_ns = now.ns;
}

}  // namespace controlplane::topology::chord
