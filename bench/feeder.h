// SPDX-License-Identifier: Apache-2.0
// The frames benches send, and the neighbours of a NodeRig played in the node's own process.

#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "dataplane/checksum.h"
#include "dataplane/frame_layout.h"
#include "tests/dataplane/node_rig.h"
#include "wire/reload/forwarding_header.h"

namespace bench {

using tests::dataplane::Bytes;
using tests::dataplane::NodeRig;

constexpr unsigned kPerTurn = 32;      // messages; with their acks a full burst
constexpr std::size_t kRepeated = 64;  // different messages where they must be signed

constexpr std::size_t kIp = dataplane::ether::kBytes;
constexpr std::size_t kUdp = kIp + dataplane::ipv4::kMinBytes;
constexpr std::size_t kFrameHeader = kUdp + dataplane::udp::kBytes;
constexpr std::size_t kMessage = kFrameHeader + wire::reload::kDataFrameOverhead;

inline const tests::dataplane::TestSigner& signer() {
  static const tests::dataplane::TestSigner the_signer(3);
  return the_signer;
}

/// A Ping of exactly @p bytes by @p from for the neighbour on link 1.
inline Bytes message_of(const NodeRig& rig, std::uint64_t transaction, std::size_t bytes,
                        const tests::dataplane::TestSigner& from = signer()) {
  const auto padded = [&](std::size_t padding) {
    return rig.ping(transaction, NodeRig::neighbor(1))
        .contents(wire::reload::MessageCode::kPingReq, wire::reload::ping_request_body(padding))
        .sign(from.identity());
  };
  return padded(bytes - padded(0).size());
}

/// kRepeated data frames for link 0, each with another message of @p bytes.
inline std::vector<Bytes> frames_of(NodeRig& rig, std::size_t bytes) {
  std::vector<Bytes> frames;
  for (std::size_t i = 0; i < kRepeated; ++i) {
    frames.push_back(rig.data_frame(0, message_of(rig, i + 1, bytes)));
  }
  return frames;
}

inline void refresh_udp_checksum(std::byte* frame) {
  std::byte* const header = frame + kUdp;
  const std::uint16_t length = wire::load_be16(header + dataplane::udp::kLength);
  wire::store_be16(header + dataplane::udp::kChecksum, 0);
  const std::uint16_t sum = dataplane::udp_checksum_of(
      dataplane::sum_bytes(header, length,
                           dataplane::pseudo_header_sum(frame + kIp + dataplane::ipv4::kSource, 8,
                                                        dataplane::protocol::kUdp, length)));
  std::memcpy(header + dataplane::udp::kChecksum, &sum, 2);
}

/// Makes a data frame the next one of its link; with @p own_transaction also a message of its own,
/// whose signature is no longer good.
inline void stamp(std::byte* frame, std::uint32_t sequence, bool own_transaction) {
  wire::store_be32(frame + kFrameHeader + 1, sequence);
  if (own_transaction) {
    wire::store_be64(frame + kMessage + wire::reload::header_offset::kTransactionId, sequence);
  }
  refresh_udp_checksum(frame);
}

/// Plays both neighbours of a rig: sends messages on link 0 and acknowledges what leaves by link 1.
class Feeder {
 public:
  Feeder(NodeRig& rig, std::size_t bytes, bool same_messages)
      : Feeder(rig, frames_of(rig, bytes), same_messages) {}
  /// @param frames  for link 0, sent by turns
  Feeder(NodeRig& rig, std::vector<Bytes> frames, bool same_messages)
      : rig_(rig), same_messages_(same_messages), frames_(std::move(frames)) {
    ack_ = tests::dataplane::udp_frame(rig.them(1), rig.us(1), Bytes(wire::reload::kAckFrameBytes));
  }
  void send_messages() {
    for (unsigned i = 0; i < kPerTurn; ++i) {
      ++sequence_;
      Bytes& frame = frames_[sequence_ % frames_.size()];
      stamp(frame.data(), sequence_, !same_messages_);
      rig_.send_frame(0, frame);
    }
  }
  /// Acks for the data frames that left by port 1; what left by port 0 is thrown away.
  unsigned acknowledge() {
    discard(rig_.wire(0).out());
    unsigned messages = 0;
    void* taken = nullptr;
    while (rte_ring_dequeue(rig_.wire(1).out(), &taken) == 0) {
      auto* const mbuf = static_cast<rte_mbuf*>(taken);
      const std::byte* const frame = rte_pktmbuf_mtod(mbuf, const std::byte*);
      if (mbuf->data_len > kFrameHeader &&
          frame[kFrameHeader] == std::byte{wire::reload::kDataFrameType}) {
        ++messages;
        wire::reload::write_ack_frame(wire::load_be32(frame + kFrameHeader + 1), 0,
                                      std::span(ack_).subspan(kFrameHeader));
        refresh_udp_checksum(ack_.data());
        rig_.send_frame(1, ack_);
      }
      rte_pktmbuf_free(mbuf);
    }
    return messages;
  }
  static void discard(rte_ring* ring) {
    std::array<void*, 64> mbufs;
    while (const unsigned count = rte_ring_dequeue_burst(ring, mbufs.data(), 64, nullptr)) {
      rte_pktmbuf_free_bulk(reinterpret_cast<rte_mbuf**>(mbufs.data()), count);
    }
  }
  [[nodiscard]] const std::vector<Bytes>& frames() const { return frames_; }

 private:
  NodeRig& rig_;
  bool same_messages_;
  std::vector<Bytes> frames_;
  Bytes ack_;
  std::uint32_t sequence_ = 0;
};

}  // namespace bench
