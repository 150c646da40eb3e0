// SPDX-License-Identifier: Apache-2.0
// Builds and signs what this node originates: requests, answers and errors.

#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "controlplane/overlay/answer.h"
#include "controlplane/overlay/answer_memory.h"
#include "controlplane/overlay/io.h"
#include "controlplane/overlay/node_counters.h"
#include "controlplane/overlay/parsed_message.h"
#include "controlplane/overlay/settings.h"

namespace controlplane::overlay {

/// Why a request that reached its destination gets an error before its method is looked at, in the
/// order of the checks: critical options (B-39), configuration sequence (B-43 to B-47), critical
/// extensions (F-11). nullopt: none.
[[nodiscard]] std::optional<Answer> refuse_request(const ParsedMessage& request,
                                                   std::uint16_t our_sequence);

class MessageTransport {
 public:
  /// Everything outlives this object.
  MessageTransport(const Settings& settings, const std::vector<SigningName>& names,
                   const Connections& connections, NodeCounters& counters);

  /// A signed request, TTL initial-ttl.
  [[nodiscard]] wire::reload::Bytes request(const Request& request,
                                            wire::reload::TransactionId id) const;

  /// Sends the remembered answer when there is one: true (F-06).
  [[nodiscard]] bool repeat(const Now& now, const ParsedMessage& request, const Ingress& from,
                            Outputs& out);
  /// Answers and remembers the answer.
  void answer(const Now& now, const ParsedMessage& request, const Ingress& from,
              const Answer& answer, Outputs& out);
  /// Answers without remembering: for messages that never reached their method.
  void refuse(const ParsedMessage& request, const Ingress& from, const Answer& answer,
              Outputs& out);

 private:
  [[nodiscard]] wire::reload::Bytes sign_answer(const ParsedMessage& request,
                                                const Answer& answer) const;
  [[nodiscard]] std::optional<wire::reload::Bytes> way_back(const ParsedMessage& request,
                                                            const Ingress& from) const;
  [[nodiscard]] wire::reload::Bytes address(const ParsedMessage& request,
                                            const wire::reload::Bytes& destination_list,
                                            std::span<const std::byte> payload) const;
  /// @returns the payload that was sent, or nothing when there is no way back
  [[nodiscard]] std::optional<wire::reload::Bytes> send(const ParsedMessage& request,
                                                        const Ingress& from, const Answer& answer,
                                                        Outputs& out);

  const Settings& settings_;
  const std::vector<SigningName>& names_;
  const Connections& connections_;
  NodeCounters& counters_;
  AnswerMemory memory_;
};

}  // namespace controlplane::overlay
