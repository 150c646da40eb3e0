// SPDX-License-Identifier: Apache-2.0
// The handshakes of one link: its state machine. handshakes.h has the rules, and owns what all
// links share.

#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "controlplane/links/dtls_handshake.h"
#include "controlplane/links/established.h"
#include "controlplane/links/handshakes.h"
#include "wire/dtls/client_hello.h"

namespace controlplane::links {

/// What the links of a node share.
struct LinksShare {
  HandshakeSettings settings;
  std::shared_ptr<const SecureContext> context;
  HandshakeCounters counters;
  std::size_t half_open = 0;
  std::uint32_t next_association = 1;
  bool log_keys = true;
};

class LinkHandshakes {
 public:
  /// @param share  outlives this
  LinkHandshakes(LinksShare& share, const SecureLink& link, std::uint64_t now_ns);
  ~LinkHandshakes();
  LinkHandshakes(const LinkHandshakes&) = delete;
  LinkHandshakes& operator=(const LinkHandshakes&) = delete;

  /// @p hello lies at the start of @p datagram and has a good cookie.
  void hear_client_hello(const Now& now, const wire::dtls::ClientHello& hello,
                         std::span<const std::byte> datagram, Outputs& out);
  /// Anything that does not begin with a ClientHello.
  void hear(const Now& now, std::span<const std::byte> datagram, Outputs& out);
  void tick(const Now& now, Outputs& out);
  [[nodiscard]] std::uint64_t next_timer() const noexcept;

  void want_association(const Now& now, std::uint32_t association);
  void adopt(const Now& now, std::uint32_t association);
  void dataplane_restarted(const Now& now);
  /// Tells the peer and the dataplane that it is over.
  void close(Outputs& out);

  [[nodiscard]] const SecureLink& link() const noexcept { return link_; }
  [[nodiscard]] LinkSecurity status() const;

 private:
  [[nodiscard]] bool we_go_first() const noexcept;
  [[nodiscard]] std::uint64_t patience_ns() const noexcept;
  [[nodiscard]] std::uint64_t retry_ns() const noexcept;
  [[nodiscard]] bool may_yield(const Now& now) const noexcept;
  [[nodiscard]] bool has_room() noexcept;
  [[nodiscard]] DtlsHandshakeSettings handshake_settings() const noexcept;

  void begin(const Now& now, Role role, std::span<const std::byte> client_hello, Outputs& out);
  void settle(const Now& now, Outputs& out);
  void complete(const Now& now, Outputs& out);
  void fail(const Now& now, const FailureReport& failure, Outputs& out);
  void end_handshake() noexcept;
  void want(std::uint64_t at_ns) noexcept;
  void hear_established(const Now& now, Established::Heard heard, bool is_current, Outputs& out);
  void repeat_final_flight(Established& association, Outputs& out);
  void lose_associations() noexcept;
  void send(std::vector<Bytes> datagrams, Outputs& out) const;
  [[nodiscard]] LinkReport report(LinkReport::Kind kind, Role role) const;

  LinksShare& share_;
  SecureLink link_;
  std::unique_ptr<DtlsHandshake> handshake_;
  std::array<std::byte, wire::dtls::kRandomBytes> client_random_{};  // of the last as server
  std::uint64_t accepted_at_ns_ = kNever;
  std::optional<Established> current_;
  std::optional<Established> previous_;
  std::uint64_t linger_until_ns_ = kNever;  // then previous_ and final flights go

  bool wanted_ = true;  // a new association, whether or not there is one
  std::uint64_t start_at_ns_ = kNever;
  std::uint32_t failures_ = 0;
  FailureReport last_failure_;
};

}  // namespace controlplane::links
