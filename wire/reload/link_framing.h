// SPDX-License-Identifier: Apache-2.0
// The framing header of every link (RFC 6940 section 6.6.2; requirements C-01 to C-09, X-02).
//
//   data   80 <sequence:4> <length:3> <message>
//   ack    81 <ack_sequence:4> <received:4>

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/byte_order.h"
#include "wire/reload/parse_error.h"

namespace wire::reload {

inline constexpr std::uint8_t kDataFrameType = 128;
inline constexpr std::uint8_t kAckFrameType = 129;
inline constexpr std::size_t kDataFrameOverhead = 8;
inline constexpr std::size_t kAckFrameBytes = 9;
inline constexpr std::size_t kMaxFramedMessageBytes = 0xffffff;

struct Frame {
  bool is_ack = false;
  std::uint32_t sequence = 0;          ///< of a data frame, or the ack_sequence of an ack
  std::uint32_t received = 0;          ///< ack: bit N-M set means frame M arrived (X-02)
  std::span<const std::byte> message;  ///< data: the RELOAD message
};

/// Reads one frame that must fill @p datagram exactly: on UDP a frame is a datagram. Inline,
/// because half of all packets are acks and this is most of what is read of them.
[[nodiscard]] inline ParseError parse_frame(std::span<const std::byte> datagram,
                                            Frame& out) noexcept {
  constexpr std::size_t kSequenceAt = 1;
  constexpr std::size_t kLengthAt = 5;    // data
  constexpr std::size_t kReceivedAt = 5;  // ack
  const auto end = static_cast<std::uint32_t>(datagram.size());
  if (datagram.empty()) return {ParseFault::kTruncated, end};
  const std::byte* const at = datagram.data();
  switch (load_u8(at)) {
    case kDataFrameType:
      if (datagram.size() < kDataFrameOverhead) return {ParseFault::kTruncated, end};
      if (load_be24(at + kLengthAt) != datagram.size() - kDataFrameOverhead) {
        return {ParseFault::kBadFrame, kLengthAt};
      }
      out.is_ack = false;
      out.sequence = load_be32(at + kSequenceAt);
      out.received = 0;
      out.message = datagram.subspan(kDataFrameOverhead);
      return {};
    case kAckFrameType:
      if (datagram.size() < kAckFrameBytes) return {ParseFault::kTruncated, end};
      if (datagram.size() > kAckFrameBytes) return {ParseFault::kBadFrame, kAckFrameBytes};
      out.is_ack = true;
      out.sequence = load_be32(at + kSequenceAt);
      out.received = load_be32(at + kReceivedAt);
      out.message = {};
      return {};
    default:
      return {ParseFault::kBadFrame, 0};
  }
}

/// @pre to.size() >= kDataFrameOverhead; message_length <= kMaxFramedMessageBytes
void write_data_frame_header(std::uint32_t sequence, std::uint32_t message_length,
                             std::span<std::byte> to) noexcept;
/// @pre to.size() >= kAckFrameBytes
void write_ack_frame(std::uint32_t ack_sequence, std::uint32_t received,
                     std::span<std::byte> to) noexcept;

/// The receiver's memory of the last 32 sequence numbers (C-06, C-07). One per link, owned by the
/// lcore that owns the link.
class AckWindow {
 public:
  /// Notes @p sequence and returns the `received` mask to send in its ack: bit (N-M), counted from
  /// the least significant, for each M with N-32 < M < N; bit 0 always 0. A sequence number more
  /// than kRestartGap behind the newest means the peer started over: memory is cleared.
  [[nodiscard]] std::uint32_t note(std::uint32_t sequence) noexcept;
  /// True when the last note() met a sequence number it had already seen.
  [[nodiscard]] bool was_duplicate() const noexcept { return duplicate_; }
  void reset() noexcept { *this = AckWindow{}; }

  static constexpr std::uint32_t kRestartGap = 1024;

 private:
  std::uint32_t newest_ = 0;
  std::uint64_t seen_ = 0;  // bit i: newest_ - i arrived
  bool started_ = false;
  bool duplicate_ = false;
};

}  // namespace wire::reload
