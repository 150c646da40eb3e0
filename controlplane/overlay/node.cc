// SPDX-License-Identifier: Apache-2.0

#include "controlplane/overlay/node.h"

#include <algorithm>
#include <string>
#include <utility>

#include "config/node_config.h"
#include "controlplane/overlay/configuration_sequence.h"
#include "controlplane/overlay/ping.h"
#include "wire/byte_order.h"

namespace controlplane::overlay {

using wire::reload::Bytes;
using wire::reload::ErrorCode;
using wire::reload::MessageCode;
using wire::reload::TransactionId;

namespace {

/// How often old refusals and fragments are looked for.
constexpr std::uint64_t kSweepNs = 1000 * kMillisecond;
/// How often a failed link is tried with a Ping. Nothing else would notice that it works again,
/// because no route leads over it.
constexpr std::uint64_t kProbeNs = 1000 * kMillisecond;

Settings checked(Settings settings) {
  settings.reliability_timer_ms = std::max(settings.reliability_timer_ms, 200U);  // F-01
  return settings;
}

void note_link(const Connection& connection, Note::Level level, const std::string& what,
               Outputs& out) {
  out.notes.push_back({level, "link " + std::to_string(connection.slot) + " to " +
                                  config::to_string(connection.peer) + ": " + what});
}

RequestResult refused(const Request& request, std::string why) {
  RequestResult result;
  result.ticket = request.ticket;
  result.outcome = Outcome::kRefused;
  result.text = std::move(why);
  return result;
}

}  // namespace

Node::Node(const Settings& settings, std::vector<SigningName> names,
           std::vector<Connection> connections, topology::TopologyPlugin& topology,
           trust::JudgeSigner judge, RandomSource random)
    : settings_(checked(settings)),
      names_(std::move(names)),
      connections_(std::move(connections)),
      topology_(topology),
      random_(std::move(random)),
      signers_(std::move(judge), settings_.max_signers, counters_),
      transactions_({settings_.timer_ns(), settings_.max_transactions}, topology_, counters_),
      transport_(settings_, names_, connections_, counters_),
      reassembly_({.lifetime_ns = settings_.reassembly_timeout_ms * kMillisecond,
                   .message_bytes = settings_.max_message_size}),
      attaches_(settings_) {}

void Node::step(const Now& now, const Input& input, Outputs& out) {
  const std::size_t before = out.messages.size();
  const std::size_t first_result = out.results.size();
  std::visit([&](const auto& kind) { take(now, kind, out); }, input);
  settle(now, first_result, out);
  for (Outgoing& message : std::span(out.messages).subspan(before)) {
    const Connection* connection = connections_.by_slot(message.on_link);
    if (connection != nullptr) message.generation = connection->generation;
  }
}

std::uint64_t Node::next_deadline() const noexcept {
  if (!wishes_.empty() || !ended_.empty()) return 0;
  std::uint64_t next = std::min(
      {transactions_.next_deadline(), topology_.next_deadline(), attaches_.next_deadline()});
  for (const auto& [slot, due_ns] : next_probe_ns_) next = std::min(next, due_ns);
  // A node with nothing to forget is not woken.
  if (reassembly_.size() != 0 || signers_.refused() != 0) next = std::min(next, next_sweep_ns_);
  return next;
}

const trust::Signer* Node::attribute(const Now& now, const ParsedMessage& message, bool verified,
                                     Outputs& out) {
  trust::Signer* signer = signers_.resolve(now, message, out);
  if (signer == nullptr || signer->record.refused != 0 ||
      signer->record.expires_unix_s <= now.unix_s()) {
    return nullptr;
  }
  // RFC 6940 section 6.3.4: the destination verifies (E-10), unless the dataplane just did.
  return verified || signers_.verify(*signer, message) ? signer : nullptr;
}

void Node::take(const Now& now, const Delivery& delivery, Outputs& out) {
  wire::reload::ForwardingHeader header;
  if (!wire::reload::parse_forwarding_header(delivery.bytes, header).ok()) {
    ++counters_.malformed;
    return;
  }
  if (header.fragment.is_whole()) {
    take_message(now, delivery.bytes, delivery.from, delivery.verified, out);
    return;
  }
  ++counters_.fragments;
  Reassembled whole;
  switch (reassembly_.add(now, delivery, whole)) {
    case Reassembly::Verdict::kHeld:
      break;
    case Reassembly::Verdict::kDropped:
      ++counters_.reassembly_dropped;
      break;
    case Reassembly::Verdict::kComplete:
      ++counters_.reassembled;
      take_message(now, whole.message, delivery.from, whole.verified, out);
      break;
  }
}

void Node::take_message(const Now& now, std::span<const std::byte> bytes, const Ingress& from,
                        bool verified, Outputs& out) {
  ParsedMessage message;
  if (!parse_message(bytes, message).ok() || message.header.overlay != settings_.overlay) {
    ++counters_.malformed;
    return;
  }
  const trust::Signer* signer = attribute(now, message, verified, out);
  if (signer == nullptr) {
    ++counters_.unattributed;
    return;
  }
  if (message.is_request()) {
    serve(now, message, signer->record.node_id, from, out);
  } else {
    const std::size_t results = out.results.size();
    transactions_.match(now, message, signer->record.node_id, out);
    if (out.results.size() != results)
      compare_documents(now, RequestResult(out.results.back()), out);
  }
}

void Node::serve(const Now& now, const ParsedMessage& request, const wire::reload::NodeId& signer,
                 const Ingress& from, Outputs& out) {
  if (transport_.repeat(now, request, from, out)) return;
  if (const auto refusal = refuse_request(request, settings_.configuration_sequence)) {
    transport_.answer(now, request, from, *refusal, out);
    if (compare_sequence(request.header.configuration_sequence, settings_.configuration_sequence) ==
        SequenceOrder::kOlder) {
      tell_configuration(now, signer, out);  // B-44
    }
    return;
  }
  const auto answer = [&]() -> Answer {
    switch (static_cast<MessageCode>(request.contents.message_code)) {
      case MessageCode::kPingReq:
        if (const Connection* connection = connections_.behind(from);
            connection != nullptr && connection->peer == signer) {
          topology_.pinged(now, signer, wishes_);
        }
        return answer_ping(now, request, random_());
      case MessageCode::kConfigUpdateReq:
        return serve_config_update(now, request, out);
      case MessageCode::kAttachReq:
        return serve_attach(now, request, signer, out);
      default:
        return serve_topology(now, request, signer, from);
    }
  };
  transport_.answer(now, request, from, answer(), out);
}

void Node::take(const Now& now, const Refusal& refusal, Outputs& out) {
  const auto code = answer_to(refusal.reason);
  ParsedMessage request;
  // Cheapest first: a signature check is made only for what may be answered at all. Responses and
  // errors are never answered, nor is anything that nobody can be shown to have signed.
  if (!code || !parse_message(refusal.bytes, request).ok() || !request.is_request() ||
      request.header.overlay != settings_.overlay || !error_meter_.allow(now, refusal.from.slot) ||
      attribute(now, request, refusal.verified, out) == nullptr) {
    ++counters_.errors_suppressed;
    return;
  }
  const auto& reason = wire::shm::kDropReasons[static_cast<std::size_t>(refusal.reason)];
  transport_.refuse(request, refusal.from, Answer::error(*code, reason.text), out);
}

void Node::take(const Now& now, const UnknownSigner& unknown, Outputs& out) {
  ParsedMessage message;
  if (!parse_message(unknown.bytes, message).ok()) {
    ++counters_.malformed;
    return;
  }
  const std::size_t before = out.commands.size();
  const trust::Signer* signer = signers_.resolve(now, message, out);
  if (signer != nullptr && out.commands.size() == before) {
    // Known here, so the dataplane has lost it or has not seen the command yet: tell it again.
    wire::shm::Command command;
    command.kind = wire::shm::CommandKind::kUpsertSigner;
    command.signer = signer->record;
    out.commands.push_back(command);
  }
}

void Node::take(const Now& now, const TooLarge& message, Outputs& out) {
  if (message.header.size() < wire::reload::kFixedHeaderBytes) return;
  // As of a message that ends here.
  Bytes header(message.header.begin(), message.header.end());
  wire::store_be32(header.data() + wire::reload::header_offset::kLength,
                   static_cast<std::uint32_t>(header.size()));
  ParsedMessage request;
  // Nobody can be shown to have signed it. Still it is answered (C-34): on a connection whose peer
  // is authenticated and which ends with it.
  if (!parse_routing(header, request).ok() || request.header.overlay != settings_.overlay ||
      !error_meter_.allow(now, message.from.slot)) {
    ++counters_.errors_suppressed;
    return;
  }
  transport_.refuse(
      request, message.from,
      Answer::error(ErrorCode::kMessageTooLarge,
                    "max-message-size is " + std::to_string(settings_.max_message_size)),
      out);
}

void Node::take(const Now& now, const wire::shm::Event& event, Outputs& out) {
  const Connection* connection = connections_.behind({event.link_slot, event.generation});
  if (event.kind == wire::shm::EventKind::kEvidence) {
    if (evidence_.add(now, event) && connection != nullptr) {
      const auto reason = static_cast<std::size_t>(event.reason);
      note_link(*connection, Note::Level::kWarning,
                std::string(trust::accuses_neighbour(event.reason)
                                ? "first evidence against its node: "
                                : "somebody sends forged packets in its name: ") +
                    (reason < wire::shm::kDropReasonCount ? wire::shm::kDropReasons[reason].text
                                                          : "unknown reason"),
                out);
    }
    return;
  }
  if (connection == nullptr) return;
  if (event.kind == wire::shm::EventKind::kLinkUp) {
    next_probe_ns_.erase(event.link_slot);
    note_link(*connection, Note::Level::kNormal, "is up", out);
  } else {
    next_probe_ns_.try_emplace(event.link_slot, now.ns + kProbeNs);
    note_link(*connection, Note::Level::kWarning, "has failed: no acks; trying again", out);
  }
  follow_link(now, event.link_slot);
}

void Node::take(const Now& now, const LinkKeys& keys, Outputs& /*out*/) {
  if (connections_.behind(keys.link) == nullptr) return;
  if (keys.present) {
    keyless_.erase(keys.link.slot);
  } else {
    keyless_.insert(keys.link.slot);
  }
  follow_link(now, keys.link.slot);
}

void Node::follow_link(const Now& now, std::uint16_t slot) {
  topology_.link_changed(now, slot, is_usable(slot), wishes_);
}

void Node::take(const Now& now, const Request& request, Outputs& out) {
  const auto refuse = [&](std::string why) {
    ++counters_.requests_refused;
    out.results.push_back(refused(request, std::move(why)));
  };
  if (request.identity >= names_.size()) {
    refuse("no such identity; this node has " + std::to_string(names_.size()));
    return;
  }
  if (request.destination_list.empty() || request.destination_list.size() > 0xffff ||
      !wire::reload::check_destination_list(request.destination_list,
                                            wire::reload::ListKind::kDestination)
           .ok()) {
    refuse("the Destination List is malformed");
    return;
  }
  if (!transactions_.has_room()) {
    refuse(std::to_string(transactions_.limits().open) +
           " transactions are open, which is the limit; wait for answers");
    return;
  }
  // Random, so that no two requests share one and nobody guesses it (F-09).
  TransactionId id{random_()};
  while (transactions_.is_open(id)) id = TransactionId{random_()};
  Bytes message = transport_.request(request, id);
  if (message.size() > settings_.max_message_size) {
    refuse("the message has " + std::to_string(message.size()) +
           " bytes; overlay.max_message_size is " + std::to_string(settings_.max_message_size));
    return;
  }
  transactions_.start(now, request, id, std::move(message), out);
}

void Node::take(const Now& /*now*/, const Cancel& cancel, Outputs& /*out*/) {
  transactions_.cancel(cancel);
}

void Node::take(const Now& now, const Tick& /*tick*/, Outputs& out) {
  transactions_.expire(now, out);
  probe_failed_links(now, out);
  attaches_.expire(now, out, ended_);
  topology_.tick(now, wishes_);
  if (now.ns < next_sweep_ns_) return;
  next_sweep_ns_ = now.ns + kSweepNs;
  counters_.reassembly_dropped += reassembly_.expire(now);
  signers_.expire(now, out);
}

void Node::probe_failed_links(const Now& now, Outputs& out) {
  for (auto& [slot, due_ns] : next_probe_ns_) {
    if (now.ns < due_ns) continue;
    due_ns = now.ns + kProbeNs;
    if (keyless_.contains(slot)) continue;
    const Connection* connection = connections_.by_slot(slot);
    Request probe;
    probe.destination_list.resize(wire::reload::kNodeEntryBytes);
    if (wire::reload::write_node_entry(connection->peer, probe.destination_list) == 0) continue;
    probe.body = wire::reload::ping_request_body(0);
    probe.on_link = slot;
    probe.lifetime_ns = kProbeNs;
    take(now, probe, out);
  }
}

}  // namespace controlplane::overlay
