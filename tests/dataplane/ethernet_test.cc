// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/ethernet.h"

#include <gtest/gtest.h>

#include "dataplane/stages/drop.h"
#include "tests/dataplane/frames.h"
#include "tests/dataplane/net_ring_port.h"

namespace dataplane {
namespace {

using tests::dataplane::at;
using tests::dataplane::be16;
using tests::dataplane::Bytes;
using tests::dataplane::bytes;
using tests::dataplane::ethernet_frame;
using tests::dataplane::icmp6_message;
using tests::dataplane::ipv4_packet;
using tests::dataplane::ipv6_packet;
using tests::dataplane::kBroadcast;
using tests::dataplane::kOurMac;
using tests::dataplane::kTheirMac;
using tests::dataplane::operator+;
using tests::dataplane::udp_datagram;
using tests::dataplane::udp_frame;
using wire::shm::Endpoint;

constexpr std::uint64_t kTscHz = 1'000'000'000;

/// One port, one worker, the stages from ethernet to drop, and nothing else.
class Ethernet : public ::testing::Test {
 protected:
  Ethernet() {
    Port& port = ports_.ports[0];
    ports_.count = 1;
    ports_.service_port = 6084;
    wire_.start(pool_.get());
    port.id = wire_.id();
    std::memcpy(port.mac.data(), kOurMac.data(), 6);
    port.addresses[0] = {at("10.0.1.1"), 24};
    port.addresses[1] = {at("fd00:1::1"), 64};
    port.address_count = 2;
  }
  ~Ethernet() override {
    while (!wire_.receive().empty()) continue;
    wire_.stop();
    EXPECT_EQ(pool_.missing(), 0U);
    EXPECT_EQ(counters_.absorbed.get() + dropped_ + passed_, arrived_);
  }

  /// What became of a frame: passed on, absorbed, or the name of the reason it was dropped for.
  std::string fate_of(const Bytes& frame, std::uint64_t ol_flags = 0) {
    rte_mbuf* const mbuf = pool_.make(frame);
    mbuf->ol_flags |= ol_flags;
    context_of(mbuf).port = 0;
    Burst burst;
    burst.clear();
    burst.add(mbuf);
    ++arrived_;
    const std::uint64_t absorbed = counters_.absorbed.get();
    ethernet(burst, state_, counters_);
    if (burst.live != 0) {
      ++passed_;
      context_ = burst.context(0);
      const auto all = bytes_of(mbuf);
      payload_.assign(all.begin() + context_.payload_offset,
                      all.begin() + context_.payload_offset + context_.payload_length);
      rte_pktmbuf_free(burst.take(0));
      return "passed";
    }
    const bool was_dropped = burst.dropped != 0;
    const DropReason reason = burst.reason[0];
    drop(burst, doors_);
    doors_.flush();
    transmit_.flush();
    if (!was_dropped) return counters_.absorbed.get() == absorbed + 1 ? "absorbed" : "lost";
    ++dropped_;
    return wire::shm::kDropReasons[static_cast<std::size_t>(reason)].name;
  }

  tests::dataplane::Pool pool_;
  tests::dataplane::NetRingPort wire_;
  std::unique_ptr<wire::shm::NodeRegion> region_ = std::make_unique<wire::shm::NodeRegion>();
  wire::shm::LcoreCounters& counters_ = region_->dataplane.counters[0];
  PortTable ports_;
  std::unique_ptr<Quiescence> quiescence_ = Quiescence::create(1);
  std::unique_ptr<NeighborTable> neighbors_ = NeighborTable::create(16, *quiescence_);
  std::unique_ptr<HandOff> hand_off_ = HandOff::create(1);
  TraceSwitch trace_switch_;
  CaptureSwitch capture_switch_;
  Tracer tracer_{0, trace_switch_, region_->dataplane.traces[0], counters_};
  CaptureTap capture_{0, capture_switch_, nullptr, nullptr, counters_};
  Doors doors_{0, *region_, tracer_, capture_, kTscHz};
  TransmitQueues transmit_{0, ports_, *hand_off_, doors_, counters_};
  NeighborResolver resolver_{ports_, *neighbors_, pool_.get(), transmit_,
                             doors_, counters_,   kTscHz};
  EthernetState state_{.worker = 0,
                       .ports = &ports_,
                       .resolver = &resolver_,
                       .hand_off = hand_off_.get(),
                       .transmit = &transmit_,
                       .doors = &doors_};
  std::uint64_t arrived_ = 0, passed_ = 0, dropped_ = 0;
  PacketContext context_;
  Bytes payload_;
  const Endpoint us4 = at("10.0.1.1", 6084), them4 = at("10.0.1.2", 7000);
  const Endpoint us6 = at("[fd00:1::1]:6084"), them6 = at("[fd00:1::2]:7000");
};

TEST_F(Ethernet, PassesUdpForTheServicePortOnBothFamilies) {
  EXPECT_EQ(fate_of(udp_frame(them4, us4, tests::dataplane::text("hello"))), "passed");
  EXPECT_EQ(payload_, tests::dataplane::text("hello"));
  EXPECT_EQ(context_.local, us4);
  EXPECT_EQ(context_.remote, them4);
  EXPECT_EQ(fate_of(udp_frame(them6, us6, tests::dataplane::text("hello, six"))), "passed");
  EXPECT_EQ(payload_, tests::dataplane::text("hello, six"));
  EXPECT_EQ(context_.local, us6);
  EXPECT_EQ(context_.remote, them6);
}

TEST_F(Ethernet, TakesPayloadsOfEveryLengthWithTheirChecksum) {
  Bytes payload;
  for (unsigned length = 0; length < 200; ++length) {
    ASSERT_EQ(fate_of(udp_frame(them4, us4, payload)), "passed") << length;
    ASSERT_EQ(fate_of(udp_frame(them6, us6, payload)), "passed") << length;
    ASSERT_EQ(payload_, payload);
    payload.push_back(static_cast<std::byte>(length * 37 + 11));
  }
}

TEST_F(Ethernet, NoticesEveryFlippedByteOfADatagram) {
  const Bytes good = udp_frame(them6, us6, tests::dataplane::text("an odd number of bytes."));
  for (std::size_t i = 14 + 40 + 8; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= std::byte{0x10};
    ASSERT_EQ(fate_of(bad), "udp_bad_checksum") << i;
  }
}

TEST_F(Ethernet, BelievesAPortThatChecksChecksums) {
  ports_.ports[0].rx_checks_checksums = true;
  Bytes frame = udp_frame(them4, us4, tests::dataplane::text("hello"));
  frame.back() ^= std::byte{1};
  constexpr std::uint64_t kGood = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
  EXPECT_EQ(fate_of(frame, kGood), "passed");
  EXPECT_EQ(fate_of(frame, RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_BAD),
            "udp_bad_checksum");
  EXPECT_EQ(fate_of(frame), "udp_bad_checksum");  // no verdict: software looks
}

TEST_F(Ethernet, IgnoresPaddingBehindTheDatagram) {
  EXPECT_EQ(fate_of(udp_frame(them4, us4, bytes({7})) + Bytes(17)), "passed");
  EXPECT_EQ(payload_, bytes({7}));
}

TEST_F(Ethernet, AcceptsAbsentChecksumsOnIpv4Only) {
  Bytes four = udp_frame(them4, us4, bytes({1, 2, 3}));
  four[14 + 20 + 6] = four[14 + 20 + 7] = std::byte{0};
  EXPECT_EQ(fate_of(four), "passed");
  Bytes six = udp_frame(them6, us6, bytes({1, 2, 3}));
  six[14 + 40 + 6] = six[14 + 40 + 7] = std::byte{0};
  EXPECT_EQ(fate_of(six), "udp_bad_checksum");
}

TEST_F(Ethernet, DropsTruncatedFramesAtEveryLength) {
  for (const Bytes& whole :
       {udp_frame(them4, us4, bytes({1, 2, 3})), udp_frame(them6, us6, bytes({1, 2, 3}))}) {
    for (std::size_t length = 0; length < whole.size(); ++length) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      ASSERT_EQ(fate_of(cut), "ethernet_truncated") << length;
    }
  }
}

TEST_F(Ethernet, DropsWhatIsForOthers) {
  Bytes other_mac = udp_frame(them4, us4, bytes({1}));
  other_mac[5] = std::byte{9};
  EXPECT_EQ(fate_of(other_mac), "ethernet_not_for_us");
  EXPECT_EQ(fate_of(udp_frame(them4, at("10.0.1.9", 6084), bytes({1}))), "ethernet_not_for_us");
  EXPECT_EQ(fate_of(udp_frame(them6, at("[fd00:1::9]:6084"), bytes({1}))), "ethernet_not_for_us");
  const Bytes datagram = udp_datagram(them4, us4, bytes({1}));
  EXPECT_EQ(
      fate_of(ethernet_frame(kBroadcast, kTheirMac, 0x0800, ipv4_packet(them4, us4, 17, datagram))),
      "ethernet_not_for_us");
}

TEST_F(Ethernet, DropsWhatItDoesNotSpeak) {
  EXPECT_EQ(fate_of(ethernet_frame(kOurMac, kTheirMac, 0x8100, Bytes(60))), "ethernet_unsupported");
  EXPECT_EQ(
      fate_of(ethernet_frame(kOurMac, kTheirMac, 0x0800, ipv4_packet(them4, us4, 6, Bytes(20)))),
      "ethernet_unsupported");
  EXPECT_EQ(
      fate_of(ethernet_frame(kOurMac, kTheirMac, 0x86dd, ipv6_packet(them6, us6, 6, Bytes(20)))),
      "ethernet_unsupported");
}

TEST_F(Ethernet, DropsImpossibleIpHeaders) {
  const Bytes good = udp_frame(them4, us4, bytes({1, 2, 3}));
  Bytes version = good;
  version[14] = std::byte{0x55};
  EXPECT_EQ(fate_of(version), "ip_bad_header");
  Bytes short_header = good;
  short_header[14] = std::byte{0x44};
  EXPECT_EQ(fate_of(short_header), "ip_bad_header");
  Bytes total = good;
  total[16] = std::byte{0};
  total[17] = std::byte{19};
  EXPECT_EQ(fate_of(total), "ip_bad_header");
  Bytes six = udp_frame(them6, us6, bytes({1}));
  six[14] = std::byte{0x40};
  EXPECT_EQ(fate_of(six), "ip_bad_header");
  EXPECT_EQ(fate_of(udp_frame(at("224.0.0.1", 1), us4, bytes({1}))), "ip_bad_header");
  EXPECT_EQ(fate_of(udp_frame(at("127.0.0.1", 1), us4, bytes({1}))), "ip_bad_header");
  EXPECT_EQ(fate_of(udp_frame(at("[ff02::1]:1"), us6, bytes({1}))), "ip_bad_header");
}

TEST_F(Ethernet, DropsABadIpv4HeaderChecksum) {
  Bytes frame = udp_frame(them4, us4, bytes({1, 2, 3}));
  frame[14 + 8] = std::byte{63};  // TTL
  EXPECT_EQ(fate_of(frame), "ip_bad_checksum");
}

TEST_F(Ethernet, DropsIpFragments) {
  const Bytes datagram = udp_datagram(them4, us4, bytes({1, 2, 3}));
  Bytes packet = ipv4_packet(them4, us4, 17, datagram);
  packet[6] = std::byte{0x20};  // more fragments
  packet[10] = packet[11] = std::byte{0};
  const std::uint16_t sum =
      tests::dataplane::plain_checksum(Bytes(packet.begin(), packet.begin() + 20));
  packet[10] = static_cast<std::byte>(sum >> 8U);
  packet[11] = static_cast<std::byte>(sum & 0xffU);
  EXPECT_EQ(fate_of(ethernet_frame(kOurMac, kTheirMac, 0x0800, packet)), "ip_fragment");
  EXPECT_EQ(
      fate_of(ethernet_frame(kOurMac, kTheirMac, 0x86dd, ipv6_packet(them6, us6, 44, Bytes(16)))),
      "ip_fragment");
}

TEST_F(Ethernet, DropsBadUdpLengthsAndPorts) {
  Bytes longer = udp_frame(them4, us4, bytes({1, 2, 3}));
  longer[14 + 20 + 5] = std::byte{12};
  EXPECT_EQ(fate_of(longer), "udp_bad_length");
  Bytes shorter = longer;
  shorter[14 + 20 + 5] = std::byte{7};
  EXPECT_EQ(fate_of(shorter), "udp_bad_length");
  EXPECT_EQ(fate_of(udp_frame(them4, at("10.0.1.1", 6085), bytes({1}))), "udp_wrong_port");
}

TEST_F(Ethernet, AnswersArpForItsAddress) {
  const Bytes request =
      ethernet_frame(kBroadcast, kTheirMac, 0x0806,
                     bytes({0, 1, 8, 0, 6, 4, 0, 1}) + kTheirMac + bytes({10, 0, 1, 2}) + Bytes(6) +
                         bytes({10, 0, 1, 1}) + Bytes(18));
  EXPECT_EQ(fate_of(request), "absorbed");
  EXPECT_EQ(counters_.generated.get(), 1U);
  EXPECT_EQ(wire_.receive(),
            ethernet_frame(kTheirMac, kOurMac, 0x0806,
                           bytes({0, 1, 8, 0, 6, 4, 0, 2}) + kOurMac + bytes({10, 0, 1, 1}) +
                               kTheirMac + bytes({10, 0, 1, 2}) + Bytes(18)));
  Bytes for_another = request;
  for_another[14 + 27] = std::byte{9};
  EXPECT_EQ(fate_of(for_another), "ethernet_not_for_us");
  Bytes token_ring = request;
  token_ring[15] = std::byte{6};
  EXPECT_EQ(fate_of(token_ring), "neighbor_invalid");
}

TEST_F(Ethernet, AnswersNeighborSolicitations) {
  const Endpoint group = at("ff02::1:ff00:1");
  const Bytes group_mac = bytes({0x33, 0x33, 0xff, 0, 0, 1});
  const Bytes question = bytes({135, 0, 0, 0, 0, 0, 0, 0}) + tests::dataplane::address_bytes(us6) +
                         bytes({1, 1}) + kTheirMac;
  const auto solicitation = [&](const Bytes& message, unsigned hop_limit) {
    return ethernet_frame(
        group_mac, kTheirMac, 0x86dd,
        ipv6_packet(them6, group, 58, icmp6_message(them6, group, message), hop_limit));
  };
  EXPECT_EQ(fate_of(solicitation(question, 255)), "absorbed");
  const Bytes answer = bytes({136, 0, 0, 0, 0x60, 0, 0, 0}) + tests::dataplane::address_bytes(us6) +
                       bytes({2, 1}) + kOurMac;
  EXPECT_EQ(wire_.receive(),
            ethernet_frame(kTheirMac, kOurMac, 0x86dd,
                           ipv6_packet(us6, them6, 58, icmp6_message(us6, them6, answer), 255)));
  // Through a router; with an option of no length; for somebody else.
  EXPECT_EQ(fate_of(solicitation(question, 254)), "neighbor_invalid");
  Bytes empty_option = question;
  empty_option[25] = std::byte{0};
  EXPECT_EQ(fate_of(solicitation(empty_option, 255)), "neighbor_invalid");
  Bytes another = question;
  another[23] = std::byte{9};
  EXPECT_EQ(fate_of(solicitation(another, 255)), "ethernet_not_for_us");
  // Without the option the answer is longer than the question.
  EXPECT_EQ(fate_of(solicitation(Bytes(question.begin(), question.begin() + 24), 255)), "absorbed");
  EXPECT_EQ(wire_.receive().size(), 14U + 40U + 32U);
}

TEST_F(Ethernet, TellsEverybodyWhenSomebodyTriesItsAddress) {
  const Endpoint nobody = at("::"), group = at("ff02::1:ff00:1"), all = at("ff02::1");
  const Bytes question = bytes({135, 0, 0, 0, 0, 0, 0, 0}) + tests::dataplane::address_bytes(us6);
  EXPECT_EQ(fate_of(ethernet_frame(
                bytes({0x33, 0x33, 0xff, 0, 0, 1}), kTheirMac, 0x86dd,
                ipv6_packet(nobody, group, 58, icmp6_message(nobody, group, question), 255))),
            "absorbed");
  const Bytes answer = bytes({136, 0, 0, 0, 0x20, 0, 0, 0}) + tests::dataplane::address_bytes(us6) +
                       bytes({2, 1}) + kOurMac;
  EXPECT_EQ(wire_.receive(),
            ethernet_frame(bytes({0x33, 0x33, 0, 0, 0, 1}), kOurMac, 0x86dd,
                           ipv6_packet(us6, all, 58, icmp6_message(us6, all, answer), 255)));
}

TEST_F(Ethernet, AnswersEchoOnBothFamilies) {
  Bytes ping = bytes({8, 0, 0, 0, 0x12, 0x34, 0, 7}) + tests::dataplane::text("odd payload");
  std::uint16_t sum = tests::dataplane::plain_checksum(ping);
  ping[2] = static_cast<std::byte>(sum >> 8U);
  ping[3] = static_cast<std::byte>(sum & 0xffU);
  EXPECT_EQ(
      fate_of(ethernet_frame(kOurMac, kTheirMac, 0x0800, ipv4_packet(them4, us4, 1, ping, 3))),
      "absorbed");
  Bytes pong = ping;
  pong[0] = pong[2] = pong[3] = std::byte{0};
  sum = tests::dataplane::plain_checksum(pong);
  pong[2] = static_cast<std::byte>(sum >> 8U);
  pong[3] = static_cast<std::byte>(sum & 0xffU);
  EXPECT_EQ(wire_.receive(),
            ethernet_frame(kTheirMac, kOurMac, 0x0800, ipv4_packet(us4, them4, 1, pong, 64)));

  const Bytes ping6 = bytes({128, 0, 0, 0, 0x12, 0x34, 0, 7}) + tests::dataplane::text("payload");
  const Bytes pong6 = bytes({129, 0, 0, 0, 0x12, 0x34, 0, 7}) + tests::dataplane::text("payload");
  EXPECT_EQ(
      fate_of(ethernet_frame(kOurMac, kTheirMac, 0x86dd,
                             ipv6_packet(them6, us6, 58, icmp6_message(them6, us6, ping6), 3))),
      "absorbed");
  EXPECT_EQ(wire_.receive(),
            ethernet_frame(kTheirMac, kOurMac, 0x86dd,
                           ipv6_packet(us6, them6, 58, icmp6_message(us6, them6, pong6), 64)));
}

TEST_F(Ethernet, DropsBadOrUnwantedIcmp) {
  Bytes ping = bytes({8, 0, 0, 1, 0, 0, 0, 0});
  EXPECT_EQ(fate_of(ethernet_frame(kOurMac, kTheirMac, 0x0800, ipv4_packet(them4, us4, 1, ping))),
            "icmp_bad_checksum");
  Bytes ping6 = icmp6_message(them6, us6, bytes({128, 0, 0, 0, 0, 0, 0, 0}));
  ping6[7] = std::byte{1};
  EXPECT_EQ(fate_of(ethernet_frame(kOurMac, kTheirMac, 0x86dd, ipv6_packet(them6, us6, 58, ping6))),
            "icmp_bad_checksum");
  const Bytes unreachable = icmp6_message(them6, us6, bytes({1, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(
      fate_of(ethernet_frame(kOurMac, kTheirMac, 0x86dd, ipv6_packet(them6, us6, 58, unreachable))),
      "ethernet_unsupported");
}

TEST_F(Ethernet, ResolvesANeighborByArpAndForgetsItWhenSilent) {
  ASSERT_TRUE(neighbors_->require(0, at("10.0.1.2")));
  const Neighbor* const neighbor = neighbors_->find(0, at("10.0.1.2"));
  ASSERT_NE(neighbor, nullptr);
  std::uint64_t now = rte_rdtsc();
  resolver_.tick(now);
  transmit_.flush();
  EXPECT_EQ(wire_.receive(),
            ethernet_frame(kBroadcast, kOurMac, 0x0806,
                           bytes({0, 1, 8, 0, 6, 4, 0, 1}) + kOurMac + bytes({10, 0, 1, 1}) +
                               Bytes(6) + bytes({10, 0, 1, 2})));
  resolver_.tick(now + 1);  // not due yet
  transmit_.flush();
  EXPECT_EQ(wire_.receive(), Bytes());
  EXPECT_EQ(neighbor->mac(), 0U);
  const Bytes reply = ethernet_frame(kOurMac, kTheirMac, 0x0806,
                                     bytes({0, 1, 8, 0, 6, 4, 0, 2}) + kTheirMac +
                                         bytes({10, 0, 1, 2}) + kOurMac + bytes({10, 0, 1, 1}));
  EXPECT_EQ(fate_of(reply), "absorbed");
  EXPECT_EQ(neighbor->mac(), 0x020000000002U);
  // After the time it is taken for granted, five unanswered requests and it is gone.
  now = rte_rdtsc() + kTscHz * 31;
  unsigned asked = 0;
  for (; neighbor->mac() != 0 && asked < 10; ++asked, now += kTscHz) resolver_.tick(now);
  EXPECT_EQ(asked, NeighborResolver::kForgetAfter + 1U);
  transmit_.flush();
}

TEST_F(Ethernet, ResolvesANeighborByDiscovery) {
  ASSERT_TRUE(neighbors_->require(0, at("fd00:1::2")));
  const Neighbor* const neighbor = neighbors_->find(0, at("fd00:1::2"));
  resolver_.tick(rte_rdtsc());
  transmit_.flush();
  const Endpoint group = at("ff02::1:ff00:2");
  const Bytes question = bytes({135, 0, 0, 0, 0, 0, 0, 0}) +
                         tests::dataplane::address_bytes(them6) + bytes({1, 1}) + kOurMac;
  EXPECT_EQ(wire_.receive(),
            ethernet_frame(bytes({0x33, 0x33, 0xff, 0, 0, 2}), kOurMac, 0x86dd,
                           ipv6_packet(us6, group, 58, icmp6_message(us6, group, question), 255)));
  const auto advertise = [&](unsigned flags, const Bytes& mac) {
    const Bytes message = bytes({136, 0, 0, 0, flags, 0, 0, 0}) +
                          tests::dataplane::address_bytes(them6) + bytes({2, 1}) + mac;
    return fate_of(
        ethernet_frame(kOurMac, kTheirMac, 0x86dd,
                       ipv6_packet(them6, us6, 58, icmp6_message(them6, us6, message), 255)));
  };
  EXPECT_EQ(advertise(0x40, kTheirMac), "absorbed");
  EXPECT_EQ(neighbor->mac(), 0x020000000002U);
  EXPECT_EQ(advertise(0x40, bytes({2, 0, 0, 0, 0, 3})), "absorbed");
  EXPECT_EQ(neighbor->mac(), 0x020000000002U) << "only the override flag replaces an address";
  EXPECT_EQ(advertise(0x60, bytes({2, 0, 0, 0, 0, 3})), "absorbed");
  EXPECT_EQ(neighbor->mac(), 0x030000000002U);
}

TEST_F(Ethernet, LearnsOnlyNeighborsItNeeds) {
  const Bytes announcement =
      ethernet_frame(kBroadcast, kTheirMac, 0x0806,
                     bytes({0, 1, 8, 0, 6, 4, 0, 1}) + kTheirMac + bytes({10, 0, 1, 77}) +
                         Bytes(6) + bytes({10, 0, 1, 77}));
  EXPECT_EQ(fate_of(announcement), "ethernet_not_for_us");
  ASSERT_TRUE(neighbors_->require(0, at("10.0.1.77")));
  EXPECT_EQ(fate_of(announcement), "absorbed");
  EXPECT_EQ(neighbors_->find(0, at("10.0.1.77"))->mac(), 0x020000000002U);
}

TEST_F(Ethernet, GivesArpToWorkerZero) {
  const auto two = HandOff::create(2);
  EthernetState other{.worker = 1,
                      .ports = &ports_,
                      .resolver = nullptr,
                      .hand_off = two.get(),
                      .transmit = &transmit_,
                      .doors = &doors_};
  Burst burst;
  burst.clear();
  burst.add(pool_.make(ethernet_frame(kBroadcast, kTheirMac, 0x0806, Bytes(28))));
  ethernet(burst, other, counters_);
  EXPECT_EQ(burst.live, 0U);
  EXPECT_EQ(counters_.handed_out.get(), 1U);
  std::array<rte_mbuf*, 4> taken;
  ASSERT_EQ(two->take(0, 1, taken), 1U);
  EXPECT_EQ(context_of(taken[0]).resume, Resume::kNeighbor);
  rte_pktmbuf_free(taken[0]);
}

TEST(NextHop, IsThePeerInThePrefixAndTheGatewayBeyond) {
  Port port;
  port.addresses[0] = {at("10.0.1.1"), 24};
  port.addresses[1] = {at("fd00:1::1"), 61};
  port.address_count = 2;
  EXPECT_EQ(next_hop_on(port, at("10.0.1.200", 6084)), at("10.0.1.200"));
  EXPECT_EQ(next_hop_on(port, at("10.0.2.1")).family, 0);
  EXPECT_EQ(next_hop_on(port, at("[fd00:1:0:7::1]:1")), at("fd00:1:0:7::1"));
  EXPECT_EQ(next_hop_on(port, at("fd00:1:0:8::1")).family, 0);
  port.gateway4 = at("10.0.1.254");
  EXPECT_EQ(next_hop_on(port, at("10.0.2.1", 5)), at("10.0.1.254"));
}

}  // namespace
}  // namespace dataplane
