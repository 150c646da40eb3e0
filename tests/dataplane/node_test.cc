// SPDX-License-Identifier: Apache-2.0
// The dataplane of one node as a whole: every stage, the doors and the ledger.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/dataplane/node_rig.h"
#include "wire/reload/destination.h"

namespace {

using namespace tests::dataplane;
using tests::dataplane::Bytes;
using wire::shm::DropReason;
using wire::shm::LcoreCounters;
using wire::shm::PacketKind;
using wire::shm::PacketRecord;

/// The fixed header of a message, its lists in front.
wire::reload::ForwardingHeader header_of(const Bytes& message) {
  wire::reload::ForwardingHeader header;
  EXPECT_EQ(wire::reload::parse_forwarding_header(message, header).fault,
            wire::reload::ParseFault::kNone);
  return header;
}

class Node : public ::testing::TestWithParam<std::tuple<unsigned, std::uint32_t>> {
 protected:
  Node() { rig_.add_signer(signer_); }
  /// A signed Ping for the neighbour on link 1.
  Bytes transit(std::uint64_t transaction) const {
    return rig_.ping(transaction, NodeRig::neighbor(1)).sign(signer_.identity());
  }
  NodeRig rig_{
      {.workers = std::get<1>(GetParam()), .family = std::get<0>(GetParam()), .queues = 1}};
  TestSigner signer_{7};
};

TEST_P(Node, ForwardsAVerifiedMessageAndAcknowledgesIt) {
  const Bytes message = transit(1);
  rig_.send(0, message);
  rig_.turn(4);
  unsigned acks = 0;
  EXPECT_TRUE(rig_.messages(0, &acks).empty());
  EXPECT_EQ(acks, 1U);
  const std::vector<Bytes> out = rig_.messages(1);
  ASSERT_EQ(out.size(), 1U);
  const auto before = header_of(message), after = header_of(out[0]);
  EXPECT_EQ(after.ttl, before.ttl - 1);
  EXPECT_EQ(after.via_list_length, before.via_list_length + 2) << "one compact opaque ID";
  EXPECT_EQ(Bytes(out[0].begin() + after.size(), out[0].end()),
            Bytes(message.begin() + before.size(), message.end()))
      << "contents and security block are untouched";
  EXPECT_EQ(rig_.count(&LcoreCounters::verified), 1U);
  EXPECT_EQ(rig_.count(&LcoreCounters::transmitted), 1U);
  rig_.settle();
  EXPECT_EQ(rig_.unaccounted(), 0);
}

TEST_P(Node, DropsATamperedMessageAtOnce) {
  Bytes message = transit(1);
  message[header_of(message).size() + 8] ^= std::byte{1};  // in the body
  rig_.send(0, message);
  rig_.turn(4);
  EXPECT_TRUE(rig_.messages(1).empty());
  EXPECT_EQ(rig_.drops(DropReason::kBadSignature), 1U);
  EXPECT_EQ(rig_.region().dataplane.links[0].bad_signatures.get(), 1U);
  EXPECT_EQ(rig_.region().dataplane.links[0].drops_in.get(), 1U);
}

TEST_P(Node, HoldsAnUnknownSignerUntilTheControlPlaneKnowsIt) {
  TestSigner stranger(9);
  rig_.send(0, rig_.ping(5, NodeRig::neighbor(1)).sign(stranger.identity()));
  rig_.turn(4);
  EXPECT_TRUE(rig_.messages(1).empty());
  // Without a certificate in the message nobody could ever check it.
  EXPECT_EQ(rig_.drops(DropReason::kSignerUnknown), 1U);
  wire::reload::SigningIdentity with_certificate = stranger.identity();
  with_certificate.certificates = {text("a certificate")};
  rig_.send(0, rig_.ping(6, NodeRig::neighbor(1)).sign(with_certificate));
  rig_.turn(3);
  EXPECT_EQ(rig_.count(&LcoreCounters::signer_held), 1U);
  rig_.add_signer(stranger);
  rig_.turn(3);
  EXPECT_EQ(rig_.messages(1).size(), 1U);
  rig_.settle();
  EXPECT_EQ(rig_.unaccounted(), 0);
}

TEST_P(Node, DeliversWhatIsForItself) {
  rig_.send(0, rig_.ping(77, node_id(0x10)).sign(signer_.identity()));
  rig_.turn(4);
  EXPECT_EQ(rig_.count(&LcoreCounters::delivered), 1U);
  unsigned records = 0;
  for (auto& lcore : rig_.region().rings.lcores) {
    lcore.urgent.consume(8, [&](const PacketRecord& record) {
      ++records;
      EXPECT_EQ(record.kind, PacketKind::kDelivery);
      EXPECT_EQ(record.verified, 1);
      EXPECT_EQ(record.link_slot, 0);
      EXPECT_EQ(record.generation, 1);
    });
  }
  EXPECT_EQ(records, 1U);
}

TEST_P(Node, SendsWhatTheControlPlaneInjects) {
  const Bytes message = rig_.ping(8, NodeRig::neighbor(1)).sign(signer_.identity());
  PacketRecord record;
  record.kind = PacketKind::kInject;
  record.length = static_cast<std::uint16_t>(message.size());
  std::memcpy(record.bytes.data(), message.data(), message.size());
  ASSERT_TRUE(rig_.region().rings.lcores[0].injected.push(record));
  // The other kind names the link itself, and the generation it means.
  record.kind = PacketKind::kInjectOnLink;
  record.link_slot = 0;
  record.generation = 1;
  ASSERT_TRUE(rig_.region().rings.lcores[0].injected.push(record));
  record.generation = 2;
  ASSERT_TRUE(rig_.region().rings.lcores[0].injected.push(record));
  rig_.turn(4);
  const std::vector<Bytes> by_route = rig_.messages(1), by_link = rig_.messages(0);
  ASSERT_EQ(by_route.size(), 1U);
  ASSERT_EQ(by_link.size(), 1U);
  EXPECT_EQ(by_route[0], message) << "our own messages leave as they were made";
  EXPECT_EQ(by_link[0], message);
  EXPECT_EQ(rig_.drops(DropReason::kLinkDown), 1U);
  EXPECT_EQ(rig_.count(&LcoreCounters::injected), 3U);
}

/// A link whose socket the control plane has.
wire::shm::Command stream_link(std::uint16_t slot) {
  wire::shm::Command command;
  command.kind = wire::shm::CommandKind::kUpsertLink;
  command.link = {};
  command.link.slot = slot;
  command.link.protocol = wire::shm::LinkProtocol::kVirtual;
  command.link.port = 0xffff;
  command.link.local = at("10.0.1.1", 6085);
  command.link.remote = at("203.0.113.9", 40000);
  command.link.peer = node_id(0xd0);
  return command;
}

TEST_P(Node, TakesMessagesOfAStreamThroughAllStages) {
  rig_.command(stream_link(4));
  const std::uint32_t owner = 4 % std::get<1>(GetParam());
  const Bytes good = transit(21);
  Bytes tampered = transit(22);
  tampered.back() ^= std::byte{1};
  PacketRecord record;
  record.kind = PacketKind::kVirtualIn;
  record.link_slot = 4;
  for (const Bytes& message : {good, tampered}) {
    record.length = static_cast<std::uint16_t>(message.size());
    std::memcpy(record.bytes.data(), message.data(), message.size());
    ASSERT_TRUE(rig_.region().rings.lcores[owner].injected.push(record));
  }
  rig_.turn(4);
  const std::vector<Bytes> out = rig_.messages(1);
  ASSERT_EQ(out.size(), 1U);
  const auto before = header_of(good), after = header_of(out[0]);
  EXPECT_EQ(after.ttl, before.ttl - 1) << "it is no message of ours";
  EXPECT_EQ(after.via_list_length, before.via_list_length + 2);
  EXPECT_EQ(rig_.drops(DropReason::kBadSignature), 1U);
  const wire::shm::LinkStatus& status = rig_.region().dataplane.links[4];
  EXPECT_EQ(status.messages_in.get(), 2U);
  EXPECT_EQ(status.bad_signatures.get(), 1U);
  EXPECT_EQ(status.acks_out.get(), 0U);
  rig_.settle();
  EXPECT_EQ(rig_.unaccounted(), 0);
}

TEST_P(Node, GivesMessagesForAStreamToTheControlPlane) {
  rig_.command(stream_link(4));
  const Bytes message = rig_.ping(31, node_id(0xd0)).sign(signer_.identity());
  PacketRecord record;
  record.kind = PacketKind::kInjectOnLink;
  record.link_slot = 4;
  record.length = static_cast<std::uint16_t>(message.size());
  std::memcpy(record.bytes.data(), message.data(), message.size());
  ASSERT_TRUE(rig_.region().rings.lcores[0].injected.push(record));
  rig_.turn(4);
  std::vector<Bytes> up;
  for (auto& lcore : rig_.region().rings.lcores) {
    lcore.virtual_out.consume(8, [&](const PacketRecord& out) {
      EXPECT_EQ(out.kind, PacketKind::kVirtualOut);
      EXPECT_EQ(out.link_slot, 4);
      up.emplace_back(out.bytes.data(), out.bytes.data() + out.length);
    });
  }
  EXPECT_THAT(up, ::testing::ElementsAre(message));
  rig_.settle();
  EXPECT_EQ(rig_.unaccounted(), 0);
}

TEST_P(Node, RefusesRecordsThatNameALinkWrongly) {
  rig_.command(stream_link(4));
  const std::uint32_t owner = 4 % std::get<1>(GetParam());
  PacketRecord record;
  record.length = 20;
  record.link_slot = 4;
  unsigned pushed = 0;
  const auto push = [&](PacketKind kind, std::uint16_t slot, std::uint8_t generation) {
    record.kind = kind;
    record.link_slot = slot;
    record.generation = generation;
    ASSERT_TRUE(rig_.region().rings.lcores[owner].injected.push(record));
    ++pushed;
  };
  push(PacketKind::kVirtualIn, 4, 1);   // another generation
  push(PacketKind::kVirtualIn, 0, 1);   // a lab link
  push(PacketKind::kVirtualIn, 9, 0);   // no link
  push(PacketKind::kDatagram, 4, 0);    // no secure link
  push(PacketKind::kHandshake, 4, 0);   // goes up
  push(PacketKind::kVirtualOut, 4, 0);  // goes up
  push(static_cast<PacketKind>(200), 4, 0);
  rig_.turn(4);
  EXPECT_EQ(rig_.drops(DropReason::kLinkDown), pushed);
  record.length = 0;
  push(PacketKind::kVirtualIn, 4, 0);
  rig_.turn(4);
  EXPECT_EQ(rig_.drops(DropReason::kBadLength), 1U);
  rig_.settle();
  EXPECT_EQ(rig_.unaccounted(), 0);
}

TEST_P(Node, AsksForTheAnswerTheRfcWants) {
  rig_.send(0, rig_.ping(9, NodeRig::neighbor(1)).ttl(0).sign(signer_.identity()));
  rig_.turn(4);
  EXPECT_EQ(rig_.drops(DropReason::kTtlExceeded), 1U);
  unsigned records = 0;
  for (auto& lcore : rig_.region().rings.lcores) {
    lcore.bulk.consume(8, [&](const PacketRecord& record) {
      ++records;
      EXPECT_EQ(record.kind, PacketKind::kErrorAnswer);
      EXPECT_EQ(record.reason, DropReason::kTtlExceeded);
      EXPECT_EQ(header_of({record.bytes.data(), record.bytes.data() + record.length}).ttl, 0);
    });
  }
  EXPECT_EQ(records, 1U);
}

TEST_P(Node, LeavesATraceOfASampledMessage) {
  wire::shm::Command trace;
  trace.kind = wire::shm::CommandKind::kSetTrace;
  trace.trace = {};
  trace.trace.sample_one_in = 2;
  rig_.command(trace);
  std::this_thread::sleep_for(std::chrono::milliseconds(3));  // workers look about once a ms
  rig_.turn(2);
  for (std::uint64_t id = 1; id <= 4; ++id) rig_.send(0, transit(id));
  rig_.turn(4);
  std::size_t total = 0;
  for (auto& ring : rig_.region().dataplane.traces) {
    std::array<wire::shm::TraceRecord, 16> records;
    std::size_t count = 0;
    ring.read(0, records, count);
    total += count;
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(records[i].outcome, wire::shm::TraceOutcome::kTransmitted);
      EXPECT_EQ(records[i].link_in, 0);
      EXPECT_EQ(records[i].link_out, 1);
      EXPECT_EQ(records[i].destination, NodeRig::neighbor(1));
      EXPECT_EQ(records[i].ttl, 100);
      EXPECT_EQ(records[i].verified, 1);
    }
  }
  EXPECT_EQ(total, 2U);
}

TEST_P(Node, DropsWhatItHoldsWhenItStops) {
  TestSigner stranger(9);
  wire::reload::SigningIdentity identity = stranger.identity();
  identity.certificates = {text("a certificate")};
  rig_.send(0, rig_.ping(6, NodeRig::neighbor(1)).sign(identity));
  rig_.turn(3);
  EXPECT_EQ(rig_.count(&LcoreCounters::signer_held), 1U);
  rig_.plane().empty();
  EXPECT_EQ(rig_.drops(DropReason::kShutdown), 1U);
  rig_.settle();
  EXPECT_EQ(rig_.unaccounted(), 0);
}

TEST_P(Node, KeepsItsLedgerThroughBurstsOfEverything) {
  std::vector<Bytes> bad{text("no IP at all"), udp_frame(rig_.them(0), rig_.us(0), bytes({0, 1})),
                         udp_frame(rig_.them(0), rig_.us(0), bytes({128, 0, 0})),
                         udp_frame(rig_.them(0), rig_.us(0), bytes({200}))};
  std::uint64_t id = 1000, good = 0;
  for (unsigned round = 0; round < 30; ++round) {
    for (unsigned i = 0; i < 5; ++i) {
      rig_.send(0, transit(++id));
      ++good;
      rig_.send_frame(0, bad[(round + i) % bad.size()]);
    }
    Bytes tampered = transit(++id);
    tampered.back() ^= std::byte{0x40};
    rig_.send(0, tampered);
    rig_.turn();
    ASSERT_EQ(rig_.count(&LcoreCounters::unaccounted), 0U);
    // Acknowledge what came, or the window of link 1 closes.
    for (const Bytes& frame : rig_.frames(1)) {
      const Bytes payload = rig_.udp_payload(frame);
      if (NodeRig::is_ack(payload)) continue;
      Bytes ack(wire::reload::kAckFrameBytes);
      wire::reload::write_ack_frame(wire::load_be32(&payload[1]), 0, ack);
      rig_.send_frame(1, udp_frame(rig_.them(1), rig_.us(1), ack));
      --good;
    }
  }
  rig_.turn(4);
  good -= rig_.messages(1).size();
  EXPECT_EQ(good, 0U);
  EXPECT_EQ(rig_.drops(DropReason::kBadSignature), 30U);
  rig_.settle();
  EXPECT_EQ(rig_.unaccounted(), 0);
}

TEST_P(Node, WritesCapturesWithTheVerdictOfEachPacket) {
  const std::string path =
      ::testing::TempDir() + "hopseal_capture_" + std::to_string(::getpid()) + ".pcapng";
  wire::shm::Command start;
  start.kind = wire::shm::CommandKind::kStartCapture;
  start.capture = {};
  std::strncpy(start.capture.path.data(), path.c_str(), start.capture.path.size() - 1);
  rig_.command(start);
  std::this_thread::sleep_for(std::chrono::milliseconds(3));
  rig_.turn(2);
  Bytes tampered = transit(2);
  tampered.back() ^= std::byte{1};
  rig_.send(0, transit(1));
  rig_.send(0, tampered);
  rig_.send(0, rig_.ping(3, node_id(0x10)).sign(signer_.identity()));
  rig_.turn(4);
  wire::shm::Command stop;
  stop.kind = wire::shm::CommandKind::kStopCapture;
  rig_.command(stop);
  EXPECT_EQ(rig_.region().dataplane.status.capture_packets.load(), 3U);
  std::ifstream file(path, std::ios::binary);
  const std::string all((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_THAT(all, ::testing::HasSubstr("hopseal: verified, forwarded to link 1"));
  EXPECT_THAT(all, ::testing::HasSubstr("hopseal: dropped bad_signature at verify"));
  EXPECT_THAT(all, ::testing::HasSubstr("hopseal: verified, delivered"));
  ::unlink(path.c_str());
}

TEST_P(Node, SaysSinceWhenItHasNoControlPlane) {
  rig_.turn();
  EXPECT_EQ(rig_.region().dataplane.status.headless.load(), 0U);
  rig_.control_plane_lives = false;
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  rig_.turn();
  EXPECT_EQ(rig_.region().dataplane.status.headless.load(), 1U);
  EXPECT_NE(rig_.region().dataplane.status.headless_since.load(), 0U);
  rig_.send(0, transit(1));
  rig_.turn(4);
  EXPECT_EQ(rig_.messages(1).size(), 1U) << "it forwards on the last committed state";
}

INSTANTIATE_TEST_SUITE_P(EveryFamilyAndWorkerCount, Node,
                         ::testing::Combine(::testing::Values(4U, 6U), ::testing::Values(1U, 2U)),
                         [](const auto& each) {
                           return "ipv" + std::to_string(std::get<0>(each.param)) + "_workers" +
                                  std::to_string(std::get<1>(each.param));
                         });

/// Everything that leaves, by port, for the same messages in.
std::array<std::vector<Bytes>, NodeRig::kPorts> output_of(RigSetting setting,
                                                          const TestSigner& signer) {
  NodeRig rig(setting);
  rig.add_signer(signer);
  std::array<std::vector<Bytes>, NodeRig::kPorts> out;
  for (std::uint64_t id = 1; id <= 40; ++id) {
    const unsigned from = id % 3 == 0 ? 1 : 0;
    rig.send(from, rig.ping(id, NodeRig::neighbor(1 - from)).sign(signer.identity()),
             static_cast<unsigned>(id) % setting.queues);
    rig.turn(3);
    for (unsigned port = 0; port < NodeRig::kPorts; ++port) {
      for (const Bytes& frame : rig.frames(port)) {
        const Bytes payload = rig.udp_payload(frame);
        if (!NodeRig::is_ack(payload)) {
          Bytes ack(wire::reload::kAckFrameBytes);
          wire::reload::write_ack_frame(wire::load_be32(&payload[1]), 0, ack);
          rig.send_frame(port, udp_frame(rig.them(port), rig.us(port), ack));
        }
        out[port].push_back(frame);
      }
    }
  }
  return out;
}

TEST(Workers, DoNotChangeAByteOfTheOutput) {
  TestSigner signer(3);
  for (const unsigned family : {4U, 6U}) {
    const auto one = output_of({.workers = 1, .family = family}, signer);
    EXPECT_EQ(one[0].size() + one[1].size(), 80U) << "each message and each ack";
    EXPECT_EQ(output_of({.workers = 2, .family = family}, signer), one);
    EXPECT_EQ(output_of({.workers = 3, .family = family}, signer), one);
    EXPECT_EQ(output_of({.workers = 2, .family = family, .queues = 2}, signer), one);
  }
}

}  // namespace
