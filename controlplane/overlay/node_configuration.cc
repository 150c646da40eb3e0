// SPDX-License-Identifier: Apache-2.0
// ConfigUpdate: how a newer configuration document comes to this node, what it changes at once, and
// who is told (RFC 6940 sections 6.3.2.1 and 6.5.4; requirements B-44 to B-47, E-22, G-35 to G-41).

#include <algorithm>
#include <string>
#include <utility>

#include "config/node_config.h"
#include "controlplane/overlay/node.h"
#include "controlplane/overlay/ping.h"
#include "wire/reload/config_update.h"
#include "wire/reload/destination.h"

namespace controlplane::overlay {

using wire::reload::ConfigUpdateReq;
using wire::reload::ConfigUpdateType;
using wire::reload::ErrorCode;
using wire::reload::MessageCode;
using wire::reload::NodeId;

namespace {

/// The same document goes to the same node no more often. Whose word we have for it that its own is
/// older is not known: the number in a header is not signed.
constexpr std::uint64_t kTellAgainNs = 10'000 * kMillisecond;
/// Nodes that were told and may not be told again yet; while there are so many, no other is.
constexpr std::size_t kMostTold = 1024;

}  // namespace

void Node::follow(ConfigurationDocument& document) {
  document_ = &document;
  document.apply(settings_);
  signers_.ban([&document](const NodeId& id) { return document.is_bad_node(id); });
}

bool Node::is_banned(const NodeId& id) const noexcept {
  return document_ != nullptr && document_->is_bad_node(id);
}

Answer Node::serve_config_update(const Now& now, const ParsedMessage& request, Outputs& out) {
  if (document_ == nullptr) {
    return Answer::error(ErrorCode::kForbidden, "this node follows no configuration document");
  }
  ConfigUpdateReq update;
  if (!wire::reload::parse_config_update_request(request.contents.body, update).ok()) {
    return Answer::error(ErrorCode::kInvalidMessage, "the ConfigUpdate does not parse");
  }
  std::optional<ConfigurationDocument::Refusal> refusal;
  switch (update.type) {
    case ConfigUpdateType::kConfig:
      refusal = document_->adopt(now, update.config_data);
      break;
    case ConfigUpdateType::kKind:
      for (const std::span<const std::byte> block : update.kinds) {
        if (!refusal) refusal = document_->adopt_kind(now, block);
      }
      break;
    default:
      return Answer::error(ErrorCode::kInvalidMessage, "type: config and kind are known here");
  }
  if (refusal) {
    ++counters_.configurations_refused;
    return Answer::error(refusal->code, refusal->why);
  }
  if (update.type == ConfigUpdateType::kConfig) adopted(now, out);
  return {MessageCode::kConfigUpdateAns, {}};
}

void Node::take(const Now& now, const NewDocument& offer, Outputs& out) {
  RequestResult result;
  result.ticket = offer.ticket;
  result.outcome = Outcome::kRefused;
  if (document_ == nullptr) {
    result.text = "this node follows no configuration document; name one as overlay.document";
  } else if (auto refusal = document_->adopt(now, std::as_bytes(std::span(offer.file)))) {
    ++counters_.configurations_refused;
    result.text = std::move(refusal->why);
  } else {
    result.outcome = Outcome::kAnswered;
    adopted(now, out);
  }
  out.results.push_back(std::move(result));
}

/// A document has come into force.
void Node::adopted(const Now& now, Outputs& out) {
  ++counters_.configurations_adopted;
  document_->apply(settings_);
  told_.clear();
  out.notes.push_back({Note::Level::kNormal,
                       "configuration " + std::to_string(document_->sequence()) + " is in force"});
  signers_.judge_again(now, out);
  for (const Connection& connection : connections_.rows()) {
    if (!is_banned(connection.peer)) {
      tell_configuration(now, connection.peer, out);
      continue;
    }
    out.notes.push_back({Note::Level::kWarning, "link " + std::to_string(connection.slot) + " to " +
                                                    config::to_string(connection.peer) +
                                                    ": ends, for it is a bad node now"});
    out.close_links.push_back({connection.slot, connection.generation});
  }
}

/// G-35: @p node has an older document than ours, or so it looks.
void Node::tell_configuration(const Now& now, const NodeId& node, Outputs& out) {
  if (document_ == nullptr || node == settings_.self) return;
  std::erase_if(told_, [&now](const auto& told) { return told.second <= now.ns; });
  if (told_.size() >= kMostTold || !told_.try_emplace(node, now.ns + kTellAgainNs).second) return;
  ConfigUpdateReq update;
  update.type = ConfigUpdateType::kConfig;
  update.config_data = document_->file();
  Request request;
  request.destination_list.resize(wire::reload::kNodeEntryBytes);
  if (wire::reload::write_node_entry(node, request.destination_list) == 0) return;
  request.code = MessageCode::kConfigUpdateReq;
  request.body = wire::reload::config_update_request_body(update);
  ++counters_.configurations_told;
  take(now, request, out);
}

/// What a result says of the responder's document: B-45. Of one that is newer than ours we are
/// told, unless we are not routed to yet; then the nodes we have links to are asked, by a Ping,
/// which is refused like any request with an old number.
void Node::compare_documents(const Now& now, const RequestResult& result, Outputs& out) {
  if (result.outcome != Outcome::kError || document_ == nullptr) return;
  if (result.error_code == static_cast<std::uint16_t>(ErrorCode::kConfigTooNew)) {
    tell_configuration(now, result.responder, out);
  }
  if (result.error_code != static_cast<std::uint16_t>(ErrorCode::kConfigTooOld) ||
      now.ns < next_asking_ns_) {
    return;
  }
  next_asking_ns_ = now.ns + kTellAgainNs;
  for (const Connection& connection : connections_.rows()) {
    if (!is_usable(connection.slot)) continue;
    Request ping;
    ping.destination_list.resize(wire::reload::kNodeEntryBytes);
    if (wire::reload::write_node_entry(connection.peer, ping.destination_list) == 0) continue;
    ping.body = wire::reload::ping_request_body(0);
    take(now, ping, out);
  }
}

}  // namespace controlplane::overlay
