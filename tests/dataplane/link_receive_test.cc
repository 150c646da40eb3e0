// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/link_receive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/link_rig.h"

namespace dataplane {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using tests::Bytes;
using tests::LinkRig;
using tests::look_at;

Bytes message(std::size_t size, std::uint8_t fill = 0xd2) {
  return Bytes(size, static_cast<std::byte>(fill));
}

Bytes data_frame(std::uint32_t sequence, const Bytes& content) {
  Bytes out(wire::reload::kDataFrameOverhead);
  wire::reload::write_data_frame_header(sequence, static_cast<std::uint32_t>(content.size()), out);
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

Bytes ack_frame(std::uint32_t sequence, std::uint32_t received = 0) {
  Bytes out(wire::reload::kAckFrameBytes);
  wire::reload::write_ack_frame(sequence, received, out);
  return out;
}

TEST(LinkReceive, StripsTheFrameAndPassesTheMessageOn) {
  LinkRig rig;
  rig.add_link(3, 9);
  EXPECT_THAT(rig.receive_datagram(9, data_frame(0, message(100))), ElementsAre(message(100)));
  EXPECT_EQ(rig.status(3).messages_in.get(), 1U);
  EXPECT_EQ(rig.status(3).bytes_in.get(), 100U);
  EXPECT_EQ(rig.unaccounted(), 0);
}

TEST(LinkReceive, AcknowledgesEachFrameAtOnceWithAMaskOfThoseBefore) {  // C-05, C-07, X-02
  LinkRig rig;
  rig.add_link(3, 9);
  (void)rig.receive_datagram(9, data_frame(0, message(10)));
  (void)rig.receive_datagram(9, data_frame(1, message(10)));
  (void)rig.receive_datagram(9, data_frame(4, message(10)));
  const auto frames = rig.take_frames();
  ASSERT_EQ(frames.size(), 3U);
  const std::uint32_t masks[] = {0, 1U << 1U, 1U << 4U | 1U << 3U};
  const std::uint32_t sequences[] = {0, 1, 4};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto seen = look_at(frames[i]);
    EXPECT_TRUE(seen.checksums_right) << i;
    EXPECT_TRUE(seen.frame.is_ack);
    EXPECT_EQ(seen.frame.sequence, sequences[i]);
    EXPECT_EQ(seen.frame.received, masks[i]);
    EXPECT_EQ(seen.source, tests::link_address(4, 1));
    EXPECT_EQ(seen.destination, tests::link_address(4, 9));
    EXPECT_EQ(seen.destination_mac, LinkRig::mac_of(9));
  }
  EXPECT_EQ(rig.counters.acks_sent.get(), 3U);
  EXPECT_EQ(rig.counters.generated.get(), 3U);
  EXPECT_EQ(rig.counters.transmitted.get(), 0U) << "acks are no messages";
  EXPECT_EQ(rig.status(3).acks_out.get(), 3U);
}

TEST(LinkReceive, AcknowledgesOverIpv6WithRightChecksums) {
  LinkRig rig({.family = 6});
  rig.add_link(3, 9);
  (void)rig.receive_datagram(9, data_frame(0, message(33)));
  const auto frames = rig.take_frames();
  ASSERT_EQ(frames.size(), 1U);
  const auto seen = look_at(frames[0]);
  EXPECT_TRUE(seen.checksums_right);
  EXPECT_TRUE(seen.frame.is_ack);
  EXPECT_EQ(seen.destination, tests::link_address(6, 9));
}

TEST(LinkReceive, AcknowledgesAFrameWhoseMessageIsEmptyOrGarbage) {  // C-10
  LinkRig rig;
  rig.add_link(3, 9);
  EXPECT_EQ(rig.receive_datagram(9, data_frame(0, {})).size(), 1U);
  EXPECT_EQ(rig.receive_datagram(9, data_frame(1, message(3, 0xff))).size(), 1U);
  EXPECT_EQ(rig.take_frames().size(), 2U);
}

TEST(LinkReceive, PassesACopyOfAFrameOnAndCountsIt) {
  LinkRig rig;
  rig.add_link(3, 9);
  EXPECT_EQ(rig.receive_datagram(9, data_frame(7, message(10))).size(), 1U);
  EXPECT_EQ(rig.receive_datagram(9, data_frame(7, message(10))).size(), 1U);
  EXPECT_EQ(rig.status(3).duplicates_in.get(), 1U);
  EXPECT_EQ(rig.take_frames().size(), 2U) << "the first ack may have been lost";
}

TEST(LinkReceive, DropsFramesFromStrangers) {
  LinkRig rig;
  rig.add_link(3, 9);
  EXPECT_THAT(rig.receive_datagram(8, data_frame(0, message(10))), IsEmpty());
  EXPECT_EQ(rig.drops(DropReason::kUnknownLink), 1U);
  EXPECT_THAT(rig.take_frames(), IsEmpty());
}

TEST(LinkReceive, FollowsALinkThatIsRemovedMovedOrChanged) {
  LinkRig rig;
  rig.add_link(3, 9);
  EXPECT_EQ(rig.receive_datagram(9, data_frame(0, message(10))).size(), 1U);
  rig.add_link(3, 8, true, 1);
  EXPECT_THAT(rig.receive_datagram(9, data_frame(1, message(10))), IsEmpty());
  EXPECT_EQ(rig.receive_datagram(8, data_frame(0, message(10))).size(), 1U);
  EXPECT_EQ(rig.status(3).messages_in.get(), 1U) << "another association counts from zero";
  rig.remove_link(3, 1);
  EXPECT_THAT(rig.receive_datagram(8, data_frame(1, message(10))), IsEmpty());
  EXPECT_EQ(rig.drops(DropReason::kUnknownLink), 2U);
  rig.add_link(5, 8);
  EXPECT_EQ(rig.receive_datagram(8, data_frame(2, message(10))).size(), 1U);
  EXPECT_EQ(rig.status(5).messages_in.get(), 1U);
}

TEST(LinkReceive, DropsEverythingWhileLabLinksAreNotEnabled) {
  LinkRig rig;
  rig.add_link(3, 9);
  rig.policy.lab_links = 0;
  EXPECT_THAT(rig.receive_datagram(9, data_frame(0, message(10))), IsEmpty());
  EXPECT_EQ(rig.drops(DropReason::kUnknownLink), 1U);
  EXPECT_THAT(rig.take_frames(), IsEmpty());
}

TEST(LinkReceive, DropsFramesOfALinkThatAnotherWorkerOwns) {
  LinkRig rig({.worker = 0, .workers = 2});
  rig.add_link(3, 9);
  EXPECT_THAT(rig.receive_datagram(9, data_frame(0, message(10))), IsEmpty());
  EXPECT_EQ(rig.drops(DropReason::kUnknownLink), 1U);
}

TEST(LinkReceive, DropsMalformedFramesWithoutAnAck) {
  LinkRig rig;
  rig.add_link(3, 9);
  Bytes short_data = data_frame(0, message(10));
  short_data.pop_back();
  Bytes long_data = data_frame(0, message(10));
  long_data.push_back(std::byte{0});
  Bytes long_ack = ack_frame(0);
  long_ack.push_back(std::byte{0});
  const Bytes other_type(20, std::byte{0x82});
  for (const Bytes& bad : {short_data, long_data, long_ack, other_type, Bytes(1, std::byte{0x80}),
                           Bytes(8, std::byte{0x81}), Bytes{}}) {
    EXPECT_THAT(rig.receive_datagram(9, bad), IsEmpty());
  }
  EXPECT_EQ(rig.drops(DropReason::kBadFrame), 7U);
  EXPECT_THAT(rig.take_frames(), IsEmpty());
  EXPECT_EQ(rig.status(3).drops_in.get(), 7U) << "the drops are put to the link's account";
}

TEST(LinkReceive, AbsorbsAcksAndRefusesThoseForNumbersNeverSent) {
  LinkRig rig;
  rig.add_link(3, 9);
  (void)rig.receive_datagram(9, ack_frame(0));
  EXPECT_EQ(rig.drops(DropReason::kBadAck), 1U);
  rig.send(3, {message(20)});
  (void)rig.receive_datagram(9, ack_frame(0));
  EXPECT_EQ(rig.counters.acks_received.get(), 1U);
  EXPECT_EQ(rig.status(3).acks_in.get(), 1U);
  (void)rig.receive_datagram(9, ack_frame(1));
  EXPECT_EQ(rig.drops(DropReason::kBadAck), 2U);
  EXPECT_EQ(rig.unaccounted(), 0);
}

TEST(LinkReceive, WithoutBuffersItStaysSilentAndTheMessageGoesOn) {
  LinkRig rig;
  rig.add_link(3, 9);
  rig.starving = true;
  EXPECT_EQ(rig.receive_datagram(9, data_frame(0, message(10))).size(), 1U);
  EXPECT_THAT(rig.take_frames(), IsEmpty());
  EXPECT_EQ(rig.counters.acks_sent.get(), 0U);
  rig.starving = false;
  EXPECT_EQ(rig.receive_datagram(9, data_frame(1, message(10))).size(), 1U);
  const auto frames = rig.take_frames();
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(look_at(frames[0]).frame.received, 1U << 1U) << "the mask makes up for the missing ack";
}

TEST(LinkReceive, SurvivesAnyBytes) {
  LinkRig rig;
  rig.add_link(3, 9);
  std::mt19937 random(1);
  for (unsigned round = 0; round < 5000; ++round) {
    Bytes frame(random() % 40);
    for (std::byte& byte : frame) byte = static_cast<std::byte>(random());
    if (!frame.empty() && round % 2 == 0) frame[0] = static_cast<std::byte>(0x80 | (random() & 1U));
    (void)rig.receive_datagram(9, frame);
    (void)rig.take_frames();
  }
  EXPECT_EQ(rig.unaccounted(), 0);
  EXPECT_EQ(rig.mbufs_in_use(), 0U);
}

}  // namespace
}  // namespace dataplane
