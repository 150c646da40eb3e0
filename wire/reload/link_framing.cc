// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/link_framing.h"

#include "wire/byte_order.h"

namespace wire::reload {

// Both headers are written in one go: whoever sums them up right afterwards (link_headers.cc) then
// finds them in the store buffer.
void write_data_frame_header(std::uint32_t sequence, std::uint32_t message_length,
                             std::span<std::byte> to) noexcept {
  store_be64(to.data(), std::uint64_t{kDataFrameType} << 56U | std::uint64_t{sequence} << 24U |
                            (message_length & 0xffffffU));
}

void write_ack_frame(std::uint32_t ack_sequence, std::uint32_t received,
                     std::span<std::byte> to) noexcept {
  store_be64(to.data(), std::uint64_t{kAckFrameType} << 56U | std::uint64_t{ack_sequence} << 24U |
                            received >> 8U);
  store_u8(to.data() + 8, static_cast<std::uint8_t>(received));
}

std::uint32_t AckWindow::note(std::uint32_t sequence) noexcept {
  constexpr std::uint32_t kRemembered = 64;  // bits of seen_; C-06 asks for 32
  // Sequence numbers wrap, so "behind" means less than half the number space behind.
  const std::uint32_t ahead = sequence - newest_;
  const std::uint32_t behind = newest_ - sequence;
  duplicate_ = false;
  if (started_ && ahead != 0 && ahead < 0x80000000U) {
    seen_ = (ahead < kRemembered ? seen_ << ahead : 0) | 1U;
    newest_ = sequence;
    return static_cast<std::uint32_t>(seen_) & ~1U;
  }
  if (!started_ || behind > kRestartGap) {
    started_ = true;
    newest_ = sequence;
    seen_ = 1;
    return 0;
  }
  if (behind >= kRemembered) return 0;
  const std::uint64_t bit = std::uint64_t{1} << behind;
  duplicate_ = (seen_ & bit) != 0;
  seen_ |= bit;
  return static_cast<std::uint32_t>(seen_ >> behind) & ~1U;
}

}  // namespace wire::reload
