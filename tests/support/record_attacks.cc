// SPDX-License-Identifier: Apache-2.0

#include "tests/support/record_attacks.h"

#include "wire/byte_order.h"
#include "wire/dtls/record.h"

namespace tests::support {
namespace {

using Frame = RecordAttacks::Frame;

constexpr std::size_t kUdpBytes = 8;
constexpr std::size_t kVersionAt = 1;
constexpr std::size_t kLengthAt = 11;
constexpr std::size_t kCutBytes = 5;  // even of an ack's record, nonce and tag could be left
constexpr std::uint64_t kFarAhead = 1U << 20U;

/// Takes @p bytes off the end of the UDP datagram, and puts IP's and UDP's lengths right.
void shorten(Frame& frame, const FrameView& view, std::size_t bytes) {
  const auto take = [&](std::size_t at) {
    wire::store_be16(&frame[at], static_cast<std::uint16_t>(wire::load_be16(&frame[at]) - bytes));
  };
  take(view.udp_offset + 4);
  frame.resize(view.udp_offset + view.udp_length - bytes);
  if (view.is_ipv6) return take(view.ip_offset + 4);
  take(view.ip_offset + 2);
  wire::store_be16(&frame[view.ip_offset + 10], 0);
  std::uint32_t sum = 0;
  for (std::size_t at = view.ip_offset; at < view.udp_offset; at += 2) {
    sum += wire::load_be16(&frame[at]);
  }
  while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
  wire::store_be16(&frame[view.ip_offset + 10], static_cast<std::uint16_t>(~sum));
}

Frame forged(RecordAttack kind, std::uint64_t turn, std::span<const std::byte> original) {
  Frame frame(original.begin(), original.end());
  const FrameView view = view_frame(frame);
  std::byte* const record = &frame[view.udp_offset + kUdpBytes];
  std::byte* const number = record + wire::dtls::kRecordNumberAt;
  switch (kind) {
    case RecordAttack::kEpoch:
      wire::store_be16(number, turn % 2 == 0 ? std::uint16_t{0} : std::uint16_t{2});
      break;
    case RecordAttack::kNonce:
      view.fragment.front() ^= std::byte{0x40};
      break;
    case RecordAttack::kSequence:
      wire::store_be64(number, wire::load_be64(number) + kFarAhead);
      break;
    case RecordAttack::kPayload:
      view.fragment[view.fragment.size() - wire::dtls::kTagBytes - 1] ^= std::byte{1};
      break;
    case RecordAttack::kTag:
      view.fragment.back() ^= std::byte{1};
      break;
    case RecordAttack::kShorten:
      wire::store_be16(record + kLengthAt,
                       static_cast<std::uint16_t>(view.fragment.size() - kCutBytes));
      shorten(frame, view, kCutBytes);
      break;
    case RecordAttack::kCut:
      shorten(frame, view, kCutBytes);
      break;
    case RecordAttack::kVersion:
      wire::store_be16(record + kVersionAt, 0xfefc);
      break;
    case RecordAttack::kType:
      *record = std::byte{static_cast<unsigned char>(wire::dtls::ContentType::kAlert)};
      break;
    case RecordAttack::kReplay:
    case RecordAttack::kReplayLate:
    case RecordAttack::kDelay:
      break;  // as it came
  }
  fix_udp_checksum(frame, view_frame(frame));
  return frame;
}

}  // namespace

void RecordAttacks::pass(std::span<const std::byte> frame, const FrameView& view,
                         std::vector<Frame>& out) {
  ++passed_;
  const bool can_be_attacked = view.fragment.size() > wire::dtls::kTagBytes + kCutBytes;
  if (can_be_attacked && passed_ % one_in_ == 0) {
    attack(static_cast<RecordAttack>(attacks_ % kRecordAttackCount), frame, out);
    ++attacks_;
  } else {
    out.emplace_back(frame.begin(), frame.end());
  }
  while (!late_.empty() && late_.front().due <= passed_) {
    ++counts_[static_cast<std::size_t>(late_.front().attack)];
    out.push_back(std::move(late_.front().frame));
    late_.erase(late_.begin());
  }
}

void RecordAttacks::attack(RecordAttack kind, std::span<const std::byte> frame,
                           std::vector<Frame>& out) {
  Frame copy = forged(kind, attacks_ / kRecordAttackCount, frame);
  if (kind == RecordAttack::kDelay || kind == RecordAttack::kReplayLate) {
    late_.push_back({std::move(copy), passed_ + kLate, kind});
    if (kind == RecordAttack::kReplayLate) out.emplace_back(frame.begin(), frame.end());
    return;
  }
  ++counts_[static_cast<std::size_t>(kind)];
  out.push_back(std::move(copy));
  out.emplace_back(frame.begin(), frame.end());
}

}  // namespace tests::support
