// SPDX-License-Identifier: Apache-2.0
// What crosses between links and the control plane: handshakes, datagrams, streams.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/link_rig.h"

namespace dataplane {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using tests::Bytes;
using tests::LinkRig;
using tests::LinkRigOptions;
using wire::shm::DropReason;
using wire::shm::LinkProtocol;
using wire::shm::PacketKind;
using wire::shm::PacketRecord;

Bytes bytes_in(const PacketRecord& record) {
  return {record.bytes.data(), record.bytes.data() + record.length};
}

/// A record of this content type; of a handshake record the type behind the header.
Bytes record(unsigned content_type, unsigned handshake_type = 1, unsigned epoch = 0) {
  Bytes out(13 + 12);
  out[0] = static_cast<std::byte>(content_type);
  out[1] = std::byte{0xfe};
  out[2] = std::byte{0xfd};
  out[4] = static_cast<std::byte>(epoch);
  out[12] = std::byte{12};
  out[13] = static_cast<std::byte>(handshake_type);
  return out;
}

Bytes data_frame(const Bytes& content) {
  Bytes out(wire::reload::kDataFrameOverhead);
  wire::reload::write_data_frame_header(0, static_cast<std::uint32_t>(content.size()), out);
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

class SecureLinkControl : public ::testing::TestWithParam<unsigned> {
 protected:
  SecureLinkControl() { rig.add_link(3, 9); }
  LinkRig rig{{.family = static_cast<std::uint8_t>(GetParam()), .protocol = LinkProtocol::kDtls}};
};

TEST_P(SecureLinkControl, HandshakesGoUpAsTheyCame) {
  for (const Bytes& datagram : {record(22), record(20), record(21), record(22, 20, 1)}) {
    EXPECT_THAT(rig.receive_datagram(9, datagram), IsEmpty());
    const auto up = rig.take_handshakes();
    ASSERT_EQ(up.size(), 1U);
    EXPECT_EQ(up[0].kind, PacketKind::kHandshake);
    EXPECT_EQ(up[0].link_slot, 3);
    EXPECT_EQ(up[0].remote, tests::link_address(rig.options.family, 9));
    EXPECT_EQ(up[0].local, tests::link_address(rig.options.family, 1));
    EXPECT_EQ(bytes_in(up[0]), datagram);
  }
  EXPECT_EQ(rig.counters.punted.get(), 4U);
  EXPECT_EQ(rig.unaccounted(), 0);
  EXPECT_EQ(rig.mbufs_in_use(), 0U);
}

TEST_P(SecureLinkControl, NeedNoLeaveForLabLinks) {
  rig.policy.lab_links = 0;
  (void)rig.receive_datagram(9, record(22));
  EXPECT_EQ(rig.take_handshakes().size(), 1U);
}

TEST_P(SecureLinkControl, AStrangersClientHelloGoesUpAndNothingElseOfIt) {
  (void)rig.receive_datagram(8, record(22));
  const auto up = rig.take_handshakes();
  ASSERT_EQ(up.size(), 1U);
  EXPECT_EQ(up[0].link_slot, wire::shm::kNoLink);
  EXPECT_EQ(up[0].remote, tests::link_address(rig.options.family, 8));
  (void)rig.receive_datagram(8, record(22, 16));
  (void)rig.receive_datagram(8, record(23));
  (void)rig.receive_datagram(8, data_frame(Bytes(9)));
  EXPECT_THAT(rig.take_handshakes(), IsEmpty());
  EXPECT_EQ(rig.drops(DropReason::kUnknownLink), 3U);
  EXPECT_EQ(rig.unaccounted(), 0);
}

TEST_P(SecureLinkControl, ALinkAboveItsHandshakeRateIsHeldBackAlone) {
  rig.policy.handshake_rate = {20, 40};
  rig.add_link(5, 7);
  for (unsigned i = 0; i < 100; ++i) (void)rig.receive_datagram(9, record(22));
  EXPECT_EQ(rig.drops(DropReason::kHandshakeRate), 60U);
  (void)rig.receive_datagram(7, record(22));
  EXPECT_EQ(rig.drops(DropReason::kHandshakeRate), 60U);
  EXPECT_EQ(rig.take_handshakes().size(), 41U);
}

TEST_P(SecureLinkControl, AFullRingIsADropWithAName) {
  rig.policy.handshake_rate = {};
  for (unsigned i = 0; i < wire::shm::kHandshakeRing + 3; ++i) {
    (void)rig.receive_datagram(9, record(22));
  }
  EXPECT_EQ(rig.drops(DropReason::kHandshakeRingFull), 3U);
  EXPECT_EQ(rig.unaccounted(), 0);
}

TEST_P(SecureLinkControl, TakesNoPlainFrame) {
  EXPECT_THAT(rig.receive_datagram(9, data_frame(Bytes(20))), IsEmpty());
  EXPECT_EQ(rig.drops(DropReason::kLinkProtocol), 1U);
  EXPECT_THAT(rig.take_frames(), IsEmpty()) << "and acknowledges none";
}

TEST_P(SecureLinkControl, RefusesContentTypesThatDtls12HasNot) {
  for (const unsigned type : {24U, 25U, 26U, 63U}) (void)rig.receive_datagram(9, record(type));
  EXPECT_EQ(rig.drops(DropReason::kRecordMalformed), 4U);
}

TEST_P(SecureLinkControl, SendsADatagramAsItIs) {
  rig.send_datagram(3, record(22));
  const auto frames = rig.take_frames();
  ASSERT_EQ(frames.size(), 1U);
  const auto seen = tests::look_at(frames[0]);
  EXPECT_EQ(seen.payload, record(22));
  EXPECT_TRUE(seen.checksums_right);
  EXPECT_EQ(seen.destination, tests::link_address(rig.options.family, 9));
  EXPECT_EQ(seen.destination_mac, LinkRig::mac_of(9));
  EXPECT_EQ(rig.counters.transmitted.get(), 1U);
  EXPECT_EQ(rig.unaccounted(), 0);
}

TEST_P(SecureLinkControl, SendsNothingShorterThanARecordHeader) {
  rig.send_datagram(3, Bytes(12, std::byte{22}));
  EXPECT_EQ(rig.drops(DropReason::kBadLength), 1U);
  rig.send_datagram(3, Bytes(13, std::byte{22}));
  EXPECT_EQ(rig.take_frames().size(), 1U);
  EXPECT_EQ(rig.unaccounted(), 0);
}

TEST_P(SecureLinkControl, DatagramsWaitForTheMacAddressAndLeaveInOrder) {
  rig.add_link(5, 7, false);
  for (unsigned i = 0; i < LinkLayer::kResolvingLimit + 2; ++i) rig.send_datagram(5, record(22, i));
  EXPECT_THAT(rig.take_frames(), IsEmpty());
  EXPECT_EQ(rig.drops(DropReason::kNeighborUnresolved), 2U);
  EXPECT_EQ(rig.links->held(), LinkLayer::kResolvingLimit);
  rig.resolve(7);
  rig.run_ms(LinkLayer::kSlices);
  const auto frames = rig.take_frames();
  ASSERT_EQ(frames.size(), LinkLayer::kResolvingLimit);
  for (unsigned i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(tests::look_at(frames[i]).payload, record(22, i));
  }
  EXPECT_EQ(rig.unaccounted(), 0);
}

TEST_P(SecureLinkControl, DatagramsDoNotWaitForever) {
  rig.add_link(5, 7, false);
  rig.send_datagram(5, record(22));
  rig.run_ms(rig.policy.queue_age_ms + LinkLayer::kSlices + 1);
  EXPECT_EQ(rig.drops(DropReason::kNeighborUnresolved), 1U);
  rig.send_datagram(5, record(22));
  rig.remove_link(5);
  rig.run_ms(LinkLayer::kSlices);
  EXPECT_EQ(rig.drops(DropReason::kLinkDown), 1U);
  EXPECT_EQ(rig.unaccounted(), 0);
  EXPECT_EQ(rig.mbufs_in_use(), 0U);
}

INSTANTIATE_TEST_SUITE_P(EachFamily, SecureLinkControl, ::testing::Values(4U, 6U));

TEST(LabLink, TakesNoRecord) {
  LinkRig rig;
  rig.add_link(3, 9);
  for (const unsigned type : {20U, 22U, 23U, 24U}) (void)rig.receive_datagram(9, record(type));
  EXPECT_EQ(rig.drops(DropReason::kLinkProtocol), 4U);
  EXPECT_THAT(rig.take_handshakes(), IsEmpty());
}

TEST(VirtualLink, MessagesForItGoUpWithItsName) {
  LinkRig rig({.protocol = LinkProtocol::kVirtual});
  rig.add_link(3, 9);
  rig.policy.lab_links = 0;
  rig.send(3, {Bytes(100, std::byte{0x11}), Bytes(50, std::byte{0x22})});
  EXPECT_THAT(rig.take_frames(), IsEmpty());
  const auto up = rig.take_virtual();
  ASSERT_EQ(up.size(), 2U);
  EXPECT_EQ(up[0].kind, PacketKind::kVirtualOut);
  EXPECT_EQ(up[0].link_slot, 3);
  EXPECT_EQ(bytes_in(up[0]), Bytes(100, std::byte{0x11}));
  EXPECT_EQ(bytes_in(up[1]), Bytes(50, std::byte{0x22}));
  EXPECT_EQ(rig.status(3).messages_out.get(), 2U);
  EXPECT_EQ(rig.status(3).bytes_out.get(), 150U);
  EXPECT_EQ(rig.counters.transmitted.get(), 2U);
  rig.run_ms(LinkLayer::kSlices);
  EXPECT_EQ(rig.state(3), wire::shm::LinkState::kUp);
  EXPECT_EQ(rig.unaccounted(), 0);
  EXPECT_EQ(rig.mbufs_in_use(), 0U);
}

TEST(VirtualLink, AFullRingIsADropWithAName) {
  LinkRig rig({.protocol = LinkProtocol::kVirtual});
  rig.add_link(3, 9);
  rig.send(3, std::vector<Bytes>(wire::shm::kPacketRing + 2, Bytes(10)));
  EXPECT_EQ(rig.drops(DropReason::kVirtualRingFull), 2U);
  EXPECT_EQ(rig.status(3).messages_out.get(), wire::shm::kPacketRing);
  EXPECT_EQ(rig.unaccounted(), 0);
}

TEST(VirtualLink, TakesNothingFromTheWire) {
  LinkRig rig({.protocol = LinkProtocol::kVirtual});
  rig.add_link(3, 9);
  (void)rig.receive_datagram(9, data_frame(Bytes(20)));
  (void)rig.receive_datagram(9, record(22));
  EXPECT_EQ(rig.drops(DropReason::kLinkProtocol), 2U);
}

}  // namespace
}  // namespace dataplane
