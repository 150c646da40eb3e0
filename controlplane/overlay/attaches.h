// SPDX-License-Identifier: Apache-2.0
// Links in the making: the Attach method without ICE (RFC 6940 sections 6.5.1 and 6.5.1.11;
// requirements G-01 to G-13, G-25 to G-28, X-30).
//
//   we ask:      wished -> AttachReq sent -> answered: the peer is awaited (we are TLS server)
//   we answer:   AttachReq served: we connect to the peer (we are TLS client)
//   either ends: linked, not opened, or nothing for link_wait_ns

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "controlplane/overlay/answer.h"
#include "controlplane/overlay/io.h"
#include "controlplane/overlay/settings.h"

namespace controlplane::overlay {

class Attaches {
 public:
  /// An Attach that ended.
  struct Ended {
    std::uint64_t ticket = 0;  ///< the wisher's
    Outcome outcome = Outcome::kTimedOut;
    std::uint16_t error_code = 0;
    wire::reload::NodeId peer;
  };

  /// How an AttachReq is answered, and what of our own it overtakes.
  struct Served {
    Answer answer;
    /// Our own request to the same node, which is not to be sent again (G-10).
    std::optional<std::uint64_t> cancel_request;
    bool send_update = false;  ///< there is a link already: the Update is due at once (G-04)
  };

  /// @param settings  outlives this object
  explicit Attaches(const Settings& settings) : settings_(settings) {}

  [[nodiscard]] wire::reload::Bytes request_body(bool send_update) const;
  /// An AttachReq went out for @p ticket.
  /// @param request  the ticket of its transaction
  /// @param node     whom it is for, unless it is for whoever is responsible for a Resource-ID
  void requested(std::uint64_t request, std::uint64_t ticket,
                 const std::optional<wire::reload::NodeId>& node);
  /// The transaction @p result.ticket of an AttachReq ended.
  /// @param is_linked  there is a working link to result.responder
  void answered(const Now& now, const RequestResult& result, bool is_linked, Outputs& out,
                std::vector<Ended>& ended);
  /// An AttachReq from @p signer. @param is_linked  there is a working link to it
  [[nodiscard]] Served serve(const Now& now, const wire::reload::NodeId& signer,
                             std::span<const std::byte> body, bool is_linked, Outputs& out);

  /// A link to @p peer is up. Returns true when it asked for an Update.
  bool linked(const wire::reload::NodeId& peer, std::vector<Ended>& ended);
  void not_opened(const wire::reload::NodeId& peer, std::vector<Ended>& ended);
  /// Gives up links that were not made in time.
  void expire(const Now& now, Outputs& out, std::vector<Ended>& ended);
  [[nodiscard]] std::uint64_t next_deadline() const noexcept;

  /// Links in the making, both ways.
  [[nodiscard]] std::size_t forming() const noexcept { return forming_.size(); }

 private:
  struct Requested {
    std::uint64_t ticket = 0;
    std::optional<wire::reload::NodeId> node;
  };
  struct Forming {
    std::uint64_t give_up_ns = 0;
    bool ours_answered = false;  // our Attach makes it: we are the server
    bool send_update = false;    // wanted by the peer
    std::vector<std::uint64_t> tickets;
  };

  void end(const wire::reload::NodeId& peer, Outcome outcome, std::vector<Ended>& ended);

  const Settings& settings_;
  std::map<std::uint64_t, Requested> requested_;  // by the ticket of the transaction
  std::map<wire::reload::NodeId, Forming> forming_;
};

}  // namespace controlplane::overlay
