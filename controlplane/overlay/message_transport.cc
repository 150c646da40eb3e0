// SPDX-License-Identifier: Apache-2.0

#include "controlplane/overlay/message_transport.h"

#include <string>
#include <utility>

#include "controlplane/overlay/configuration_sequence.h"
#include "wire/byte_order.h"

namespace controlplane::overlay {

using wire::reload::Bytes;
using wire::reload::ErrorCode;
using wire::reload::ForwardingHeader;
using wire::reload::MessageBuilder;
using wire::reload::MessageCode;
using wire::reload::TransactionId;

namespace {

/// Answers kept for repeated requests. Some 600 bytes each with an Ed25519 certificate inside.
constexpr std::size_t kRememberedAnswers = 8192;

bool has_critical_extension(std::span<const std::byte> extensions, std::uint16_t& type) {
  while (!extensions.empty()) {
    wire::reload::MessageExtension extension;
    if (!wire::reload::read_extension(extensions, extension).ok()) return false;
    if (extension.critical) {
      type = extension.type;
      return true;
    }
    extensions = extensions.subspan(extension.encoded.size());
  }
  return false;
}

void add(const std::optional<Extension>& extension, MessageBuilder& builder) {
  if (extension) builder.extension(extension->type, false, extension->contents);
}

}  // namespace

Answer Answer::error(ErrorCode code, std::string_view text) {
  return {MessageCode::kError,
          wire::reload::error_body(code, std::as_bytes(std::span(text.data(), text.size())))};
}

std::optional<Answer> refuse_request(const ParsedMessage& request, std::uint16_t our_sequence) {
  if (request.option_summary.destination_critical) {
    return Answer::error(ErrorCode::kUnsupportedForwardingOption,
                         "this node understands no forwarding option");
  }
  const std::uint16_t theirs = request.header.configuration_sequence;
  const bool any_sequence =
      theirs == kAnySequence &&
      request.contents.message_code == static_cast<std::uint16_t>(MessageCode::kConfigUpdateReq);
  if (!any_sequence) {
    const std::string ours = "configuration sequence here is " + std::to_string(our_sequence);
    switch (compare_sequence(theirs, our_sequence)) {
      case SequenceOrder::kOlder:
        return Answer::error(ErrorCode::kConfigTooOld, ours);
      case SequenceOrder::kNewer:
        return Answer::error(ErrorCode::kConfigTooNew, ours);
      case SequenceOrder::kSame:
        break;
    }
  }
  std::uint16_t type = 0;
  if (has_critical_extension(request.contents.extensions, type)) {
    return Answer::error(ErrorCode::kUnknownExtension,
                         "critical extension of type " + std::to_string(type));
  }
  return std::nullopt;
}

MessageTransport::MessageTransport(const Settings& settings, const std::vector<SigningName>& names,
                                   const Connections& connections, NodeCounters& counters)
    : settings_(settings),
      names_(names),
      connections_(connections),
      counters_(counters),
      memory_(settings.request_lifetime_ns(), kRememberedAnswers) {}

Bytes MessageTransport::request(const Request& request, TransactionId id) const {
  // B-47: whoever is to get a document has another one.
  const bool any = request.code == MessageCode::kConfigUpdateReq;
  MessageBuilder builder;
  builder.overlay(settings_.overlay)
      .configuration_sequence(any ? kAnySequence : settings_.configuration_sequence)
      .ttl(settings_.initial_ttl)
      .transaction(id)
      .max_response_length(request.max_response_length)
      .destination_entry(request.destination_list)
      .contents(request.code, request.body);
  add(request.extension, builder);
  return builder.sign(names_[request.identity].identity);
}

Bytes MessageTransport::sign_answer(const ParsedMessage& request, const Answer& answer) const {
  // The builder makes a whole message; only what the signature vouches for is kept.
  MessageBuilder builder;
  builder.overlay(settings_.overlay)
      .transaction(request.header.transaction_id)
      .destination(settings_.self)
      .contents(answer.code, answer.body);
  add(answer.extension, builder);
  const Bytes message = builder.sign(names_.front().identity);
  ForwardingHeader header;
  if (!wire::reload::parse_forwarding_header(message, header).ok()) return {};
  return {message.begin() + static_cast<std::ptrdiff_t>(header.size()), message.end()};
}

std::optional<Bytes> MessageTransport::way_back(const ParsedMessage& request,
                                                const Ingress& from) const {
  // RFC 6940 section 6.2.2: the node the request came from, then the Via List reversed (B-23).
  wire::reload::NodeId previous = settings_.self;
  if (from.slot != wire::shm::kNoLink) {
    const Connection* connection = connections_.behind(from);
    if (connection == nullptr) return std::nullopt;
    previous = connection->peer;
  }
  Bytes list(wire::reload::kNodeEntryBytes + request.via_list.size());
  if (wire::reload::write_node_entry(previous, list) == 0) return std::nullopt;
  wire::reload::reverse_list(request.via_list,
                             std::span(list).subspan(wire::reload::kNodeEntryBytes));
  return list;
}

Bytes MessageTransport::address(const ParsedMessage& request, const Bytes& destination_list,
                                std::span<const std::byte> payload) const {
  Bytes options(request.options.size());
  options.resize(wire::reload::copy_for_response(request.options, options));  // B-40, B-41
  ForwardingHeader header;
  header.overlay = settings_.overlay;
  header.configuration_sequence = settings_.configuration_sequence;
  header.ttl = settings_.initial_ttl;
  header.transaction_id = request.header.transaction_id;
  header.destination_list_length = static_cast<std::uint16_t>(destination_list.size());
  header.options_length = static_cast<std::uint16_t>(options.size());
  header.length = static_cast<std::uint32_t>(header.size() + payload.size());
  Bytes message(wire::reload::kFixedHeaderBytes);
  wire::reload::write_forwarding_header(header, message);
  message.insert(message.end(), destination_list.begin(), destination_list.end());
  message.insert(message.end(), options.begin(), options.end());
  message.insert(message.end(), payload.begin(), payload.end());
  return message;
}

std::optional<Bytes> MessageTransport::send(const ParsedMessage& request, const Ingress& from,
                                            const Answer& answer, Outputs& out) {
  const auto list = way_back(request, from);
  if (!list) {
    ++counters_.errors_suppressed;
    return std::nullopt;
  }
  Bytes payload = sign_answer(request, answer);
  Bytes message = address(request, *list, payload);
  bool error = answer.is_error();
  const std::uint32_t most = request.header.max_response_length;
  if (most != 0 && message.size() > most) {
    // RFC 6940 section 6.3.2: an error instead of exceeding the limit (B-42; which one: X-01).
    payload = sign_answer(request, Answer::error(ErrorCode::kResponseTooLarge, {}));
    message = address(request, *list, payload);
    error = true;
  }
  ++(error ? counters_.errors_sent : counters_.requests_served);
  out.messages.push_back({std::move(message), wire::shm::kNoLink, 0,
                          static_cast<std::uint64_t>(request.header.transaction_id)});
  return payload;
}

bool MessageTransport::repeat(const Now& now, const ParsedMessage& request, const Ingress& from,
                              Outputs& out) {
  const Bytes* payload = memory_.find(now, AnswerMemory::key_of(request));
  if (payload == nullptr) return false;
  if (const auto list = way_back(request, from)) {
    ++counters_.answers_repeated;
    out.messages.push_back({address(request, *list, *payload), wire::shm::kNoLink, 0,
                            static_cast<std::uint64_t>(request.header.transaction_id)});
  }
  return true;
}

void MessageTransport::answer(const Now& now, const ParsedMessage& request, const Ingress& from,
                              const Answer& answer, Outputs& out) {
  if (auto payload = send(request, from, answer, out)) {
    memory_.remember(now, AnswerMemory::key_of(request), std::move(*payload));
  }
}

void MessageTransport::refuse(const ParsedMessage& request, const Ingress& from,
                              const Answer& answer, Outputs& out) {
  static_cast<void>(send(request, from, answer, out));
}

}  // namespace controlplane::overlay
