// SPDX-License-Identifier: Apache-2.0
// What a node sends does not depend on the kind of port its messages come in by: net_ring and
// net_pcap here; the scenario same_bytes_everywhere compares net_pcap with net_af_packet.

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "tests/dataplane/node_rig.h"
#include "tests/dataplane/pcap_file.h"

namespace tests::dataplane {
namespace {

constexpr std::uint64_t kMessages = 40;

/// Data frames of link 0 with messages for the neighbour behind link 1.
std::vector<Bytes> frames_for(const RigSetting& setting, const TestSigner& signer) {
  NodeRig rig(setting);  // only to build them
  std::vector<Bytes> frames;
  for (std::uint64_t id = 1; id <= kMessages; ++id) {
    frames.push_back(rig.data_frame(0, rig.ping(id, NodeRig::neighbor(1)).sign(signer.identity())));
  }
  return frames;
}

/// Frames that leave by port 1, each acknowledged, until all messages have left.
std::vector<Bytes> output_of(NodeRig& rig) {
  std::vector<Bytes> out;
  // A slow machine makes the round trip long, and the node spreads its messages over it.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (out.size() < kMessages && std::chrono::steady_clock::now() < end) {
    rig.turn();
    for (const Bytes& frame : rig.frames(1)) {
      const Bytes payload = rig.udp_payload(frame);
      if (NodeRig::is_ack(payload)) continue;
      Bytes ack(wire::reload::kAckFrameBytes);
      wire::reload::write_ack_frame(wire::load_be32(&payload[1]), 0, ack);
      rig.send_frame(1, udp_frame(rig.them(1), rig.us(1), ack));
      out.push_back(frame);
    }
  }
  rig.turn(2);
  return out;
}

class Ports : public ::testing::TestWithParam<unsigned> {};

TEST_P(Ports, RingAndPcapGiveTheSameBytes) {
  const TestSigner signer(3);
  const RigSetting plain{.family = GetParam()};
  const std::vector<Bytes> frames = frames_for(plain, signer);
  std::vector<Bytes> by_ring;
  {
    NodeRig rig(plain);
    rig.add_signer(signer);
    for (const Bytes& frame : frames) rig.send_frame(0, frame);
    by_ring = output_of(rig);
    EXPECT_EQ(rig.count(&wire::shm::LcoreCounters::verified), kMessages);
  }
  ASSERT_EQ(by_ring.size(), kMessages);

  const PcapFile file(frames);
  RigSetting setting = plain;
  setting.first_device = file.device(false);
  NodeRig rig(setting);
  rig.add_signer(signer);
  const std::vector<Bytes> by_pcap = output_of(rig);
  EXPECT_EQ(rig.count(&wire::shm::LcoreCounters::verified), kMessages);
  EXPECT_EQ(by_pcap.size(), kMessages);
  EXPECT_TRUE(by_pcap == by_ring);  // not EXPECT_EQ, which would print them
}

INSTANTIATE_TEST_SUITE_P(EveryFamily, Ports, ::testing::Values(4U, 6U),
                         [](const auto& each) { return "ipv" + std::to_string(each.param); });

}  // namespace
}  // namespace tests::dataplane
