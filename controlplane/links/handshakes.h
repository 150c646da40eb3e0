// SPDX-License-Identifier: Apache-2.0
// The DTLS handshakes of all links of a node: who begins, retries, glare, new keys for old.
//
// Every datagram is looked up by its endpoints first: where strangers are not wanted they cost a
// table look-up. A ClientHello without a valid cookie is answered from the datagram alone and
// leaves no trace (RFC 6347 section 4.2.1). Of a link at most one handshake is going on at a time.
//
// Who begins: SecureLink::initiative says it of the first handshake, if Node-IDs do not. By
// Node-IDs the lower one begins at once, the higher one after Settings::patience_ns; when both
// began, the handshake whose client has the lower Node-ID goes on. So it is with new keys. These
// always come from a whole new handshake on the same endpoints (RFC 6347 section 4.2.8), and the
// old association lives until the new one is complete.
//
// The hand-over: this side numbers the records of epoch 1 up to its Finished; from
// AssociationRecord::write_sequence on the dataplane does. What has to be said in epoch 1 later
// (Finished again, close_notify) goes down as PlainRecord. No record that OpenSSL sealed is ever
// sent: handshakes seal with the numbers they count themselves, so no nonce or number is used
// twice.
//
// Not thread safe. Steps allocate; a step that checks a certificate costs some milliseconds.
// Not injectable: OpenSSL's randomness, and the random keys of the cookies.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "controlplane/links/io.h"
#include "controlplane/links/secure_context.h"

namespace controlplane::links {

struct HandshakeSettings {
  wire::reload::NodeId self{};
  /// The number of the first association; those that follow count up from it. The dataplane refuses
  /// numbers it has seen, and outlives this process, so begin above any used before. Not 0.
  std::uint32_t first_association = 1;
  std::uint64_t patience_ns = 500 * kMillisecond;  ///< the higher Node-ID waits so long
  std::uint64_t long_patience_ns = 1 * kSecond;    ///< and so long with kTheirsFirst
  std::uint64_t first_retry_ns = 1 * kSecond;      ///< after a failure; doubles up to max_retry_ns
  std::uint64_t max_retry_ns = 60 * kSecond;
  std::uint64_t first_timeout_ns =
      1 * kSecond;  ///< flight without answer; doubles (RFC 6347 4.2.4.1)
  std::uint64_t handshake_lifetime_ns = 30 * kSecond;
  /// So long a peer that did not get our final flight may ask for it again, and so long the
  /// association before the current one counts.
  std::uint64_t linger_ns = 60 * kSecond;
  std::uint64_t accept_interval_ns =
      100 * kMillisecond;                   ///< between ClientHellos taken of one peer
  std::size_t max_half_open = 256;          ///< handshakes going on, all links
  std::size_t max_handshake_input = 65536;  ///< bytes one handshake may be fed
};

/// What happened so far; handshake_counter.def has the meanings.
struct HandshakeCounters {
#define HANDSHAKE_COUNTER(name, sentence) std::uint64_t name = 0;
#include "controlplane/links/handshake_counter.def"
#undef HANDSHAKE_COUNTER
};

/// The state of a link for show commands.
struct LinkSecurity {
  std::uint16_t slot = wire::shm::kNoLink;
  std::uint32_t association = 0;  ///< current one; 0: none
  wire::dtls::Aead aead{};        ///< its cipher
  Role role = Role::kClient;      ///< ours when it was made
  std::uint64_t since_ns = 0;     ///< when it was made
  bool handshaking = false;
  bool adopted = false;  ///< made by an earlier run of this process; its keys are unknown here
  std::uint32_t failures = 0;  ///< attempts since the last association
  std::uint64_t next_attempt_ns = kNever;
  FailureReport last_failure;  ///< kNone after a success
};

class Handshakes {
 public:
  /// @param context  for Transport::kDatagram
  Handshakes(const HandshakeSettings& settings, std::shared_ptr<const SecureContext> context);
  ~Handshakes();
  Handshakes(const Handshakes&) = delete;
  Handshakes& operator=(const Handshakes&) = delete;

  /// For handshakes that begin from now on: this node has a new certificate, or trusts other roots.
  void set_context(std::shared_ptr<const SecureContext> context);

  /// The DTLS links there are from now on, slots below wire::shm::kMaxLinks. A link that is new, or
  /// has another generation, peer or endpoints, starts from nothing; one that is gone is closed.
  void set_links(const Now& now, std::span<const SecureLink> links, Outputs& out);

  /// A datagram the dataplane handed up: handshake, change_cipher_spec or alert records. False when
  /// no link has these endpoints, and nothing was done.
  bool receive(const Now& now, const EndpointPair& endpoints, std::span<const std::byte> datagram,
               Outputs& out);
  /// A datagram from where no link leads. A ClientHello gets a cookie, and with a good one it comes
  /// out as an Admission; this object remembers nothing of it. Nobody is admitted with a shared
  /// secret, which does not say who somebody is, and while max_half_open handshakes are going on.
  void meet(const Now& now, const Stranger& stranger, std::span<const std::byte> datagram,
            Outputs& out);

  /// Everything that is due. Call at next_timer(), or more often.
  void tick(const Now& now, Outputs& out);
  /// ns as in Now, or kNever. Never too late, but may be too early: tick() then finds nothing due.
  [[nodiscard]] std::uint64_t next_timer() const noexcept;

  /// EventKind::kAssociationWanted: the keys numbered @p association are near a limit, or with 0:
  /// the dataplane has none. Requests about keys that are no longer current are ignored.
  void want_association(const Now& now, std::uint16_t slot, std::uint8_t generation,
                        std::uint32_t association, Outputs& out);
  /// A dataplane that ran before this process says that it has keys for a link. They are taken as
  /// good until it, or the peer, asks for new ones.
  void adopt(const Now& now, std::uint16_t slot, std::uint8_t generation,
             std::uint32_t association);
  /// The dataplane started anew: no association is left. All links begin again.
  void dataplane_restarted(const Now& now);

  /// Whether handshakes that begin from now on leave key log lines; at first they do, where the
  /// context has key_log.
  void log_keys(bool on) noexcept;

  [[nodiscard]] const HandshakeCounters& counters() const noexcept;
  [[nodiscard]] std::size_t half_open() const noexcept;
  [[nodiscard]] std::vector<LinkSecurity> status() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace controlplane::links
