// SPDX-License-Identifier: Apache-2.0
// A node whose links are secure, between two neighbours that have the keys.

#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/dataplane/node_rig.h"
#include "tests/dataplane/record_rig.h"

namespace tests::dataplane {

class SecureNode {
 public:
  explicit SecureNode(std::uint32_t workers, unsigned family = 4)
      : SecureNode(RigSetting{.workers = workers, .family = family, .replay_window_ms = 0}) {}
  explicit SecureNode(RigSetting setting)
      : cipher(crypto::LinkCipher::create(why_)), rig(secured(std::move(setting))) {}

  /// New keys of a link. The neighbour takes them into use at once, or with neighbour_switches().
  void install(unsigned port, Aead aead, bool node = true, bool neighbour = true) {
    pairs_[port].push_back(std::make_unique<Association>(*cipher, aead, random_));
    if (node) install_at_node(port);
    if (neighbour) neighbour_switches(port);
  }
  void install_at_node(unsigned port) {
    const Association& pair = *pairs_[port].back();
    wire::shm::Command command;
    command.kind = wire::shm::CommandKind::kInstallAssociation;
    command.association = {.slot = static_cast<std::uint16_t>(port),
                           .generation = 1,
                           .aead = pair.aead,
                           .association = ++number_,
                           .write_sequence = 1,
                           .write = pair.their_keys,
                           .read = pair.our_keys};
    rig.command(command);
  }
  void neighbour_switches(unsigned port) { newest_[port] = pairs_[port].size() - 1; }

  /// A frame of the neighbour's, sealed with its newest keys, as a datagram's payload.
  [[nodiscard]] Bytes seal(unsigned port, const Bytes& frame) {
    Association& pair = *pairs_[port][newest_[port]];
    Bytes record(wire::dtls::record_overhead(pair.aead) + frame.size());
    std::copy(
        frame.begin(), frame.end(),
        record.begin() + static_cast<std::ptrdiff_t>(wire::dtls::plaintext_offset(pair.aead)));
    const ::dataplane::SealJob job = {&pair.ours, ContentType::kApplicationData, record};
    SealVerdict verdict{};
    ::dataplane::seal_records(*cipher, {&job, 1}, {&verdict, 1});
    EXPECT_EQ(verdict, SealVerdict::kSealed);
    return record;
  }
  /// The frame in what the node sent, opened with whichever keys do.
  [[nodiscard]] std::optional<Bytes> open(unsigned port, Bytes payload) {
    for (const auto& pair : pairs_[port]) {
      const ::dataplane::OpenJob job = {payload, &pair->ours, nullptr};
      OpenedRecord out{};
      ::dataplane::open_records(*cipher, {&job, 1}, {&out, 1});
      if (out.verdict == OpenVerdict::kOpened) {
        return Bytes(out.plaintext.begin(), out.plaintext.end());
      }
    }
    return std::nullopt;
  }
  void send_payload(unsigned port, const Bytes& payload) {
    rig.send_frame(port, udp_frame(rig.them(port), rig.us(port), payload));
  }
  [[nodiscard]] Bytes data_frame(unsigned port, const Bytes& message) {
    Bytes framed(wire::reload::kDataFrameOverhead);
    wire::reload::write_data_frame_header(++sequence_[port],
                                          static_cast<std::uint32_t>(message.size()), framed);
    return framed + message;
  }
  void send(unsigned port, const Bytes& message) {
    send_payload(port, seal(port, data_frame(port, message)));
  }
  /// Messages that left by a port; each is acknowledged. Frames no key opens are failures.
  [[nodiscard]] std::vector<Bytes> collect(unsigned port) {
    std::vector<Bytes> out;
    for (const Bytes& frame : rig.frames(port)) {
      const std::optional<Bytes> plain = open(port, rig.udp_payload(frame));
      EXPECT_TRUE(plain.has_value());
      if (!plain) continue;
      if (NodeRig::is_ack(*plain)) {
        ++acks[port];
        continue;
      }
      out.emplace_back(plain->begin() + wire::reload::kDataFrameOverhead, plain->end());
      Bytes ack(wire::reload::kAckFrameBytes);
      wire::reload::write_ack_frame(wire::load_be32(&(*plain)[1]), 0, ack);
      send_payload(port, seal(port, ack));
    }
    return out;
  }

 private:
  static RigSetting secured(RigSetting setting) {
    setting.protocol = wire::shm::LinkProtocol::kDtls;
    return setting;
  }
  std::string why_;
  std::mt19937_64 random_{1};
  std::array<std::vector<std::unique_ptr<Association>>, NodeRig::kPorts> pairs_;
  std::array<std::size_t, NodeRig::kPorts> newest_{};
  std::array<std::uint32_t, NodeRig::kPorts> sequence_{};
  std::uint32_t number_ = 0;

 public:
  std::array<unsigned, NodeRig::kPorts> acks{};
  std::unique_ptr<crypto::LinkCipher> cipher;
  NodeRig rig;
};

}  // namespace tests::dataplane
