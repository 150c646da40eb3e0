// SPDX-License-Identifier: Apache-2.0
// The operator's API: what hopsealctl and exporters ask a running control plane.
//
//   GET    /v1/status        the node, its dataplane, what the core counted
//   GET    /v1/links         protocol, keys, last handshake of each link
//   GET    /v1/evidence      what neighbours did that they should not have
//   GET    /v1/signers       checked and refused signers
//   GET    /v1/transactions  open requests and running pings
//   GET    /v1/overlay       this node's place in the overlay (overlay.h)
//   POST   /v1/membership    join or leave it
//   GET    /v1/configuration the configuration document in force (configuration.h)
//   POST   /v1/configuration a newer one
//   POST   /v1/ping          one JSON line per result, then a summary (ping_request.h)
//   POST   /v1/query         one question to another node, one JSON line (peer_query.h)
//   POST   /v1/rekey         new keys for one DTLS link or all of them (secure_links.h)
//   POST   /v1/keylog        NSS key log lines of new handshakes, until the client goes (key_log.h)
//   POST   /v1/trace         {"sample_one_in": n, "destination": Node-ID}; 0 switches off
//   POST   /v1/capture       {"path", "max_packets", "sample_one_in", "snap_bytes"}
//   DELETE /v1/capture
//   GET    /metrics          OpenMetrics
//
// A refusal is {"error": text} with a 4xx status; the text says what would be accepted.

#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>

#include "controlplane/admin/http_server.h"
#include "controlplane/admin/key_log.h"
#include "controlplane/admin/peer_query.h"
#include "controlplane/admin/ping_run.h"
#include "controlplane/control_plane.h"

namespace controlplane::admin {

class Api {
 public:
  static constexpr std::size_t kMaxPings = 16;
  static constexpr std::size_t kMaxQueries = 64;

  /// @p plane outlives this object, which becomes its result sink.
  Api(ControlPlane& plane, std::uint64_t started_unix_ms);

  /// An HttpEndpoint.
  [[nodiscard]] std::optional<HttpResponse> serve(
      const HttpRequest& request, const std::function<std::shared_ptr<LineStream>()>& open_stream);

  /// Sends the Pings that are due. Call before ControlPlane::turn().
  void turn(const overlay::Now& now);
  /// When turn() has something to send next.
  [[nodiscard]] std::uint64_t next_due_ns() const noexcept;

 private:
  [[nodiscard]] HttpResponse status() const;
  [[nodiscard]] HttpResponse evidence() const;
  [[nodiscard]] HttpResponse signers() const;
  [[nodiscard]] HttpResponse transactions() const;
  [[nodiscard]] HttpResponse set_trace(const std::string& body);
  [[nodiscard]] HttpResponse start_capture(const std::string& body);
  [[nodiscard]] HttpResponse stop_capture();
  [[nodiscard]] std::optional<HttpResponse> ping(
      const std::string& body, const std::function<std::shared_ptr<LineStream>()>& open_stream);
  [[nodiscard]] std::optional<HttpResponse> query(
      const std::string& body, const std::function<std::shared_ptr<LineStream>()>& open_stream);
  [[nodiscard]] std::optional<HttpResponse> needs_dataplane() const;
  void take(const overlay::RequestResult& result);

  struct OpenQuery {
    std::uint64_t ticket = 0;
    PeerQuery::Method method{};
    std::shared_ptr<LineStream> stream;
  };

  ControlPlane& plane_;
  std::uint64_t started_unix_ms_;
  overlay::Now now_;  // of the last turn
  std::list<PingRun> pings_;
  std::list<OpenQuery> queries_;
  KeyLog key_log_;
  std::uint64_t next_ticket_ = 1;
};

}  // namespace controlplane::admin
