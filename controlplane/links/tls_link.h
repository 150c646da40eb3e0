// SPDX-License-Identifier: Apache-2.0
// One connection of type TLS-TCP-FH-NO-ICE (RFC 6940 section 6.6.5; requirements C-01 to C-09, C-23
// to C-25, C-34 to C-36): TLS 1.2 or 1.3 by OpenSSL over memory, and the framing header inside.
//
// No socket and no clock: bytes of the stream in, messages out, bytes of the stream out. The first
// handshake is the only one. TCP delivers, so nothing is repeated; acks measure the round trip, and
// when one is missing for an RTO the link counts as failed (it is to leave the Routing Table) until
// acks come again, or 30 s have passed and it is over.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "controlplane/links/io.h"
#include "controlplane/links/rto.h"
#include "controlplane/links/secure_context.h"
#include "wire/reload/link_framing.h"
#include "wire/reload/stream_framing.h"

namespace controlplane::links {

struct TlsLinkSettings {
  std::uint32_t max_message_size = 5000;      ///< bytes (J-30)
  std::size_t max_backlog = 1U << 20U;        ///< bytes of the stream that wait for the socket
  std::uint64_t handshake_ns = 10 * kSecond;  ///< for TCP and TLS together
  std::uint64_t failed_kept_ns = 30 * kSecond;
  std::uint64_t stalled_ns = 30 * kSecond;  ///< the socket takes nothing of what waits
  std::uint64_t idle_ns = kNever;           ///< nothing comes in; off: applications may be silent
};

struct TlsEvent {
  enum class Kind : std::uint8_t {
    kUp,         ///< peer is authenticated; messages may be sent
    kFailed,     ///< no ack for an RTO: take the link out of the Routing Table
    kRecovered,  ///< acks came again
    /// A message above max_message_size begins with header. Nothing is read any more: answer with
    /// Error_Message_Too_Large by send(), then close() (C-34).
    kTooLarge,
    kClosed,  ///< it is over; what take_output() still gives goes out, then the socket is closed
  };
  Kind kind = Kind::kClosed;
  wire::reload::NodeId peer{};  ///< when it is known
  Bytes header;                 ///< kTooLarge: the forwarding header
  FailureReport failure;        ///< kClosed; kNone when we closed it
};

struct TlsOutputs {
  std::vector<Bytes> messages;
  std::vector<TlsEvent> events;
  std::vector<std::string> key_log;  ///< secret, wiped; only when the context asks for it

  TlsOutputs() = default;
  ~TlsOutputs() {
    for (std::string& line : key_log) wipe(std::as_writable_bytes(std::span(line)));
  }
  TlsOutputs(const TlsOutputs&) = delete;
  TlsOutputs& operator=(const TlsOutputs&) = delete;
};

struct TlsLinkCounters {
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t acks_in = 0;
  std::uint64_t stray_acks = 0;  ///< of frames that are not open; ignored
  std::uint64_t failures = 0;
};

class TlsLink {
 public:
  /// @param context  for Transport::kStream
  /// @param any_of   who the peer may be: the one that was called, or for a server all it may
  /// expect
  TlsLink(std::shared_ptr<const SecureContext> context, Role role,
          std::vector<wire::reload::NodeId> any_of, const TlsLinkSettings& settings,
          const Now& now);
  ~TlsLink();
  TlsLink(const TlsLink&) = delete;
  TlsLink& operator=(const TlsLink&) = delete;

  void receive(const Now& now, std::span<const std::byte> bytes, TlsOutputs& out);
  /// The other end of the stream is closed, or lost.
  void end_of_stream(const Now& now, TlsOutputs& out);
  void tick(const Now& now, TlsOutputs& out);
  [[nodiscard]] std::uint64_t next_timer() const noexcept;

  enum class Sent : std::uint8_t {
    kYes,
    kNotUp,        ///< no handshake yet, or it is over
    kTooLong,      ///< above kMaxFramedMessageBytes
    kBacklogFull,  ///< the socket takes less than is sent; the message is dropped
  };
  [[nodiscard]] Sent send(const Now& now, std::span<const std::byte> message);
  /// Says close_notify. No event follows.
  void close(const Now& now);

  /// Bytes for the socket, in order. They count as backlog until note_written() says they are gone.
  [[nodiscard]] Bytes take_output();
  void note_written(const Now& now, std::size_t bytes) noexcept;
  /// False while a peer that does not read makes us hold more than we want to: do not read either.
  [[nodiscard]] bool wants_input() const noexcept;

  [[nodiscard]] bool is_up() const noexcept { return state_ == State::kUp; }
  [[nodiscard]] bool is_over() const noexcept { return state_ == State::kClosed; }
  [[nodiscard]] bool is_failed() const noexcept { return failed_at_ns_ != kNever; }
  [[nodiscard]] const wire::reload::NodeId& peer() const noexcept { return check_.node_id; }
  [[nodiscard]] Role role() const noexcept { return role_; }
  [[nodiscard]] const Rto& rto() const noexcept { return rto_; }
  [[nodiscard]] const TlsLinkCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] std::string description() const;  ///< "TLSv1.3 TLS_AES_128_GCM_SHA256"

 private:
  enum class State : std::uint8_t { kHandshake, kUp, kDeaf, kClosed };
  struct Open {
    std::uint32_t sequence;
    std::uint64_t sent_ns;
  };

  void shake_hands(const Now& now, TlsOutputs& out);
  void read(const Now& now, TlsOutputs& out);
  void take_frames(const Now& now, std::span<const std::byte> plaintext, TlsOutputs& out);
  void take_ack(const Now& now, std::uint32_t sequence, TlsOutputs& out);
  [[nodiscard]] bool write(const Now& now, std::span<const std::byte> plaintext);
  void drain(const Now& now);
  void end(Failure failure, TlsOutputs& out);
  void end(FailureReport report, TlsOutputs& out);

  std::shared_ptr<const SecureContext> context_;
  Role role_;
  std::vector<wire::reload::NodeId> any_of_;
  TlsLinkSettings settings_;
  State state_ = State::kHandshake;
  PeerCheck check_;
  std::vector<std::string> key_log_;
  ssl_st* ssl_ = nullptr;

  wire::reload::FrameReader frames_;
  wire::reload::AckWindow received_;
  std::uint32_t next_sequence_ = 0;
  std::deque<Open> open_;  // sent and not acknowledged, oldest first
  Rto rto_;
  TlsLinkCounters counters_;

  Bytes output_;
  std::size_t backlog_ = 0;
  std::uint64_t handshake_input_ = 0;
  std::uint64_t handshake_until_ns_;
  std::uint64_t heard_ns_;
  std::uint64_t progress_ns_;  // of the backlog
  std::uint64_t failed_at_ns_ = kNever;
  std::uint64_t deaf_until_ns_ = kNever;
};

}  // namespace controlplane::links
