// SPDX-License-Identifier: Apache-2.0
#include "controlplane/events/overlay_links.h"

#include <algorithm>
#include <utility>

#include "controlplane/publish/link_ends.h"

namespace controlplane::events {

using links::Initiative;
using overlay::Ingress;
using overlay::Note;
using overlay::Now;
using wire::reload::NodeId;
using wire::shm::Endpoint;
using wire::shm::LinkRecord;

namespace {

/// The core gives up what it asked for by itself and says so (forget_links); this is for the rest.
constexpr std::uint64_t kAttachNs = 60 * links::kSecond;

}  // namespace

OverlayLinks::OverlayLinks(OverlayLinkSettings settings, SecureLinks& secure,
                           publish::Commands& commands, overlay::RandomSource random)
    : settings_(std::move(settings)),
      secure_(secure),
      commands_(commands),
      generations_(std::min<std::size_t>(settings_.dataplane.max_links, wire::shm::kMaxLinks)) {
  for (std::uint8_t& generation : generations_) {
    generation = static_cast<std::uint8_t>(random() & 7U);
  }
  std::erase_if(settings_.bootstrap, [this](const Endpoint& address) {
    return std::ranges::any_of(
        publish::own_addresses(settings_.dataplane),
        [&](const overlay::LinkAddress& own) { return own.endpoint == address; });
  });
  // Nodes that start together begin at different ones.
  next_bootstrap_ = settings_.bootstrap.empty() ? 0 : random() % settings_.bootstrap.size();
  secure_.take_strangers(true);
}

OverlayLinks::Link* OverlayLinks::at(const Ingress& link) {
  const auto found = links_.find(link.slot);
  const bool is_it = found != links_.end() && found->second.record.generation == link.generation;
  return is_it ? &found->second : nullptr;
}

OverlayLinks::Link* OverlayLinks::with_ends(const LinkRecord& record) {
  for (auto& [slot, link] : links_) {
    if (link.record.local == record.local && link.record.remote == record.remote) return &link;
  }
  return nullptr;
}

OverlayLinks::Link* OverlayLinks::forming_to(const NodeId& peer) {
  for (auto& [slot, link] : links_) {
    const bool forming = link.state == State::kForming || link.state == State::kSecured;
    if (forming && link.is_asked_for && link.record.peer == peer) return &link;
  }
  return nullptr;
}

std::size_t OverlayLinks::strangers() const {
  return static_cast<std::size_t>(std::ranges::count_if(links_, [](const auto& entry) {
    const Link& link = entry.second;
    return link.state == State::kForming && !link.is_asked_for && !link.is_bootstrap;
  }));
}

OverlayLinks::Link* OverlayLinks::take_slot(LinkRecord record) {
  if (links_.size() >= generations_.size()) return nullptr;
  while (links_.contains(next_slot_)) {
    next_slot_ = static_cast<std::uint16_t>((next_slot_ + 1U) % generations_.size());
  }
  std::uint8_t& generation = generations_[next_slot_];
  generation = static_cast<std::uint8_t>((generation + 1U) & 7U);
  record.slot = next_slot_;
  record.generation = generation;
  record.link_class = settings_.link_class;
  next_slot_ = static_cast<std::uint16_t>((next_slot_ + 1U) % generations_.size());
  ++version_;
  return &links_.emplace(record.slot, Link{record}).first->second;
}

// --- what the core wants -------------------------------------------------------------------------

void OverlayLinks::carry_out(const Now& now, const overlay::Outputs& wishes, LinkChanges& changes) {
  for (const Ingress& wish : wishes.close_links) {
    Link* const link = at(wish);
    if (link == nullptr || link->state != State::kOpen) continue;
    inputs_.emplace_back(overlay::LinkClosed{wish});
    leave(now, *link, changes);
  }
  for (const NodeId& peer : wishes.forget_links) forget(now, peer, changes);
  for (const overlay::OpenLink& wish : wishes.open_links) open(now, wish, changes);
  if (wishes.bootstrap && !bootstrapping_) {
    bootstrapping_ = true;
    bootstrap_left_ = settings_.bootstrap.size();
    call_next_bootstrap(now, changes);
  }
}

void OverlayLinks::open(const Now& now, const overlay::OpenLink& wish, LinkChanges& changes) {
  std::optional<LinkRecord> record;
  for (const overlay::LinkAddress& address : wish.addresses) {
    if (address.protocol != wire::shm::LinkProtocol::kDtls || record) continue;
    record = publish::link_to(settings_.dataplane, address.endpoint);
  }
  if (!record) {
    inputs_.emplace_back(overlay::LinkNotOpened{wish.peer});
    return;
  }
  record->peer = wish.peer;
  forget(now, wish.peer, changes);
  if (Link* const there = with_ends(*record)) {
    // Who is active calls as soon as it has answered, and its answer takes the longer way here.
    const bool is_calling = there->state == State::kForming && !wish.active;
    const bool is_it = there->state == State::kSecured && there->record.peer == wish.peer;
    if (is_calling || is_it) {
      there->is_asked_for = true;
      there->until_ns = now.ns + kAttachNs;
      return;
    }
    // What was there has failed, or is another node that had the address before.
    make_way(now, *there, changes);
  }
  Link* const link = take_slot(*record);
  if (link == nullptr) {
    inputs_.emplace_back(overlay::LinkNotOpened{wish.peer});
    changes.notes.push_back({Note::Level::kWarning,
                             "no slot is left for another link; raise "
                             "dataplane.max_links"});
    return;
  }
  link->is_asked_for = true;
  link->until_ns = now.ns + kAttachNs;
  secure_.add(now, link->record, wish.active ? Initiative::kOurs : Initiative::kTheirsFirst,
              changes);
}

void OverlayLinks::forget(const Now& now, const NodeId& peer, LinkChanges& changes) {
  if (Link* const link = forming_to(peer)) leave(now, *link, changes);
}

void OverlayLinks::call_next_bootstrap(const Now& now, LinkChanges& changes) {
  while (bootstrap_left_ != 0) {
    --bootstrap_left_;
    const Endpoint& address = settings_.bootstrap[next_bootstrap_];
    next_bootstrap_ = (next_bootstrap_ + 1) % settings_.bootstrap.size();
    const auto record = publish::link_to(settings_.dataplane, address);
    if (!record) {
      changes.notes.push_back(
          {Note::Level::kWarning, "no port leads to bootstrap node " + config::to_string(address)});
      continue;
    }
    if (Link* const there = with_ends(*record)) {
      const bool is_open = there->state == State::kOpen;
      if (is_open && !there->has_failed) return bootstrap_ended(there->record.peer);
      if (!is_open && there->state != State::kLeaving) {
        there->is_bootstrap = true;  // it is being made, by either side
        return;
      }
      make_way(now, *there, changes);
    }
    Link* const link = take_slot(*record);
    if (link == nullptr) break;
    link->is_bootstrap = true;
    link->until_ns = now.ns + settings_.handshake_ns;
    return secure_.add(now, link->record, Initiative::kOurs, changes);
  }
  bootstrap_ended(std::nullopt);
}

void OverlayLinks::bootstrap_ended(const std::optional<NodeId>& node) {
  bootstrapping_ = false;
  inputs_.emplace_back(overlay::Bootstrapped{node});
}

void OverlayLinks::leave(const Now& now, Link& link, LinkChanges& changes) {
  secure_.remove(now, link.record.slot, changes);
  link.state = State::kLeaving;
  link.until_ns = now.ns + settings_.farewell_ns;
}

void OverlayLinks::make_way(const Now& now, Link& link, LinkChanges& changes) {
  if (link.state == State::kOpen) {
    inputs_.emplace_back(overlay::LinkClosed{{link.record.slot, link.record.generation}});
  }
  if (link.state != State::kLeaving) leave(now, link, changes);
  take_away(link);
}

void OverlayLinks::take_away(const Link& link) {
  commands_.send(publish::removal(link.record));
  ++version_;
  links_.erase(link.record.slot);
}

// --- what happens --------------------------------------------------------------------------------

void OverlayLinks::follow(const Now& now, LinkChanges& changes) {
  for (const auto& secured : std::exchange(changes.secured, {})) {
    Link* const link = at(secured.link);
    if (link == nullptr || link->state != State::kForming) continue;
    link->record.peer = secured.peer;
    link->state = State::kSecured;
    ++version_;
  }
  for (const overlay::LinkKeys& keys : changes.keys) {
    Link* const link = at(keys.link);
    if (link != nullptr && keys.present && link->state == State::kSecured) {
      opened(now, *link, changes);
    }
  }
  for (const Ingress& renewed : std::exchange(changes.renewed, {})) {
    const Link* const link = at(renewed);
    if (link == nullptr || link->state != State::kOpen) continue;
    inputs_.emplace_back(overlay::LinkOpened{renewed, link->record.peer});
  }
  for (const Ingress& ended : std::exchange(changes.not_secured, {})) {
    Link* const link = at(ended);
    // Who attached, or waits for who did, goes on until the core gives it up.
    if (link == nullptr || link->state != State::kForming || link->is_asked_for) continue;
    give_up(now, *link, changes);
  }
  for (const Ingress& closed : std::exchange(changes.closed, {})) {
    Link* const link = at(closed);
    if (link == nullptr) continue;
    if (link->state == State::kOpen) {
      inputs_.emplace_back(overlay::LinkClosed{closed});
      leave(now, *link, changes);
    } else if (link->state == State::kSecured) {
      give_up(now, *link, changes);
    }
  }
  for (const links::Admission& admission : std::exchange(changes.admissions, {})) {
    admit(now, admission, changes);
  }
}

void OverlayLinks::hear(const wire::shm::Event& event) {
  Link* const link = at({event.link_slot, event.generation});
  if (link == nullptr) return;
  if (event.kind == wire::shm::EventKind::kLinkFailed) link->has_failed = true;
  if (event.kind == wire::shm::EventKind::kLinkUp) link->has_failed = false;
}

void OverlayLinks::opened(const Now& now, Link& link, LinkChanges& changes) {
  link.state = State::kOpen;
  link.until_ns = overlay::kNever;
  inputs_.emplace_back(
      overlay::LinkOpened{{link.record.slot, link.record.generation}, link.record.peer});
  // The core takes the newer of two links to a node: nobody uses the other any more.
  for (auto& [slot, other] : links_) {
    if (&other != &link && other.state == State::kOpen && other.record.peer == link.record.peer) {
      leave(now, other, changes);
    }
  }
  if (std::exchange(link.is_bootstrap, false) && bootstrapping_) bootstrap_ended(link.record.peer);
}

void OverlayLinks::admit(const Now& now, const links::Admission& admission, LinkChanges& changes) {
  const links::EndpointPair& ends = admission.from.endpoints;
  std::optional<LinkRecord> record =
      publish::link_between(settings_.dataplane, ends.local, ends.remote);
  Link* link = nullptr;
  if (record && with_ends(*record) == nullptr && strangers() < settings_.max_strangers) {
    record->port = admission.from.port;
    link = take_slot(*record);
  }
  if (link == nullptr) {
    ++strangers_refused_;
    return;
  }
  link->until_ns = now.ns + settings_.handshake_ns;
  secure_.admit(now, link->record, admission, changes);
}

void OverlayLinks::give_up(const Now& now, Link& link, LinkChanges& changes) {
  if (link.is_asked_for) inputs_.emplace_back(overlay::LinkNotOpened{link.record.peer});
  leave(now, link, changes);
  if (std::exchange(link.is_bootstrap, false) && bootstrapping_) call_next_bootstrap(now, changes);
}

void OverlayLinks::turn(const Now& now, LinkChanges& changes) {
  for (auto next = links_.begin(); next != links_.end();) {
    Link& link = next->second;
    ++next;
    if (now.ns < link.until_ns) continue;
    if (link.state != State::kLeaving) {
      give_up(now, link, changes);
      continue;
    }
    take_away(link);
  }
}

std::vector<overlay::Input> OverlayLinks::take_inputs() { return std::exchange(inputs_, {}); }

std::vector<LinkRecord> OverlayLinks::records() const {
  std::vector<LinkRecord> records;
  for (const auto& [slot, link] : links_) records.push_back(link.record);
  return records;
}

}  // namespace controlplane::events
