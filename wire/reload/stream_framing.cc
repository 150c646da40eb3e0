// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/stream_framing.h"

#include <algorithm>

#include "wire/byte_order.h"
#include "wire/reload/forwarding_header.h"

namespace wire::reload {
namespace {

constexpr std::size_t kSequenceAt = 1;
constexpr std::size_t kLengthAt = 5;

}  // namespace

/// Makes held_ at least @p bytes long; false when @p input ends before.
bool FrameReader::hold(std::span<const std::byte>& input, std::size_t bytes) {
  if (held_.size() < bytes) {
    const std::size_t taken = std::min(bytes - held_.size(), input.size());
    held_.insert(held_.end(), input.begin(), input.begin() + static_cast<std::ptrdiff_t>(taken));
    input = input.subspan(taken);
  }
  return held_.size() >= bytes;
}

FrameReader::Step FrameReader::next(std::span<const std::byte>& input, Frame& out) {
  if (end_ != Step::kNeedMore) return end_;
  if (given_) held_.clear();
  given_ = false;
  if (!hold(input, 1)) return Step::kNeedMore;
  const std::uint8_t type = load_u8(held_.data());
  if (type != kDataFrameType && type != kAckFrameType) return end(Step::kBroken);
  const bool is_ack = type == kAckFrameType;
  if (!hold(input, is_ack ? kAckFrameBytes : kDataFrameOverhead)) return Step::kNeedMore;
  if (!is_ack) {
    const std::uint32_t length = load_be24(held_.data() + kLengthAt);
    if (length > max_message_) return too_large(input, out);
    if (held_.size() == kDataFrameOverhead && input.size() >= length) {
      // The whole message lies in the input: no copy.
      out = {false, load_be32(held_.data() + kSequenceAt), 0, input.first(length)};
      input = input.subspan(length);
      given_ = true;
      return Step::kFrame;
    }
    if (!hold(input, kDataFrameOverhead + length)) return Step::kNeedMore;
  }
  given_ = true;
  (void)parse_frame(held_, out);  // type and length were just looked at
  return Step::kFrame;
}

FrameReader::Step FrameReader::too_large(std::span<const std::byte>& input, Frame& out) {
  if (!hold(input, kDataFrameOverhead + kFixedHeaderBytes)) return Step::kNeedMore;
  const std::byte* const message = held_.data() + kDataFrameOverhead;
  if (load_be32(message + header_offset::kToken) != kReloToken) return end(Step::kBroken);
  ForwardingHeader header;
  header.via_list_length = load_be16(message + header_offset::kViaListLength);
  header.destination_list_length = load_be16(message + header_offset::kDestinationListLength);
  header.options_length = load_be16(message + header_offset::kOptionsLength);
  if (header.size() > max_message_) return end(Step::kHeaderTooLarge);
  if (!hold(input, kDataFrameOverhead + header.size())) return Step::kNeedMore;
  out = {false, load_be32(held_.data() + kSequenceAt), 0,
         std::span<const std::byte>(held_).subspan(kDataFrameOverhead, header.size())};
  return end(Step::kTooLarge);
}

}  // namespace wire::reload
