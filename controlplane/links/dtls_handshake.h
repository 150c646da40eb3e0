// SPDX-License-Identifier: Apache-2.0
// One DTLS 1.2 handshake with one peer, by OpenSSL over memory (RFC 6347 section 4.2).
//
// OpenSSL writes the messages; this class numbers, seals, sends and repeats the records. So flights
// are repeated on our clock and not on OpenSSL's, which reads the time of day itself; it keeps a
// timer of its own that is set beyond any handshake's life. And so the sequence number the
// association goes on with is exact: nobody else counts.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "controlplane/links/datagram_bio.h"
#include "controlplane/links/flight.h"
#include "controlplane/links/io.h"
#include "controlplane/links/record_cipher.h"
#include "controlplane/links/secure_context.h"

namespace controlplane::links {

struct DtlsHandshakeSettings {
  wire::reload::NodeId peer;          ///< whose certificate is accepted; all zeros: anybody's
  std::size_t datagram_bytes = 1452;  ///< largest UDP payload; at least kMinDatagramBytes
  std::uint64_t first_timeout_ns = kSecond;
  std::uint64_t lifetime_ns = 30 * kSecond;
  std::size_t max_input = 65536;  ///< bytes
  bool log_keys = true;           ///< give out key log lines, if the context does
};
/// OpenSSL refuses less (256 bytes of IPv4).
inline constexpr std::size_t kMinDatagramBytes = 228;

/// What a complete handshake leaves.
struct Agreed {
  AssociationKeys keys;
  /// Next numbers of our epochs. Those of epoch 1 are the dataplane's from here on.
  Sequences sequences{};
  /// ChangeCipherSpec and Finished of a server, which a client that missed them asks for again by
  /// repeating its own Finished. Empty for a client: it spoke last but one.
  Flight final_flight;
  wire::reload::NodeId peer;  ///< whom the certificate named; all zeros with a shared secret
};

class DtlsHandshake {
 public:
  enum class State : std::uint8_t { kRunning, kComplete, kFailed };

  /// @param client_hello  of a server: the datagram, its cookie checked; of a client: empty
  /// What is to be sent is in take_datagrams(), as after every other step.
  DtlsHandshake(std::shared_ptr<const SecureContext> context, Role role,
                const DtlsHandshakeSettings& settings, const Now& now,
                std::span<const std::byte> client_hello);
  ~DtlsHandshake();
  DtlsHandshake(const DtlsHandshake&) = delete;
  DtlsHandshake& operator=(const DtlsHandshake&) = delete;

  /// One datagram from the peer, or from somebody who says so. Not after the end. Anybody can send
  /// an alert in clear, so a fatal one ends the handshake only when nothing else moves it on.
  void receive(const Now& now, std::span<const std::byte> datagram);
  /// Repeats the flight or gives up when it is time to.
  void tick(const Now& now);
  [[nodiscard]] std::uint64_t next_timer() const noexcept;  ///< kNever after the end

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] Role role() const noexcept { return role_; }
  [[nodiscard]] const FailureReport& failure() const noexcept { return failure_; }  ///< kFailed
  /// Once, in kComplete.
  [[nodiscard]] Agreed take_agreed();
  /// UDP payloads to be sent in this order, the last alert of a failed handshake included.
  [[nodiscard]] std::vector<Bytes> take_datagrams();
  [[nodiscard]] std::vector<std::string> take_key_log();
  /// When the peer last made us go on; the beginning when it never did.
  [[nodiscard]] std::uint64_t progress_ns() const noexcept { return progress_ns_; }
  [[nodiscard]] std::uint64_t repeated_flights() const noexcept { return repeated_flights_; }

 private:
  [[nodiscard]] const AssociationKeys& keys() const noexcept;
  [[nodiscard]] bool attach();
  [[nodiscard]] bool listen(std::span<const std::byte> client_hello);
  [[nodiscard]] bool may_feed(const Now& now, std::span<const std::byte> datagram);
  void note_alert(const Now& now, std::span<const std::byte> alert);
  void advance(const Now& now);
  [[nodiscard]] std::optional<Flight> take_written();
  void send_written(const Now& now);
  void send_last_words();
  void complete();
  void send_alert(std::uint8_t description);
  void fail(Failure failure, std::string detail);

  std::shared_ptr<const SecureContext> context_;
  Role role_;
  DtlsHandshakeSettings settings_;
  State state_ = State::kRunning;
  FailureReport failure_;

  DatagramPort port_;
  PeerCheck check_;
  std::vector<std::string> key_log_;
  ssl_st* ssl_ = nullptr;  // gone as soon as the handshake ends

  std::optional<AssociationKeys> keys_;
  Sequences sequences_{};
  bool numbered_ = false;
  Flight flight_;
  std::vector<Bytes> datagrams_;

  std::uint64_t progress_ns_;
  std::uint64_t deadline_ns_;
  std::uint64_t timeout_ns_;
  std::uint64_t repeat_at_ns_ = kNever;
  std::uint64_t alert_counts_at_ns_ = kNever;
  int alert_in_clear_ = kNoAlert;
  std::uint64_t repeated_flights_ = 0;
  std::size_t input_bytes_ = 0;
  std::size_t early_records_ = 0;
};

}  // namespace controlplane::links
