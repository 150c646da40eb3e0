// SPDX-License-Identifier: Apache-2.0
#include "controlplane/links/link_handshakes.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace controlplane::links {
namespace {

using wire::dtls::ContentType;
using wire::dtls::HandshakeType;
using wire::dtls::RecordHeader;

constexpr std::size_t kUdpBytes = 8;
constexpr std::size_t kIpv4Bytes = 20;
constexpr std::size_t kIpv6Bytes = 40;
// A handshake of ours that takes precedence but has stood still so long is one the peer has lost.
constexpr std::uint64_t kStandstillNs = 3 * kSecond;
// The dataplane may have asked for keys just before it got them.
constexpr std::uint64_t kInstallNs = 2 * kSecond;
constexpr unsigned kMaxDoublings = 6;

/// Could a peer that is not in @p role have sent @p datagram? Left-overs of a handshake that gave
/// way must not end the one that goes on.
bool is_for(Role role, std::span<const std::byte> datagram) {
  RecordHeader header;
  if (!wire::dtls::parse_record(datagram, 0, header).ok()) return false;
  if (header.type != ContentType::kHandshake || header.epoch != 0) return true;
  switch (static_cast<HandshakeType>(datagram[wire::dtls::kRecordHeaderBytes])) {
    case HandshakeType::kHelloVerifyRequest:
    case HandshakeType::kServerHello:
    case HandshakeType::kServerKeyExchange:
    case HandshakeType::kCertificateRequest:
    case HandshakeType::kServerHelloDone:
      return role == Role::kClient;
    case HandshakeType::kClientKeyExchange:
    case HandshakeType::kCertificateVerify:
      return role == Role::kServer;
    case HandshakeType::kHelloRequest:
    case HandshakeType::kClientHello:
      return false;
    default:
      return true;
  }
}

}  // namespace

LinkHandshakes::LinkHandshakes(LinksShare& share, const SecureLink& link, std::uint64_t now_ns)
    : share_(share), link_(link) {
  want(now_ns + patience_ns());
}

LinkHandshakes::~LinkHandshakes() { end_handshake(); }

bool LinkHandshakes::we_go_first() const noexcept {
  switch (link_.initiative) {
    case Initiative::kOurs:
      return true;
    case Initiative::kTheirs:
    case Initiative::kTheirsFirst:
      return false;
    case Initiative::kLowerNodeId:
      break;
  }
  return share_.settings.self < link_.peer;
}

std::uint64_t LinkHandshakes::patience_ns() const noexcept {
  if (link_.initiative == Initiative::kTheirsFirst) return share_.settings.long_patience_ns;
  return we_go_first() ? 0 : share_.settings.patience_ns;
}

std::uint64_t LinkHandshakes::retry_ns() const noexcept {
  const unsigned doublings = std::min(failures_ == 0 ? 0 : failures_ - 1, kMaxDoublings);
  return std::min(share_.settings.first_retry_ns << doublings, share_.settings.max_retry_ns) +
         patience_ns();
}

bool LinkHandshakes::has_room() noexcept {
  if (share_.half_open < share_.settings.max_half_open) return true;
  ++share_.counters.half_open_full;
  return false;
}

DtlsHandshakeSettings LinkHandshakes::handshake_settings() const noexcept {
  DtlsHandshakeSettings settings;
  settings.peer = link_.peer;
  const std::size_t headers =
      kUdpBytes + (link_.endpoints.remote.family == 6 ? kIpv6Bytes : kIpv4Bytes);
  settings.datagram_bytes = link_.mtu - std::min<std::size_t>(headers, link_.mtu);
  settings.first_timeout_ns = share_.settings.first_timeout_ns;
  settings.lifetime_ns = share_.settings.handshake_lifetime_ns;
  settings.max_input = share_.settings.max_handshake_input;
  settings.log_keys = share_.log_keys;
  return settings;
}

void LinkHandshakes::want(std::uint64_t at_ns) noexcept {
  wanted_ = true;
  if (link_.initiative == Initiative::kTheirs) return;
  // While one is going on its end decides; an attempt that waits after a failure keeps waiting.
  if (!handshake_ && start_at_ns_ == kNever) start_at_ns_ = at_ns;
}

// --- one handshake -------------------------------------------------------------------------------

void LinkHandshakes::begin(const Now& now, Role role, std::span<const std::byte> client_hello,
                           Outputs& out) {
  start_at_ns_ = kNever;
  ++share_.half_open;
  ++(role == Role::kClient ? share_.counters.started : share_.counters.accepted);
  handshake_ = std::make_unique<DtlsHandshake>(share_.context, role, handshake_settings(), now,
                                               client_hello);
  settle(now, out);
}

void LinkHandshakes::end_handshake() noexcept {
  if (!handshake_) return;
  --share_.half_open;
  share_.counters.retransmitted_flights += handshake_->repeated_flights();
  handshake_.reset();
}

/// Carries out what a step of the handshake asked for.
void LinkHandshakes::settle(const Now& now, Outputs& out) {
  std::ranges::move(handshake_->take_key_log(), std::back_inserter(out.key_log));
  // The keys go before the flight in Outputs: they are carried out first.
  send(handshake_->take_datagrams(), out);
  switch (handshake_->state()) {
    case DtlsHandshake::State::kRunning:
      return;
    case DtlsHandshake::State::kComplete:
      return complete(now, out);
    case DtlsHandshake::State::kFailed:
      const FailureReport failure = handshake_->failure();
      return fail(now, failure, out);
  }
}

void LinkHandshakes::complete(const Now& now, Outputs& out) {
  const Role role = handshake_->role();
  const bool is_rekey = current_.has_value();
  previous_ = std::move(current_);
  if (previous_) previous_->drop_final_flight();
  Agreed agreed = handshake_->take_agreed();
  if (link_.peer == wire::reload::NodeId{}) link_.peer = agreed.peer;
  link_.initiative = Initiative::kLowerNodeId;
  current_.emplace(share_.next_association, role, std::move(agreed), now.ns);
  if (++share_.next_association == 0) share_.next_association = 1;
  linger_until_ns_ = now.ns + share_.settings.linger_ns;
  end_handshake();
  wanted_ = false;
  start_at_ns_ = kNever;
  failures_ = 0;
  last_failure_ = {};
  ++share_.counters.completed;
  share_.counters.rekeyed += is_rekey ? 1 : 0;

  wire::shm::AssociationRecord& record = out.associations.emplace_back();
  record.slot = link_.slot;
  record.generation = link_.generation;
  current_->describe(record);
  out.reports.push_back(
      report(is_rekey ? LinkReport::Kind::kRekeyed : LinkReport::Kind::kSecured, role));
}

void LinkHandshakes::fail(const Now& now, const FailureReport& failure, Outputs& out) {
  const Role role = handshake_->role();
  end_handshake();
  HandshakeCounters& counters = share_.counters;
  ++counters.failed;
  counters.timed_out += failure.failure == Failure::kTimedOut ? 1 : 0;
  counters.certificates_refused += failure.failure == Failure::kCertificateRefused ? 1 : 0;
  counters.alerts_received += failure.failure == Failure::kPeerAlert ? 1 : 0;
  counters.yielded += failure.failure == Failure::kYielded ? 1 : 0;
  if (failure.failure != Failure::kYielded) ++failures_;
  last_failure_ = failure;
  LinkReport failed = report(LinkReport::Kind::kHandshakeFailed, role);
  failed.association = 0;
  if (wanted_ && link_.initiative != Initiative::kTheirs) {
    failed.retry_ns = retry_ns();
    want(now.ns + failed.retry_ns);
  }
  failed.failure = failure;
  out.reports.push_back(std::move(failed));
}

// --- inputs --------------------------------------------------------------------------------------

bool LinkHandshakes::may_yield(const Now& now) const noexcept {
  return !we_go_first() || now.ns - handshake_->progress_ns() >= kStandstillNs;
}

void LinkHandshakes::hear_client_hello(const Now& now, const wire::dtls::ClientHello& hello,
                                       std::span<const std::byte> datagram, Outputs& out) {
  const bool as_server = handshake_ && handshake_->role() == Role::kServer;
  if (accepted_at_ns_ != kNever && std::ranges::equal(hello.random, client_random_)) {
    ++share_.counters.unexpected;  // repeated or late; the handshake it began goes its own way
    return;
  }
  if (handshake_ && !as_server && !may_yield(now)) {
    ++share_.counters.glare_ignored;
    return;
  }
  if (accepted_at_ns_ != kNever && now.ns - accepted_at_ns_ < share_.settings.accept_interval_ns) {
    ++share_.counters.too_soon;
    return;
  }
  if (handshake_) {
    FailureReport yielded;
    yielded.failure = Failure::kYielded;
    fail(now, yielded, out);
  } else if (!has_room()) {
    return;
  }
  accepted_at_ns_ = now.ns;
  std::memcpy(client_random_.data(), hello.random.data(), client_random_.size());
  begin(now, Role::kServer, datagram.first(hello.record_bytes), out);
}

void LinkHandshakes::hear(const Now& now, std::span<const std::byte> datagram, Outputs& out) {
  for (const bool is_current : {true, false}) {
    std::optional<Established>& association = is_current ? current_ : previous_;
    if (!association) continue;
    const Established::Heard heard = association->hear(datagram);
    if (heard == Established::Heard::kNothing) continue;
    return hear_established(now, heard, is_current, out);
  }
  if (!handshake_ || !is_for(handshake_->role(), datagram)) {
    ++share_.counters.unexpected;
    return;
  }
  handshake_->receive(now, datagram);
  settle(now, out);
}

void LinkHandshakes::hear_established(const Now& now, Established::Heard heard, bool is_current,
                                      Outputs& out) {
  switch (heard) {
    case Established::Heard::kNothing:
    case Established::Heard::kOurs:
      return;
    case Established::Heard::kFinishedAgain:
      if (is_current) repeat_final_flight(*current_, out);
      return;
    case Established::Heard::kClosed:
    case Established::Heard::kFatalAlert:
      break;
  }
  ++share_.counters.closed;
  if (!is_current) {
    previous_.reset();
    return;
  }
  ++failures_;
  last_failure_ = {};
  last_failure_.failure =
      heard == Established::Heard::kClosed ? Failure::kPeerClosed : Failure::kPeerAlert;
  last_failure_.alert_received = heard == Established::Heard::kClosed ? 0 : current_->alert();
  LinkReport closed = report(LinkReport::Kind::kClosed, current_->role());
  closed.failure = last_failure_;
  closed.retry_ns = retry_ns();
  out.reports.push_back(std::move(closed));
  lose_associations();
  out.forgets.push_back({link_.slot, link_.generation});
  want(now.ns + retry_ns());
}

void LinkHandshakes::repeat_final_flight(Established& association, Outputs& out) {
  std::vector<Bytes> datagrams;
  Flight sealed_below;
  association.repeat_final_flight(datagrams, sealed_below);
  if (datagrams.empty() && sealed_below.empty()) return;
  ++share_.counters.repeated_final_flights;
  send(std::move(datagrams), out);
  for (FlightRecord& record : sealed_below) {
    out.records.push_back({link_.slot, link_.generation,
                           static_cast<std::uint8_t>(record.header.type), association.number(),
                           std::move(record.plaintext)});
  }
}

void LinkHandshakes::tick(const Now& now, Outputs& out) {
  if (now.ns >= linger_until_ns_) {
    linger_until_ns_ = kNever;
    previous_.reset();
    if (current_) current_->drop_final_flight();
  }
  if (handshake_ && now.ns >= handshake_->next_timer()) {
    handshake_->tick(now);
    settle(now, out);
  }
  if (!handshake_ && wanted_ && now.ns >= start_at_ns_) {
    if (has_room()) {
      begin(now, Role::kClient, {}, out);
    } else {
      start_at_ns_ = now.ns + share_.settings.first_retry_ns;
    }
  }
}

std::uint64_t LinkHandshakes::next_timer() const noexcept {
  const std::uint64_t handshake = handshake_ ? handshake_->next_timer() : kNever;
  return std::min({linger_until_ns_, start_at_ns_, handshake});
}

void LinkHandshakes::want_association(const Now& now, std::uint32_t association) {
  if (association != 0) {
    if (current_ && current_->number() == association) want(now.ns + patience_ns());
    return;
  }
  if (current_ && now.ns - current_->since_ns() < kInstallNs) return;
  lose_associations();
  want(now.ns + patience_ns());
}

void LinkHandshakes::adopt(const Now& now, std::uint32_t association) {
  if (current_) return;
  current_ = Established::adopted(association, now.ns);
  wanted_ = false;
  start_at_ns_ = kNever;
}

void LinkHandshakes::dataplane_restarted(const Now& now) {
  lose_associations();
  end_handshake();
  accepted_at_ns_ = kNever;
  failures_ = 0;
  start_at_ns_ = kNever;
  want(now.ns + patience_ns());
}

void LinkHandshakes::lose_associations() noexcept {
  current_.reset();
  previous_.reset();
  linger_until_ns_ = kNever;
}

void LinkHandshakes::close(Outputs& out) {
  if (current_) {
    static constexpr std::byte kWarning{1};
    static constexpr std::byte kCloseNotify{0};
    out.records.push_back({link_.slot,
                           link_.generation,
                           static_cast<std::uint8_t>(ContentType::kAlert),
                           current_->number(),
                           {kWarning, kCloseNotify}});
    out.forgets.push_back({link_.slot, link_.generation});
  }
  lose_associations();
  end_handshake();
  wanted_ = false;
  start_at_ns_ = kNever;
}

// --- outputs -------------------------------------------------------------------------------------

void LinkHandshakes::send(std::vector<Bytes> datagrams, Outputs& out) const {
  for (Bytes& datagram : datagrams) {
    out.datagrams.push_back({link_.slot, link_.generation, std::move(datagram)});
  }
}

LinkReport LinkHandshakes::report(LinkReport::Kind kind, Role role) const {
  LinkReport report;
  report.kind = kind;
  report.role = role;
  report.slot = link_.slot;
  report.generation = link_.generation;
  report.peer = link_.peer;
  if (current_) {
    report.aead = current_->aead();
    report.association = current_->number();
  }
  return report;
}

LinkSecurity LinkHandshakes::status() const {
  LinkSecurity status;
  status.slot = link_.slot;
  if (current_) {
    status.association = current_->number();
    status.aead = current_->aead();
    status.role = current_->role();
    status.since_ns = current_->since_ns();
    status.adopted = current_->is_adopted();
  }
  status.handshaking = handshake_ != nullptr;
  status.failures = failures_;
  status.next_attempt_ns = start_at_ns_;
  status.last_failure = last_failure_;
  return status;
}

}  // namespace controlplane::links
