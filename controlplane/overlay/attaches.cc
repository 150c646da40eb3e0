// SPDX-License-Identifier: Apache-2.0

#include "controlplane/overlay/attaches.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "wire/reload/attach.h"

namespace controlplane::overlay {

using wire::reload::AttachProblem;
using wire::reload::AttachSide;
using wire::reload::Bytes;
using wire::reload::ErrorCode;
using wire::reload::MessageCode;
using wire::reload::NodeId;
using wire::reload::OverlayLinkType;
using wire::shm::LinkProtocol;

namespace {

/// Of the candidates of a peer, so many are tried. It may list what it likes; each costs packets to
/// an address that it chose.
constexpr std::size_t kMaxAddresses = 4;

std::optional<LinkProtocol> protocol_of(OverlayLinkType type) noexcept {
  switch (type) {
    case OverlayLinkType::kDtlsUdpSrNoIce:
      return LinkProtocol::kDtls;
    case OverlayLinkType::kTlsTcpFhNoIce:
      return LinkProtocol::kVirtual;
    default:
      return std::nullopt;
  }
}

OverlayLinkType overlay_link_of(LinkProtocol protocol) noexcept {
  return protocol == LinkProtocol::kVirtual ? OverlayLinkType::kTlsTcpFhNoIce
                                            : OverlayLinkType::kDtlsUdpSrNoIce;
}

/// An address a node may be told to connect to: one host's, with a port. Which hosts besides is the
/// adapter's policy.
bool is_unicast(const wire::shm::Endpoint& endpoint) noexcept {
  const auto& address = endpoint.address;
  if (endpoint.port == 0) return false;
  if (endpoint.family == 4) return address[12] != 0 && address[12] < 224;
  return address[0] != 0xff &&
         std::any_of(address.begin(), address.end(), [](std::uint8_t byte) { return byte != 0; });
}

std::vector<LinkAddress> usable(std::span<const wire::reload::IceCandidate> candidates) {
  std::vector<LinkAddress> addresses;
  for (const wire::reload::IceCandidate& candidate : candidates) {
    const auto protocol = protocol_of(candidate.overlay_link);
    const std::span<const std::byte> address = candidate.addr_port.address;
    if (!protocol || !candidate.is_usable()) continue;
    LinkAddress usable{*protocol, {}};
    usable.endpoint.family = address.size() == 4 ? 4 : 6;
    usable.endpoint.port = candidate.addr_port.port;
    std::transform(address.begin(), address.end(),
                   usable.endpoint.address.end() - static_cast<std::ptrdiff_t>(address.size()),
                   [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
    if (!is_unicast(usable.endpoint)) continue;
    addresses.push_back(usable);
    if (addresses.size() == kMaxAddresses) break;
  }
  return addresses;
}

Bytes attach_body_of(std::span<const LinkAddress> addresses, std::string_view role,
                     bool send_update) {
  wire::reload::AttachReqAns attach;  // ufrag and password are empty without ICE
  attach.role = role;
  attach.send_update = send_update;
  auto priority = static_cast<std::uint32_t>(addresses.size());
  for (const LinkAddress& address : addresses) {
    const auto bytes = std::as_bytes(std::span(address.endpoint.address));
    wire::reload::IceCandidate candidate;
    candidate.addr_port = wire::reload::borrow_address(
        bytes.last(address.endpoint.family == 4 ? 4 : bytes.size()), address.endpoint.port);
    candidate.overlay_link = overlay_link_of(address.protocol);
    candidate.priority = priority--;
    candidate.type = wire::reload::CandType::kHost;
    attach.candidates.push_back(candidate);
  }
  return wire::reload::attach_body(attach);
}

}  // namespace

Bytes Attaches::request_body(bool send_update) const {
  return attach_body_of(settings_.addresses, wire::reload::kOffererRole, send_update);
}

void Attaches::requested(std::uint64_t request, std::uint64_t ticket,
                         const std::optional<NodeId>& node) {
  requested_.insert_or_assign(request, Requested{ticket, node});
}

void Attaches::answered(const Now& now, const RequestResult& result, bool is_linked, Outputs& out,
                        std::vector<Ended>& ended) {
  const auto found = requested_.find(result.ticket);
  if (found == requested_.end()) return;
  const Requested request = found->second;
  requested_.erase(found);
  const auto end_as = [&](Outcome outcome) {
    ended.push_back({request.ticket, outcome, result.error_code, result.responder});
  };
  if (result.outcome == Outcome::kError &&
      result.error_code == static_cast<std::uint16_t>(ErrorCode::kInProgress)) {
    // Its own Attach to us goes on (G-09, G-10), and makes the link we wanted.
    Forming& forming = forming_[result.responder];
    forming.give_up_ns = now.ns + settings_.link_wait_ns();
    forming.tickets.push_back(request.ticket);
    return;
  }
  if (result.outcome != Outcome::kAnswered) return end_as(result.outcome);
  if (is_linked) return end_as(Outcome::kAnswered);
  wire::reload::AttachReqAns attach;
  if (!wire::reload::parse_attach(result.body, attach).ok() ||
      check_attach(attach, AttachSide::kAnswer) != AttachProblem::kNone) {
    return end_as(Outcome::kRefused);
  }
  std::vector<LinkAddress> addresses = usable(attach.candidates);
  if (addresses.empty()) return end_as(Outcome::kRefused);
  Forming& forming = forming_[result.responder];
  forming.give_up_ns = now.ns + settings_.link_wait_ns();
  forming.ours_answered = true;
  forming.tickets.push_back(request.ticket);
  out.open_links.push_back({result.responder, false, std::move(addresses)});
}

Attaches::Served Attaches::serve(const Now& now, const NodeId& signer,
                                 std::span<const std::byte> body, bool is_linked, Outputs& out) {
  const auto refuse = [](ErrorCode code, std::string_view why) {
    return Served{Answer::error(code, why), std::nullopt, false};
  };
  wire::reload::AttachReqAns attach;
  if (!wire::reload::parse_attach(body, attach).ok()) {
    return refuse(ErrorCode::kInvalidMessage, "the Attach does not parse");
  }
  switch (check_attach(attach, AttachSide::kOffer)) {
    case AttachProblem::kWrongRole:
      return refuse(ErrorCode::kInvalidMessage, "the role of who asks is passive (6.5.1.1)");
    case AttachProblem::kMixesIceAndNoIce:
      return refuse(ErrorCode::kInvalidMessage, "candidates with and without ICE (6.5.1.1)");
    case AttachProblem::kNoUsableCandidate:
    case AttachProblem::kNone:
      break;
  }
  if (signer == settings_.self) {
    return refuse(ErrorCode::kForbidden, "a node has no link to itself");
  }
  std::vector<LinkAddress> addresses = usable(attach.candidates);
  if (addresses.empty() || settings_.addresses.empty()) {
    return refuse(ErrorCode::kIncompatibleWithOverlay,
                  "no candidate that this node can connect to; it speaks DTLS and TLS without ICE");
  }
  Served served;
  served.answer = {MessageCode::kAttachAns,
                   attach_body_of(settings_.addresses, wire::reload::kAnswererRole, false)};
  if (is_linked) {
    served.send_update = attach.send_update;
    return served;
  }
  const auto known = forming_.find(signer);
  if (known != forming_.end() && known->second.ours_answered) {
    return refuse(ErrorCode::kInProgress, {});  // G-09
  }
  if (known == forming_.end() && forming_.size() >= settings_.max_forming_links) {
    return refuse(ErrorCode::kRequestTimeout, "too many links are being made here; try later");
  }
  const auto ours = std::find_if(requested_.begin(), requested_.end(), [&](const auto& request) {
    return request.second.node == signer;
  });
  std::optional<std::uint64_t> ticket;
  if (ours != requested_.end()) {
    // G-10: the greater Node-ID's Attach goes on.
    if (signer < settings_.self) return refuse(ErrorCode::kInProgress, {});
    served.cancel_request = ours->first;
    ticket = ours->second.ticket;
    requested_.erase(ours);
  }
  Forming& forming = forming_[signer];
  forming.give_up_ns = now.ns + settings_.link_wait_ns();
  forming.send_update |= attach.send_update;
  if (ticket) forming.tickets.push_back(*ticket);
  out.open_links.push_back({signer, true, std::move(addresses)});
  return served;
}

void Attaches::end(const NodeId& peer, Outcome outcome, std::vector<Ended>& ended) {
  const auto found = forming_.find(peer);
  if (found == forming_.end()) return;
  for (const std::uint64_t ticket : found->second.tickets) {
    ended.push_back({ticket, outcome, 0, peer});
  }
  forming_.erase(found);
}

bool Attaches::linked(const NodeId& peer, std::vector<Ended>& ended) {
  const auto found = forming_.find(peer);
  const bool send_update = found != forming_.end() && found->second.send_update;
  end(peer, Outcome::kAnswered, ended);
  return send_update;
}

void Attaches::not_opened(const NodeId& peer, std::vector<Ended>& ended) {
  end(peer, Outcome::kTimedOut, ended);
}

void Attaches::expire(const Now& now, Outputs& out, std::vector<Ended>& ended) {
  for (auto row = forming_.begin(); row != forming_.end();) {
    const NodeId peer = row->first;
    const bool late = row->second.give_up_ns <= now.ns;
    ++row;
    if (!late) continue;
    out.forget_links.push_back(peer);
    end(peer, Outcome::kTimedOut, ended);
  }
}

std::uint64_t Attaches::next_deadline() const noexcept {
  std::uint64_t next = kNever;
  for (const auto& [peer, forming] : forming_) next = std::min(next, forming.give_up_ns);
  return next;
}

}  // namespace controlplane::overlay
