// SPDX-License-Identifier: Apache-2.0

#include "controlplane/overlay/transactions.h"

#include <algorithm>
#include <string>
#include <utility>

namespace controlplane::overlay {

using wire::reload::Bytes;
using wire::reload::DestinationType;
using wire::reload::ErrorCode;
using wire::reload::MessageCode;
using wire::reload::NodeId;
using wire::reload::TransactionId;

namespace {

constexpr auto kErrorMessage = static_cast<std::uint16_t>(MessageCode::kError);

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

bool is_error_of_forwarders(std::uint16_t error_code) noexcept {
  switch (static_cast<ErrorCode>(error_code)) {
    case ErrorCode::kTtlExceeded:
    case ErrorCode::kUnsupportedForwardingOption:
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kInvalidMessage:
    case ErrorCode::kForbidden:
    case ErrorCode::kUnderlayDestinationUnreachable:
    case ErrorCode::kUnderlayTimeExceeded:
    case ErrorCode::kMessageExpired:
    case ErrorCode::kUpstreamMisrouting:
    case ErrorCode::kLoopDetected:
    case ErrorCode::kTtlHopsExceeded:
      return true;
    default:
      return false;
  }
}

Transactions::Transactions(const TransactionLimits& limits,
                           const topology::TopologyPlugin& topology, NodeCounters& counters)
    : limits_(limits), topology_(topology), counters_(counters) {}

bool Transactions::is_open(TransactionId id) const {
  return open_.contains(static_cast<std::uint64_t>(id));
}

void Transactions::send(const Now& now, std::uint64_t id, Open& open, Outputs& out) {
  ++open.sends;
  open.due_ns = std::min(now.ns + limits_.timer_ns, open.give_up_ns);
  due_.push({open.due_ns, id});
  out.messages.push_back({open.message, open.on_link, 0, id});
}

void Transactions::start(const Now& now, const Request& request, TransactionId id, Bytes message,
                         Outputs& out) {
  Open open;
  open.ticket = request.ticket;
  open.first_send_ns = now.ns;
  const std::uint64_t full = kMaxSends * limits_.timer_ns;
  open.give_up_ns =
      now.ns + (request.lifetime_ns == 0 ? full : std::min(request.lifetime_ns, full));
  open.code = static_cast<std::uint16_t>(request.code);
  open.on_link = request.on_link;
  open.message = std::move(message);
  const auto target = last_destination(request.destination_list);
  open.target.assign(target.entry.begin(), target.entry.end());
  const auto raw = static_cast<std::uint64_t>(id);
  Open& kept = open_.emplace(raw, std::move(open)).first->second;
  ++counters_.requests_sent;
  send(now, raw, kept, out);
}

bool Transactions::may_answer(const Open& open, const ParsedMessage& response,
                              const NodeId& signer) const {
  if (response.contents.message_code == kErrorMessage) {
    wire::reload::ErrorResponse error;
    if (wire::reload::parse_error_response(response.contents.body, error).ok() &&
        is_error_of_forwarders(error.error_code)) {
      return true;
    }
  }
  wire::reload::Destination target;
  if (!wire::reload::read_destination(open.target, target).ok()) return false;
  switch (target.type) {
    case DestinationType::kNode:
      // RFC 6940 section 6.3.4, check 1; a request to the wildcard is anybody's.
      return target.node_id().is_wildcard() || target.node_id() == signer;
    case DestinationType::kResource:
      return topology_.accepts_responder(target.value, signer);
    case DestinationType::kOpaque:
    case DestinationType::kInvalid:
      break;
  }
  return true;  // an opaque ID means something to its maker only
}

void Transactions::match(const Now& now, const ParsedMessage& response, const NodeId& signer,
                         Outputs& out) {
  const auto raw = static_cast<std::uint64_t>(response.header.transaction_id);
  const auto found = open_.find(raw);
  if (found == open_.end()) {
    ++counters_.answers_unmatched;
    return;
  }
  const Open& open = found->second;
  const std::uint16_t code = response.contents.message_code;
  // RFC 6940 section 6.3.3.1: a response's code is the request's plus one, or that of errors.
  if (code != open.code + 1 && code != kErrorMessage) {
    ++counters_.answers_wrong_code;
    return;
  }
  if (!may_answer(open, response, signer)) {
    ++counters_.answers_wrong_signer;
    return;
  }
  RequestResult result;
  result.ticket = open.ticket;
  result.transaction = response.header.transaction_id;
  result.rtt_ns = now.ns - open.first_send_ns;
  result.sends = open.sends;
  result.responder = signer;
  if (code == kErrorMessage) {
    wire::reload::ErrorResponse error;
    if (!wire::reload::parse_error_response(response.contents.body, error).ok()) {
      ++counters_.malformed;
      return;
    }
    result.outcome = Outcome::kError;
    result.error_code = error.error_code;
    result.text = text_of(error.error_info);
  } else {
    result.outcome = Outcome::kAnswered;
    result.body.assign(response.contents.body.begin(), response.contents.body.end());
    result.extensions.assign(response.contents.extensions.begin(),
                             response.contents.extensions.end());
  }
  ++counters_.answers_accepted;
  open_.erase(found);
  drop_settled();
  out.results.push_back(std::move(result));
}

void Transactions::expire(const Now& now, Outputs& out) {
  while (!due_.empty() && due_.top().ns <= now.ns) {
    const Due due = due_.top();
    due_.pop();
    const auto found = open_.find(due.transaction);
    if (found == open_.end() || found->second.due_ns != due.ns) continue;
    Open& open = found->second;
    if (open.sends < kMaxSends && now.ns < open.give_up_ns) {
      ++counters_.retransmissions;
      send(now, due.transaction, open, out);
      continue;
    }
    RequestResult result;
    result.ticket = open.ticket;
    result.transaction = TransactionId{due.transaction};
    result.outcome = Outcome::kTimedOut;
    result.rtt_ns = now.ns - open.first_send_ns;
    result.sends = open.sends;
    ++counters_.timeouts;
    open_.erase(found);
    out.results.push_back(std::move(result));
  }
  drop_settled();
}

void Transactions::drop_settled() {
  while (!due_.empty()) {
    const auto found = open_.find(due_.top().transaction);
    if (found != open_.end() && found->second.due_ns == due_.top().ns) return;
    due_.pop();
  }
}

std::uint64_t Transactions::next_deadline() const noexcept {
  return due_.empty() ? kNever : due_.top().ns;
}

void Transactions::cancel(const Cancel& tickets) {
  std::erase_if(open_, [&tickets](const auto& entry) {
    const std::uint64_t ticket = entry.second.ticket;
    return ticket >= tickets.first_ticket && ticket < tickets.end_ticket;
  });
  drop_settled();
}

}  // namespace controlplane::overlay
