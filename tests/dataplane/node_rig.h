// SPDX-License-Identifier: Apache-2.0
// A whole dataplane between two rings, with a made-up control plane: what a test sends into a port
// comes out of another one after all stages of real worker contexts, turned by hand.

#pragma once

#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/dataplane.h"
#include "dataplane/lcore_upkeep.h"
#include "tests/dataplane/frames.h"
#include "tests/dataplane/net_ring_port.h"
#include "tests/dataplane/test_signer.h"
#include "wire/reload/link_framing.h"
#include "wire/reload/message_builder.h"
#include "wire/shm/region.h"

namespace tests::dataplane {

struct RigSetting {
  std::uint32_t workers = 1;
  unsigned family = 4;
  unsigned queues = 1;  ///< of each port
  wire::shm::VerifyPolicy verify = wire::shm::VerifyPolicy::kAll;
  std::uint32_t replay_window_ms = 2000;
  /// Of port 0, when it is not to be a ring; no worker has turned yet then.
  std::string first_device = {};
  std::uint32_t digest_cache_entries = 1024;
  std::uint32_t max_signers = 64;
  std::uint32_t known_signer_mib = 1;
  std::string kernel = {};  ///< empty: the best here
  /// Who reads the rings gives the mbufs back as it found them, like a NIC, so that frames kept for
  /// retransmission need not be copied.
  bool like_a_nic = false;
  wire::shm::LinkProtocol protocol = wire::shm::LinkProtocol::kLab;  ///< of both links
};

/// Two ports; behind port i the neighbour of link i, whose Node-ID is node_id(0x20 + 0x40 * i).
/// This node is node_id(0x10) and knows both neighbours as peers.
class NodeRig {
 public:
  static constexpr unsigned kPorts = 2;
  using Setting = RigSetting;

  explicit NodeRig(const Setting& setting = {}) : setting_(setting) {
    config_.name = "rig";
    config_.dataplane.workers = setting.workers;
    config_.dataplane.mbufs = 4095;
    config_.dataplane.max_links = 64;
    config_.dataplane.max_signers = setting.max_signers;
    config_.dataplane.known_signer_mib = setting.known_signer_mib;
    config_.dataplane.kernel = setting.kernel;
    config_.dataplane.digest_cache_entries = setting.digest_cache_entries;
    config_.dataplane.poll = config::Poll::kBusy;
    for (unsigned i = 0; i < kPorts; ++i) {
      wires_.push_back(std::make_unique<NetRingPort>(setting.queues));
      config::Port port;
      port.name = "p" + std::to_string(i);
      port.device = wires_[i]->device();
      if (i == 0 && !setting.first_device.empty()) port.device = setting.first_device;
      port.addresses.push_back({us(i), static_cast<std::uint8_t>(setting.family == 4 ? 24 : 64)});
      port.addresses.back().address.port = 0;
      port.mac = 0x020000000001;
      config_.dataplane.ports.push_back(port);
    }
    std::string why;
    plane_ = ::dataplane::Dataplane::create(
        config_, *region_, [this] { return control_plane_lives; }, why);
    if (plane_ == nullptr) {
      ADD_FAILURE() << why;
      std::abort();
    }
    if (setting.like_a_nic) {  // before a link remembers it
      for (std::uint16_t i = 0; i < kPorts; ++i) {
        const_cast<::dataplane::Port&>(plane_->ports()[i]).tx_shares_buffers = false;
      }
    }
    publish_policy();
    publish_routes();
    for (std::uint16_t i = 0; i < kPorts; ++i) add_link(i);
    for (unsigned i = 0; i < kPorts; ++i) introduce(i);
    if (!setting.first_device.empty()) return;  // its frames come with the first turn
    turn(4);
    for (unsigned i = 0; i < kPorts; ++i) (void)frames(i);
  }
  ~NodeRig() {
    plane_->empty();
    EXPECT_EQ(unaccounted(), 0);
    for (unsigned i = 0; i < kPorts; ++i) (void)frames(i);
    EXPECT_EQ(rte_mempool_in_use_count(plane_->pool()), in_ports_);
    plane_.reset();
    // The dataplane has closed the ports it was given.
    if (!setting_.first_device.empty()) wires_[0]->stop();
  }
  NodeRig(const NodeRig&) = delete;
  NodeRig& operator=(const NodeRig&) = delete;

  // The made-up control plane.
  void publish_policy() {
    policy.overlay = overlay;
    policy.lab_links = 1;
    policy.configuration_sequence = 1;
    policy.replay_window_ms = setting_.replay_window_ms;
    for (auto& link_class : policy.classes) link_class.verify = setting_.verify;
    publish(region_->tables.policy, region_->dataplane.policy_progress, policy);
  }
  void publish_routes() {
    auto routes = std::make_unique<wire::shm::RouteTable>();
    routes->self = node_id(0x10);
    routes->predecessor = node_id(0x60);
    routes->is_peer = 1;
    routes->connection_count = routes->peer_count = kPorts;
    for (std::uint16_t i = 0; i < kPorts; ++i) {
      routes->connections[i].id = routes->peers[i].id = neighbor(i);
      routes->connections[i].link_slot = routes->peers[i].link_slot = i;
    }
    publish(region_->tables.routes, region_->dataplane.routes_progress, *routes);
  }
  void command(const wire::shm::Command& command) {
    ASSERT_TRUE(region_->rings.commands.push(command));
    while (plane_->main_turn() != 0) continue;
    EXPECT_EQ(region_->dataplane.status.command_errors.load(), 0U) << plane_->last_command_error();
  }
  void add_link(std::uint16_t slot) {
    wire::shm::Command upsert;
    upsert.kind = wire::shm::CommandKind::kUpsertLink;
    upsert.link = {};
    upsert.link.slot = slot;
    upsert.link.generation = 1;
    upsert.link.link_class = wire::shm::LinkClass::kBackbone;
    upsert.link.port = slot;
    upsert.link.protocol = setting_.protocol;
    upsert.link.local = us(slot);
    upsert.link.remote = them(slot);
    upsert.link.peer = neighbor(slot);
    command(upsert);
  }
  void add_signer(const TestSigner& signer) {
    wire::shm::Command upsert;
    upsert.kind = wire::shm::CommandKind::kUpsertSigner;
    upsert.signer = signer.record();
    command(upsert);
  }

  // The neighbours.
  [[nodiscard]] wire::shm::Endpoint us(unsigned port) const {
    const std::string n = std::to_string(port + 1);
    return setting_.family == 4 ? at("10.0." + n + ".1", 6084) : at("[fd00:" + n + "::1]:6084");
  }
  [[nodiscard]] wire::shm::Endpoint them(unsigned port) const {
    const std::string n = std::to_string(port + 1);
    return setting_.family == 4 ? at("10.0." + n + ".2", 6084) : at("[fd00:" + n + "::2]:6084");
  }
  [[nodiscard]] static wire::reload::NodeId neighbor(unsigned link) {
    return node_id(0x20 + 0x40 * link);
  }
  /// A Ping request, unsigned as yet.
  [[nodiscard]] wire::reload::MessageBuilder ping(std::uint64_t transaction,
                                                  const wire::reload::NodeId& to) const {
    wire::reload::MessageBuilder builder;
    builder.overlay(overlay)
        .configuration_sequence(1)
        .transaction(wire::reload::TransactionId{transaction})
        .destination(to)
        .contents(wire::reload::MessageCode::kPingReq, wire::reload::ping_request_body(20));
    return builder;
  }
  /// The message in a data frame from the neighbour on @p port.
  [[nodiscard]] Bytes data_frame(unsigned port, const Bytes& message) {
    Bytes framed(wire::reload::kDataFrameOverhead);
    wire::reload::write_data_frame_header(++sequence_[port],
                                          static_cast<std::uint32_t>(message.size()), framed);
    return udp_frame(them(port), us(port), framed + message);
  }
  void send(unsigned port, const Bytes& message, unsigned queue = 0) {
    send_frame(port, data_frame(port, message), queue);
  }
  void send_frame(unsigned port, const Bytes& frame, unsigned queue = 0) {
    wires_[port]->send(pool_, frame, queue);
  }
  void turn(unsigned times = 1) {
    for (unsigned t = 0; t < times; ++t) {
      plane_->main_turn();
      for (std::uint32_t w = 0; w < setting_.workers; ++w) plane_->turn(w);
    }
  }
  void remove_signer(const TestSigner& signer) {
    wire::shm::Command remove;
    remove.kind = wire::shm::CommandKind::kRemoveSigner;
    remove.signer = signer.record();
    command(remove);
  }
  /// Whole frames that left by a port since the last call, without ARP and ND.
  [[nodiscard]] std::vector<Bytes> frames(unsigned port) {
    std::vector<Bytes> out;
    for (unsigned queue = 0; queue < setting_.queues; ++queue) {
      for (Bytes frame = wires_[port]->receive(queue); !frame.empty();
           frame = wires_[port]->receive(queue)) {
        if (is_udp(frame)) out.push_back(frame);
      }
    }
    return out;
  }
  [[nodiscard]] Bytes udp_payload(const Bytes& frame) const {
    return {frame.begin() + 14 + (setting_.family == 4 ? 20 : 40) + 8, frame.end()};
  }
  [[nodiscard]] static bool is_ack(const Bytes& payload) {
    return payload.at(0) == std::byte{wire::reload::kAckFrameType};
  }
  /// Messages in the data frames that left by a port; acks that left are counted.
  [[nodiscard]] std::vector<Bytes> messages(unsigned port, unsigned* acks = nullptr) {
    std::vector<Bytes> out;
    for (const Bytes& frame : frames(port)) {
      const Bytes payload = udp_payload(frame);
      if (is_ack(payload)) {
        if (acks != nullptr) ++*acks;
      } else {
        out.emplace_back(payload.begin() + wire::reload::kDataFrameOverhead, payload.end());
      }
    }
    return out;
  }

  // What the node says of itself, all workers together.
  [[nodiscard]] std::uint64_t count(wire::shm::Counter wire::shm::LcoreCounters::*member) const {
    std::uint64_t sum = 0;
    for (std::uint32_t w = 0; w < setting_.workers; ++w) {
      sum += (region_->dataplane.counters[w].*member).get();
    }
    return sum;
  }
  [[nodiscard]] std::uint64_t drops(wire::shm::DropReason reason) const {
    std::uint64_t sum = 0;
    for (std::uint32_t w = 0; w < setting_.workers; ++w) {
      sum += region_->dataplane.counters[w].drops[static_cast<std::size_t>(reason)].get();
    }
    return sum;
  }
  /// Lets every worker do its housekeeping, which sets the gauge `held`. Where packets were held,
  /// the ledger balances only after it.
  void settle() {
    rte_delay_us(2 * ::dataplane::kHousekeepingUs);
    turn();
  }
  [[nodiscard]] std::int64_t unaccounted() const {
    std::int64_t worst = 0;
    for (std::uint32_t w = 0; w < setting_.workers; ++w) {
      const std::int64_t here = wire::shm::ledger_difference(region_->dataplane.counters[w]);
      if (here != 0) worst = here;
    }
    return worst;
  }
  [[nodiscard]] wire::shm::NodeRegion& region() { return *region_; }
  [[nodiscard]] ::dataplane::Dataplane& plane() { return *plane_; }
  [[nodiscard]] NetRingPort& wire(unsigned port) { return *wires_[port]; }
  /// Mbufs of the node that stay in its ports until they are closed.
  void expect_in_ports(unsigned mbufs) { in_ports_ = mbufs; }

  bool control_plane_lives = true;
  wire::shm::PolicyTable policy;
  const wire::reload::OverlayHash overlay{0x1234abcd};

 private:
  template <class Table, std::size_t N>
  void publish(wire::shm::PublishedTable<Table>& table,
               std::array<wire::shm::LcoreProgress, N>& progress, const Table& content) {
    wire::shm::TableWriter<Table> writer(table, progress);
    Table* spare = writer.try_begin();
    for (unsigned tries = 0; spare == nullptr && tries < 3; ++tries) {
      turn();
      spare = writer.try_begin();
    }
    ASSERT_NE(spare, nullptr);
    *spare = content;
    writer.publish();
  }
  [[nodiscard]] bool is_udp(const Bytes& frame) const {
    return frame.at(setting_.family == 4 ? 14 + 9 : 14 + 6) == std::byte{17} &&
           frame.at(12) == (setting_.family == 4 ? std::byte{8} : std::byte{0x86});
  }
  /// The neighbour on @p port tells its MAC address, past the port, which may be no ring.
  void introduce(unsigned port) {
    const Bytes frame = introduction(port);
    ::dataplane::LcoreContext& first = plane_->lcore(0);
    rte_mbuf* const mbuf = pool_.make(frame);
    ::dataplane::context_of(mbuf).port = static_cast<std::uint16_t>(port);
    ::dataplane::context_of(mbuf).unledgered = true;
    ::dataplane::Burst burst;
    burst.clear();
    burst.add(mbuf);
    first.resolver->receive(burst, 0);
    ASSERT_NE(burst.absorbed, 0U);
    first.doors.absorb(mbuf);
  }
  [[nodiscard]] Bytes introduction(unsigned port) const {
    const wire::shm::Endpoint from = them(port), to = us(port);
    if (setting_.family == 4) {
      return ethernet_frame(kOurMac, kTheirMac, 0x0806,
                            bytes({0, 1, 8, 0, 6, 4, 0, 2}) + kTheirMac + address_bytes(from) +
                                kOurMac + address_bytes(to));
    }
    const Bytes message =
        bytes({136, 0, 0, 0, 0x60, 0, 0, 0}) + address_bytes(from) + bytes({2, 1}) + kTheirMac;
    return ethernet_frame(kOurMac, kTheirMac, 0x86dd,
                          ipv6_packet(from, to, 58, icmp6_message(from, to, message), 255));
  }

  Setting setting_;
  config::NodeConfig config_;
  Pool pool_{4095};  // of the neighbours
  std::unique_ptr<wire::shm::NodeRegion> region_ = std::make_unique<wire::shm::NodeRegion>();
  std::vector<std::unique_ptr<NetRingPort>> wires_;
  std::unique_ptr<::dataplane::Dataplane> plane_;
  std::array<std::uint32_t, kPorts> sequence_{};
  unsigned in_ports_ = 0;
};

}  // namespace tests::dataplane
