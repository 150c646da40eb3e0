// SPDX-License-Identifier: Apache-2.0
// One question to another node of the overlay, for an operator: POST /v1/query.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/node_config.h"
#include "controlplane/overlay/io.h"

namespace controlplane::admin {

struct PeerQuery {
  enum class Method : std::uint8_t {
    kProbe,       ///< what does it say of itself? (RFC 6940 section 6.4.2.5)
    kRouteQuery,  ///< where would it send a message to? (section 6.4.2.4)
  };
  Method method = Method::kProbe;
  overlay::Request request;  ///< without a ticket
};

/// {"method": "probe"|"route_query", "of": entry, "destination": entry, "timeout_ms": n}, entries
/// as encode_destination() reads them; the destination belongs to route_query alone. nullopt with
/// @p why, which names key and what is accepted.
[[nodiscard]] std::optional<PeerQuery> parse_query(std::string_view json,
                                                   const config::NodeConfig& config,
                                                   std::string& why);

/// The answer as one line of JSON: what add_result() says; of a Probe what the node told, in
/// responsible_ppb, num_resources and uptime_s; of a RouteQuery next_peer. An answer with another
/// body than its method's has the status malformed.
[[nodiscard]] std::string describe_answer(PeerQuery::Method method,
                                          const overlay::RequestResult& result);

}  // namespace controlplane::admin
