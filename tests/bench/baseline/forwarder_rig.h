// SPDX-License-Identifier: Apache-2.0
// A SocketForwarder between two neighbours that a test plays by hand. Named as those of a NodeRig.

#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <utility>
#include <vector>

#include "bench/baseline/socket_forwarder.h"
#include "bench/baseline/socket_neighbors.h"
#include "tests/dataplane/test_signer.h"
#include "wire/reload/link_framing.h"

namespace tests::bench {

using ::bench::baseline::Bytes;
using ::bench::baseline::SocketForwarder;

class ForwarderRig {
 public:
  static constexpr wire::reload::OverlayHash kOverlay{0x1234abcd};

  explicit ForwarderRig(bool verify = true)
      : forwarder({.self = dataplane::node_id(0x10), .overlay = kOverlay, .verify = verify}) {
    for (unsigned i = 0; i < ends_.size(); ++i) {
      auto end = ::bench::baseline::connect_neighbor(
          forwarder, neighbor(i), ::bench::baseline::Io::kEach, ::bench::baseline::Records::kDtls);
      if (!end) {
        ADD_FAILURE() << "no link";
        std::abort();
      }
      ends_[i] = std::move(*end);
    }
  }
  [[nodiscard]] static wire::reload::NodeId neighbor(unsigned link) {
    return dataplane::node_id(0x20 + 0x40 * link);
  }
  [[nodiscard]] static wire::reload::MessageBuilder ping(std::uint64_t transaction,
                                                         const wire::reload::NodeId& to) {
    wire::reload::MessageBuilder builder;
    return builder.overlay(kOverlay)
        .transaction(wire::reload::TransactionId{transaction})
        .destination(to)
        .contents(wire::reload::MessageCode::kPingReq, wire::reload::ping_request_body(20));
  }
  void add_signer(const dataplane::TestSigner& signer) {
    const wire::shm::SignerRecord record = signer.record();
    ASSERT_TRUE(forwarder.add_signer(record.key,
                                     std::span(record.public_key).first(record.public_key_length)));
  }
  void send_datagram(unsigned link, const Bytes& datagram) {
    std::ranges::copy(datagram, ends_[link].socket->room().begin());
    ends_[link].socket->push(datagram.size());
    ends_[link].socket->flush();
  }
  [[nodiscard]] Bytes sealed(unsigned link, const Bytes& frame) {
    Bytes datagram(frame.size() + 64);
    datagram.resize(ends_[link].dtls->seal(frame, datagram));
    return datagram;
  }
  /// The message in a data frame, with the next sequence number of the link.
  void send(unsigned link, const Bytes& message) {
    Bytes frame(wire::reload::kDataFrameOverhead);
    wire::reload::write_data_frame_header(++sequence_[link],
                                          static_cast<std::uint32_t>(message.size()), frame);
    frame.insert(frame.end(), message.begin(), message.end());
    send_datagram(link, sealed(link, frame));
  }
  void acknowledge(unsigned link, std::uint32_t sequence) {
    Bytes ack(wire::reload::kAckFrameBytes);
    wire::reload::write_ack_frame(sequence, 0, ack);
    send_datagram(link, sealed(link, ack));
  }
  /// What came out since the last call.
  struct Out {
    std::vector<wire::reload::Frame> acks;
    std::vector<Bytes> messages;
    std::vector<std::uint32_t> sequences;  ///< of the messages
  };
  [[nodiscard]] Out out(unsigned link) {
    Out all;
    for (const auto datagram : ends_[link].socket->receive()) {
      Bytes plain(datagram.size());
      plain.resize(ends_[link].dtls->open(datagram, plain));
      wire::reload::Frame frame;
      EXPECT_TRUE(wire::reload::parse_frame(plain, frame).ok());
      if (frame.is_ack) {
        all.acks.push_back(frame);
      } else {
        all.messages.emplace_back(frame.message.begin(), frame.message.end());
        all.sequences.push_back(frame.sequence);
      }
    }
    return all;
  }
  /// A message goes in on link @p from; the only one that comes out on the other, or nothing.
  [[nodiscard]] Bytes through(const Bytes& message, unsigned from = 0) {
    send(from, message);
    forwarder.turn();
    const Out passed = out(1 - from);
    return passed.messages.size() == 1 ? passed.messages[0] : Bytes{};
  }

  SocketForwarder forwarder;

 private:
  std::array<::bench::baseline::NeighborEnd, 2> ends_;
  std::array<std::uint32_t, 2> sequence_{};
};

}  // namespace tests::bench
