// SPDX-License-Identifier: Apache-2.0

#include "controlplane/events/stream_links.h"

#include <algorithm>
#include <utility>

#include "config/node_config.h"

namespace controlplane::events {

using links::kSecond;
using links::TlsEvent;
using overlay::kMillisecond;
using overlay::kNever;
using overlay::Note;
using overlay::Now;
using wire::shm::LinkProtocol;
using wire::shm::LinkRecord;

namespace {

/// The higher Node-ID waits so long for the lower one's call.
constexpr std::uint64_t kPatienceNs = 500 * kMillisecond;
constexpr std::uint64_t kFirstPauseNs = kSecond;
constexpr std::uint64_t kLongestPauseNs = 60 * kSecond;
/// A connection that lasted so long was a good one: the next call need not wait long.
constexpr std::uint64_t kGoodNs = 10 * kSecond;
/// Two connections that came up within this time were called at once by both ends.
constexpr std::uint64_t kCrossingNs = 5 * kSecond;
constexpr std::uint64_t kNotesNs = 10 * kSecond;
constexpr std::uint64_t kMostNotes = 20;
/// Room for what the node itself sends.
constexpr std::size_t kMostBacklog = Injector::kBacklog * 3 / 4;

}  // namespace

std::unique_ptr<StreamLinks> StreamLinks::start(boost::asio::io_context& io,
                                                std::shared_ptr<const links::SecureContext> context,
                                                const StreamSettings& settings,
                                                std::span<const LinkRecord> links,
                                                Injector& injector, std::function<Now()> now,
                                                std::string& why) {
  std::unique_ptr<StreamLinks> made(
      new StreamLinks(io, std::move(context), settings, links, injector, std::move(now)));
  for (const wire::shm::Endpoint& local : settings.listen) {
    if (!made->sockets_.listen(local, why)) {
      why = "links.tls_listen = " + config::to_string(local) + ": " + why;
      return nullptr;
    }
  }
  return made;
}

StreamLinks::StreamLinks(boost::asio::io_context& io,
                         std::shared_ptr<const links::SecureContext> context,
                         const StreamSettings& settings, std::span<const LinkRecord> links,
                         Injector& injector, std::function<Now()> now)
    : injector_(injector),
      now_(std::move(now)),
      sockets_(io, std::move(context), settings.sockets, now_,
               {.event = [this](Id id, const TlsEvent& event) { take(id, event); },
                .message = [this](Id id, std::span<const std::byte> message) { take(id, message); },
                .key_log =
                    [this](std::string_view line) {
                      if (key_log_) key_log_(line);
                    }}) {
  for (const LinkRecord& link : links) {
    if (link.protocol != LinkProtocol::kVirtual) continue;
    peers_.push_back({link.peer, link.remote});
    by_slot_[link.slot] = links_.size();
    Link& made = links_.emplace_back();
    made.record = link;
    made.calls_first = settings.self < link.peer;
    tell(made, false);
  }
}

void StreamLinks::serve(bool on) {
  if (serving_ == on) return;
  serving_ = on;
  sockets_.set_peers(on ? peers_ : std::vector<links::TlsPeer>{});
  for (Link& link : links_) {
    for (const Id id : {link.up, link.calling}) {
      if (id == kNone) continue;
      sockets_.close(id);
      by_connection_.erase(id);
    }
    link.up = link.calling = kNone;
    link.pause_ns = 0;
    tell(link, false);
    link.next_call_ns = now_().ns + (link.calls_first ? 0 : kPatienceNs);
  }
  next_call_ns_ = 0;
}

void StreamLinks::turn(const Now& now, LinkChanges& changes) {
  if (serving_ && now.ns >= next_call_ns_) {
    next_call_ns_ = kNever;
    for (Link& link : links_) {
      if (link.up != kNone || link.calling != kNone) continue;
      if (now.ns >= link.next_call_ns) {
        link.calling = sockets_.connect(link.record.remote, link.record.peer);
        by_connection_[link.calling] = static_cast<std::size_t>(&link - links_.data());
      } else {
        next_call_ns_ = std::min(next_call_ns_, link.next_call_ns);
      }
    }
  }
  const auto move_all = [](auto& from, auto& to) {
    std::ranges::move(from, std::back_inserter(to));
    from.clear();
  };
  move_all(changes_.keys, changes.keys);
  move_all(changes_.too_large, changes.too_large);
  move_all(changes_.notes, changes.notes);
}

// --- messages ------------------------------------------------------------------------------------

void StreamLinks::take(Id id, std::span<const std::byte> message) {
  const Link* link = link_of(id);
  if (link == nullptr || !serving_ || injector_.backlog() >= kMostBacklog) {
    ++counters_.dropped_in;
    return;
  }
  ++counters_.messages_in;
  injector_.send_from_stream({link->record.slot, link->record.generation}, message);
}

void StreamLinks::send(const wire::shm::PacketRecord& record) {
  const Link* link = link_at(record.link_slot);
  if (link == nullptr || link->record.generation != record.generation || link->up == kNone) {
    ++counters_.dropped_out_down;
    return;
  }
  switch (sockets_.send(link->up, std::span(record.bytes).first(record.length))) {
    case links::TlsLink::Sent::kYes:
      ++counters_.messages_out;
      break;
    case links::TlsLink::Sent::kBacklogFull:
      ++counters_.dropped_out_full;
      break;
    case links::TlsLink::Sent::kNotUp:
    case links::TlsLink::Sent::kTooLong:  // no ring record is above what a frame holds
      ++counters_.dropped_out_down;
      break;
  }
}

// --- connections ---------------------------------------------------------------------------------

void StreamLinks::take(Id id, const TlsEvent& event) {
  Link* link = link_of(id);
  if (link == nullptr) link = link_to(event.peer);  // accepted, and not known before
  if (link == nullptr) return note_refused(event.failure);
  switch (event.kind) {
    case TlsEvent::Kind::kUp:
      connected(*link, id);
      break;
    case TlsEvent::Kind::kFailed:
      if (link->up != id) break;
      note(*link, Note::Level::kWarning, "has failed: no acks");
      tell(*link, false);
      break;
    case TlsEvent::Kind::kRecovered:
      if (link->up != id) break;
      note(*link, Note::Level::kNormal, "is up again");
      tell(*link, true);
      break;
    case TlsEvent::Kind::kTooLarge:
      if (link->up != id) break;
      note(*link, Note::Level::kWarning, "sends a message above max-message-size; closing");
      changes_.too_large.push_back({{link->record.slot, link->record.generation}, event.header});
      break;
    case TlsEvent::Kind::kClosed:
      ended(*link, id, event);
      break;
  }
}

/// Whether the connection that came up replaces the one the link has.
bool StreamLinks::is_better(const Link& link, Id id) const {
  const auto role = sockets_.find(id)->role();
  const auto old = sockets_.find(link.up)->role();
  // The same end called again: it has lost the old one.
  if (role == old || now_().ns - link.up_since_ns > kCrossingNs) return true;
  // Both called at once, and both ends must choose the same.
  return role == (link.calls_first ? links::Role::kClient : links::Role::kServer);
}

void StreamLinks::connected(Link& link, Id id) {
  if (link.calling == id) link.calling = kNone;
  const bool is_first = link.up == kNone;
  if (!is_first && !is_better(link, id)) {
    by_connection_.erase(id);
    return sockets_.close(id);
  }
  if (!is_first) {
    by_connection_.erase(link.up);
    sockets_.close(link.up);
  }
  link.up = id;
  link.up_since_ns = now_().ns;
  by_connection_[id] = static_cast<std::size_t>(&link - links_.data());
  const links::TlsLink& stream = *sockets_.find(id);
  note(link, Note::Level::kNormal,
       std::string("is up as TLS ") + links::role_name(stream.role()) + " with " +
           stream.description());
  link.noted.reset();
  link.failures = 0;
  tell(link, true);
}

void StreamLinks::ended(Link& link, Id id, const TlsEvent& event) {
  by_connection_.erase(id);
  link.last_failure = event.failure;
  const bool carried = link.up == id;
  if (carried) {
    link.up = kNone;
    if (now_().ns - link.up_since_ns >= kGoodNs) link.pause_ns = 0;
    tell(link, false);
  } else if (link.calling == id) {
    link.calling = kNone;
    ++link.failures;
  } else {
    return note_refused(event.failure);
  }
  call_later(link);
  if (link.noted == event.failure.failure) return;  // the same again
  link.noted = event.failure.failure;
  note(link, Note::Level::kWarning,
       (carried ? "connection ended: " : "call failed: ") + links::describe(event.failure));
}

/// A few lines in kNotesNs for all who knock and are turned away, or they would fill the log.
void StreamLinks::note_refused(const links::FailureReport& failure) {
  const std::uint64_t now_ns = now_().ns;
  const bool is_new_period = now_ns - refusals_counted_from_ns_ >= kNotesNs;
  const std::uint64_t before = is_new_period ? std::exchange(refusals_, 0) : 0;
  if (is_new_period) refusals_counted_from_ns_ = now_ns;
  if (++refusals_ > kMostNotes) return;
  std::string text = "a TLS connection was refused: " + links::describe(failure);
  if (before > kMostNotes) {
    text += "; " + std::to_string(before - kMostNotes) + " more were before, without a line";
  }
  changes_.notes.push_back({Note::Level::kWarning, std::move(text)});
}

void StreamLinks::call_now(std::uint16_t slot) {
  if (Link* link = link_at(slot)) link->next_call_ns = next_call_ns_ = 0;
}

void StreamLinks::call_later(Link& link) {
  link.pause_ns = link.pause_ns == 0 ? kFirstPauseNs : std::min(2 * link.pause_ns, kLongestPauseNs);
  link.next_call_ns = now_().ns + link.pause_ns + (link.calls_first ? 0 : kPatienceNs);
  next_call_ns_ = std::min(next_call_ns_, link.next_call_ns);
}

StreamLinks::Link* StreamLinks::link_of(Id id) {
  const auto found = by_connection_.find(id);
  return found == by_connection_.end() ? nullptr : &links_[found->second];
}

StreamLinks::Link* StreamLinks::link_at(std::uint16_t slot) {
  const auto found = by_slot_.find(slot);
  return found == by_slot_.end() ? nullptr : &links_[found->second];
}

StreamLinks::Link* StreamLinks::link_to(const wire::reload::NodeId& peer) {
  const auto found = std::ranges::find(
      links_, peer, [](const Link& link) -> const auto& { return link.record.peer; });
  return found == links_.end() ? nullptr : &*found;
}

// --- what others get to know ---------------------------------------------------------------------

void StreamLinks::tell(Link& link, bool usable) {
  if (std::exchange(link.usable, usable) == usable) return;
  changes_.keys.push_back({{link.record.slot, link.record.generation}, usable});
}

void StreamLinks::note(const Link& link, Note::Level level, const std::string& what) {
  changes_.notes.push_back({level, "link " + std::to_string(link.record.slot) + " to " +
                                       config::to_string(link.record.peer) + ": " + what});
}

std::vector<StreamStatus> StreamLinks::status() const {
  std::vector<StreamStatus> all;
  for (const Link& link : links_) {
    StreamStatus& row = all.emplace_back();
    row.slot = link.record.slot;
    row.calling = link.calling != kNone;
    row.failures = link.failures;
    row.last_failure = link.last_failure;
    const links::TlsLink* stream = link.up != kNone ? sockets_.find(link.up) : nullptr;
    if (stream == nullptr) {
      if (serving_ && !row.calling) row.next_call_ns = link.next_call_ns;
      continue;
    }
    row.connection = link.up;
    row.session = stream->description();
    row.role = stream->role();
    row.failed = stream->is_failed();
    row.since_ns = link.up_since_ns;
    row.srtt_ns = stream->rto().srtt_ns();
    row.rto_ns = stream->rto().rto_ns();
  }
  return all;
}

}  // namespace controlplane::events
