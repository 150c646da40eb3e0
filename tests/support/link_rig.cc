// SPDX-License-Identifier: Apache-2.0
#include "tests/support/link_rig.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include <atomic>
#include <cstring>

#include "dataplane/stages/link_receive.h"
#include "dataplane/stages/link_send.h"

namespace tests {

using namespace dataplane;  // NOLINT: the rig is about nothing else
using wire::shm::Endpoint;

namespace {

std::string unique_name(const char* what) {
  static std::atomic<unsigned> serial{0};
  return what + std::to_string(serial.fetch_add(1));
}

unsigned at(const Bytes& bytes, std::size_t i) { return static_cast<unsigned>(bytes.at(i)); }
unsigned word_at(const Bytes& bytes, std::size_t i) {
  return at(bytes, i) << 8U | at(bytes, i + 1);
}

/// RFC 1071, two bytes at a time.
unsigned slow_sum(const Bytes& bytes, std::size_t from, std::size_t to, unsigned sum) {
  for (std::size_t i = from; i < to; i += 2) {
    sum += at(bytes, i) << 8U | (i + 1 < to ? at(bytes, i + 1) : 0);
    sum = (sum & 0xffffU) + (sum >> 16U);
  }
  return sum;
}

void put16(Bytes& bytes, std::size_t i, unsigned value) {
  bytes.at(i) = static_cast<std::byte>(value >> 8U & 0xffU);
  bytes.at(i + 1) = static_cast<std::byte>(value & 0xffU);
}

void put_address(Bytes& bytes, std::size_t i, const Endpoint& endpoint) {
  const std::size_t size = endpoint.family == 4 ? 4 : 16;
  std::memcpy(bytes.data() + i, endpoint.address.data() + 16 - size, size);
}

void put_mac(Bytes& bytes, std::size_t i, std::uint64_t mac) {
  std::memcpy(bytes.data() + i, &mac, 6);
}

Bytes arp_reply(const Endpoint& from, std::uint64_t from_mac, const Endpoint& to,
                std::uint64_t to_mac) {
  Bytes out(42);
  put_mac(out, 0, to_mac);
  put_mac(out, 6, from_mac);
  put16(out, 12, 0x0806);
  put16(out, 14, 1);
  put16(out, 16, 0x0800);
  put16(out, 18, 0x0604);
  put16(out, 20, 2);
  put_mac(out, 22, from_mac);
  put_address(out, 28, from);
  put_mac(out, 32, to_mac);
  put_address(out, 38, to);
  return out;
}

Bytes neighbor_advertisement(const Endpoint& from, std::uint64_t from_mac, const Endpoint& to,
                             std::uint64_t to_mac) {
  Bytes out(14 + 40 + 32);
  put_mac(out, 0, to_mac);
  put_mac(out, 6, from_mac);
  put16(out, 12, 0x86dd);
  out[14] = std::byte{0x60};
  put16(out, 18, 32);
  out[20] = std::byte{58};
  out[21] = std::byte{255};
  put_address(out, 22, from);
  put_address(out, 38, to);
  out[54] = std::byte{136};
  out[58] = std::byte{0x60};  // solicited, override
  put_address(out, 62, from);
  out[78] = std::byte{2};  // target link-layer address
  out[79] = std::byte{1};
  put_mac(out, 80, from_mac);
  const unsigned sum = slow_sum(out, 22, out.size(), 58 + 32);
  put16(out, 56, ~sum & 0xffffU);
  return out;
}

/// An ethdev whose transmitted frames lie in a ring. Ports stay for the life of the process.
std::uint16_t make_port(rte_ring* out, rte_mempool* pool) {
  rte_ring* in = rte_ring_create(unique_name("rig_in").c_str(), 64, SOCKET_ID_ANY, 0);
  const int id = rte_eth_from_rings(unique_name("rig").c_str(), &in, 1, &out, 1, 0);
  const auto port = static_cast<std::uint16_t>(id);
  rte_eth_conf conf;
  std::memset(&conf, 0, sizeof conf);
  rte_eth_dev_configure(port, 1, 1, &conf);
  rte_eth_rx_queue_setup(port, 0, 64, 0, nullptr, pool);
  rte_eth_tx_queue_setup(port, 0, 64, 0, nullptr);
  rte_eth_dev_start(port);
  return port;
}

}  // namespace

Endpoint link_address(std::uint8_t family, std::uint8_t host) {
  Endpoint out;
  out.family = family;
  out.port = static_cast<std::uint16_t>(6084 + host);
  if (family == 4) {
    out.address[12] = 10;
  } else {
    out.address[0] = 0xfd;
  }
  out.address[15] = host;
  return out;
}

std::uint64_t LinkRig::mac_of(std::uint8_t host) {
  return 0x02 | std::uint64_t{host} << 40U;  // 02:00:00:00:00:host in memory order
}

SeenFrame look_at(const Bytes& bytes) {
  SeenFrame seen;
  std::memcpy(&seen.destination_mac, bytes.data(), 6);
  const bool v4 = word_at(bytes, 12) == 0x0800;
  const std::size_t udp = v4 ? 34 : 54;
  const std::size_t length = word_at(bytes, udp + 4);
  const std::size_t addresses = v4 ? 26 : 22;
  unsigned sum = slow_sum(bytes, addresses, udp, 17 + static_cast<unsigned>(length));
  sum = slow_sum(bytes, udp, udp + length, sum);
  seen.checksums_right =
      sum == 0xffff && word_at(bytes, udp + 6) != 0 && bytes.size() == udp + length &&
      (v4 ? slow_sum(bytes, 14, 34, 0) == 0xffff && word_at(bytes, 16) == bytes.size() - 14
          : word_at(bytes, 18) == length);
  for (Endpoint* end : {&seen.source, &seen.destination}) {
    const std::size_t size = v4 ? 4 : 16;
    const bool first = end == &seen.source;
    end->family = v4 ? 4 : 6;
    std::memcpy(end->address.data() + 16 - size, bytes.data() + addresses + (first ? 0 : size),
                size);
    end->port = static_cast<std::uint16_t>(word_at(bytes, udp + (first ? 0 : 2)));
  }
  const std::span<const std::byte> payload(bytes.data() + udp + 8, length - 8);
  seen.payload.assign(payload.begin(), payload.end());
  seen.is_frame = wire::reload::parse_frame(payload, seen.frame).ok();
  seen.message.assign(seen.frame.message.begin(), seen.frame.message.end());
  return seen;
}

LinkRig::LinkRig(const LinkRigOptions& given)
    : options(given),
      region(std::make_unique<wire::shm::NodeRegion>()),
      counters(region->dataplane.counters[given.worker]),
      quiescence(Quiescence::create(given.workers)),
      keys(AssociationStore::create(192, missing)),
      table(LinkTable::create(64, given.workers, *quiescence, keys.get())),
      neighbors(NeighborTable::create(64, *quiescence)),
      hand_off(HandOff::create(given.workers)),
      pool(rte_pktmbuf_pool_create(unique_name("rig_pool").c_str(), 8191, 256,
                                   RTE_ALIGN(sizeof(PacketContext), RTE_MBUF_PRIV_ALIGN),
                                   RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY)),
      cipher_(crypto::LinkCipher::create(missing)),
      out_(rte_ring_create(unique_name("rig_out").c_str(), 4096, SOCKET_ID_ANY, 0)) {
  policy.lab_links = 1;
  ports.count = 1;
  ports.service_port = 6084;
  Port& port = ports.ports[0];
  port.id = make_port(out_, pool);
  const std::uint64_t mac = mac_of(options.host);
  std::memcpy(port.mac.data(), &mac, 6);
  port.tx_shares_buffers = options.shares_buffers;
  port.tx_queues = static_cast<std::uint16_t>(options.workers);
  port.address_count = 1;
  port.addresses[0].address = link_address(options.family, options.host);
  port.addresses[0].address.port = 0;
  port.addresses[0].prefix_bits = options.family == 4 ? 24 : 64;

  const auto lcore = static_cast<std::uint8_t>(options.worker);
  tracer_.emplace(lcore, trace_switch_, region->dataplane.traces[lcore], counters);
  capture_.emplace(lcore, capture_switch_, pool, nullptr, counters);
  doors_.emplace(options.worker, *region, *tracer_, *capture_, kTscHz);
  // The rig's port has one TX queue, which this worker may always use.
  port.tx_queues = wire::shm::kMaxLcores;
  transmit_.emplace(0, ports, *hand_off, *doors_, counters);
  resolver_.emplace(ports, *neighbors, pool, *transmit_, *doors_, counters, kTscHz);
  links = LinkLayer::create({.worker = options.worker,
                             .workers = options.workers,
                             .max_links = 64,
                             .tsc_hz = kTscHz,
                             .table = *table,
                             .ports = ports,
                             .neighbors = *neighbors,
                             .hand_off = *hand_off,
                             .transmit = *transmit_,
                             .doors = *doors_,
                             .pool = *pool,
                             .status = region->dataplane.links,
                             .rings = region->rings.lcores[lcore],
                             .counters = counters,
                             .cipher = cipher_.get()});
}

LinkRig::~LinkRig() {
  links.reset();
  transmit_->flush();
  doors_->flush();
  (void)take_frames();
  rte_eth_dev_stop(ports.ports[0].id);
  rte_eth_dev_close(ports.ports[0].id);
  rte_ring_free(out_);
  rte_mempool_free(pool);
}

void LinkRig::add_link(std::uint16_t slot, std::uint8_t host, bool resolved,
                       std::uint8_t generation) {
  wire::shm::LinkRecord record;
  record.slot = slot;
  record.generation = generation;
  record.protocol = options.protocol;
  record.local = link_address(options.family, options.host);
  record.remote = link_address(options.family, host);
  record.peer.bytes[15] = static_cast<std::byte>(host);
  std::string why;
  if (!neighbors->require(0, next_hop_on(ports.ports[0], record.remote)) ||
      !table->upsert(record, why)) {
    std::abort();
  }
  if (resolved) resolve(host);
}

void LinkRig::remove_link(std::uint16_t slot, std::uint8_t generation) {
  table->remove(slot, generation);
}

std::string LinkRig::install(const wire::shm::AssociationRecord& record) {
  std::string why;
  return table->install(record, now, why) ? "" : why;
}

rte_mbuf* LinkRig::packet(const Bytes& bytes) {
  rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool);
  reset_context(context_of(mbuf), now);
  char* const room = rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(bytes.size()));
  if (!bytes.empty()) std::memcpy(room, bytes.data(), bytes.size());
  return mbuf;
}

void LinkRig::resolve(std::uint8_t host) {
  const Endpoint from = link_address(options.family, host);
  const Endpoint to = link_address(options.family, options.host);
  const Bytes answer = options.family == 4
                           ? arp_reply(from, mac_of(host), to, mac_of(options.host))
                           : neighbor_advertisement(from, mac_of(host), to, mac_of(options.host));
  rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool);
  reset_context(context_of(mbuf), now);
  std::memcpy(rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(answer.size())), answer.data(),
              answer.size());
  counters.received.add(1);
  Burst burst;
  burst.add(mbuf);
  resolver_->receive(burst, 0);
  settle(burst);
}

void LinkRig::settle(Burst& burst) {
  for (std::uint64_t left = burst.dropped; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    doors_->drop(burst.mbufs[i], burst.reason[i]);
  }
  for (std::uint64_t left = burst.absorbed; left != 0; left &= left - 1) {
    doors_->absorb(burst.mbufs[static_cast<unsigned>(std::countr_zero(left))]);
  }
  for (std::uint64_t left = burst.delivered; left != 0; left &= left - 1) {
    doors_->delivered(burst.mbufs[static_cast<unsigned>(std::countr_zero(left))]);
  }
  burst.dropped = burst.absorbed = burst.delivered = 0;
}

void LinkRig::send(std::uint16_t slot, const std::vector<Bytes>& messages,
                   wire::reload::TrafficClass cls, bool injected) {
  links->begin_turn(now);
  submit(slot, messages, cls, injected);
  end_turn();
}

void LinkRig::submit(std::uint16_t slot, const std::vector<Bytes>& messages,
                     wire::reload::TrafficClass cls, bool injected) {
  Burst burst;
  burst.clear();
  for (std::size_t i = 0; i < messages.size(); ++i) {
    rte_mbuf* const mbuf = packet(messages[i]);
    PacketContext& context = context_of(mbuf);
    context.next_hop = slot;
    context.traffic_class = cls;
    context.injected = injected;
    ++sent_;
    burst.add(mbuf);
    if (!burst.full() && i + 1 != messages.size()) continue;
    link_send(burst, *links, policy, now);
    settle(burst);
    burst.clear();
  }
}

void LinkRig::end_turn() {
  links->serve_ready(policy, now);
  links->flush_records();
  transmit_->flush();
  doors_->flush();
}

std::vector<Bytes> LinkRig::take_frames() {
  std::vector<Bytes> frames;
  void* taken = nullptr;
  while (rte_ring_dequeue(out_, &taken) == 0) {
    auto* const mbuf = static_cast<rte_mbuf*>(taken);
    const auto bytes = bytes_of(mbuf);
    frames.emplace_back(bytes.begin(), bytes.end());
    // A reader that shares buffers does with them what it likes.
    if (options.shares_buffers) std::memset(bytes.data(), 0xee, bytes.size());
    rte_pktmbuf_free(mbuf);
  }
  return frames;
}

std::vector<Bytes> LinkRig::receive(const std::vector<Bytes>& frames) {
  links->begin_turn(now);
  std::vector<Bytes> messages;
  Burst burst;
  burst.clear();
  const auto take_in = [&] {
    starve(starving);
    link_receive(burst, *links, policy, now);
    starve(false);
    for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
      const auto slot = static_cast<unsigned>(std::countr_zero(left));
      const auto bytes = bytes_of(burst.mbufs[slot]);
      messages.emplace_back(bytes.begin(), bytes.end());
      ++passed_on_;
      rte_pktmbuf_free(burst.take(slot));
    }
    settle(burst);
    burst.clear();
  };
  for (const Bytes& frame : frames) {
    rte_mbuf* const mbuf = packet(frame);
    PacketContext& context = context_of(mbuf);
    const std::size_t udp = options.family == 4 ? 34 : 54;
    const SeenFrame seen = look_at(frame);
    context.local = seen.destination;
    context.remote = seen.source;
    context.payload_offset = static_cast<std::uint16_t>(udp + 8);
    context.payload_length = static_cast<std::uint16_t>(frame.size() - udp - 8);
    counters.received.add(1);
    burst.add(mbuf);
    if (burst.full()) take_in();
  }
  if (burst.live != 0) take_in();
  while (links->take_further(burst) != 0) take_in();
  end_turn();
  return messages;
}

std::vector<Bytes> LinkRig::receive_datagram(std::uint8_t host, const Bytes& payload) {
  const bool v4 = options.family == 4;
  const std::size_t udp = v4 ? 34 : 54;
  Bytes frame(udp + 8);
  put16(frame, 12, v4 ? 0x0800 : 0x86dd);
  put_address(frame, v4 ? 26 : 22, link_address(options.family, host));
  put_address(frame, v4 ? 30 : 38, link_address(options.family, options.host));
  put16(frame, udp, link_address(options.family, host).port);
  put16(frame, udp + 2, link_address(options.family, options.host).port);
  put16(frame, udp + 4, static_cast<unsigned>(payload.size() + 8));
  frame.insert(frame.end(), payload.begin(), payload.end());
  return receive({frame});
}

void LinkRig::run_ms(unsigned ms) {
  for (unsigned i = 0; i < ms; ++i) {
    now += kMs;
    links->begin_turn(now);
    links->housekeep(policy, now);
    end_turn();
    table->expire(now);
    let_go();
  }
}

void LinkRig::let_go() {
  quiescence->report(options.worker);
  table->reclaim();
}

void LinkRig::send_datagram(std::uint16_t slot, const Bytes& payload) {
  links->begin_turn(now);
  ++sent_;
  links->send_datagram(links->open(*table->by_slot(slot)), packet(payload), now);
  end_turn();
}

void LinkRig::send_record(std::uint16_t slot, std::uint8_t content_type, std::uint32_t association,
                          const Bytes& plaintext) {
  links->begin_turn(now);
  ++sent_;
  links->send_record(links->open(*table->by_slot(slot)), packet(plaintext), content_type,
                     association);
  end_turn();
}

std::vector<wire::shm::PacketRecord> LinkRig::take_handshakes() {
  std::vector<wire::shm::PacketRecord> records;
  region->rings.lcores[options.worker].handshake.consume(
      1000, [&](const wire::shm::PacketRecord& record) { records.push_back(record); });
  return records;
}

std::vector<wire::shm::PacketRecord> LinkRig::take_virtual() {
  std::vector<wire::shm::PacketRecord> records;
  region->rings.lcores[options.worker].virtual_out.consume(
      1000, [&](const wire::shm::PacketRecord& record) { records.push_back(record); });
  return records;
}

std::vector<wire::shm::Event> LinkRig::take_events() {
  std::vector<wire::shm::Event> events;
  region->rings.lcores[options.worker].events.consume(
      1000, [&](const wire::shm::Event& event) { events.push_back(event); });
  return events;
}

std::int64_t LinkRig::unaccounted() const {
  std::uint64_t dropped = 0;
  for (const auto& drop : counters.drops) dropped += drop.get();
  const std::uint64_t in = counters.received.get() + sent_;
  const std::uint64_t out = counters.transmitted.get() + counters.absorbed.get() + dropped +
                            counters.handed_out.get() + counters.punted.get() + passed_on_ +
                            links->held();
  return static_cast<std::int64_t>(in - out);
}

unsigned LinkRig::mbufs_in_use() const { return rte_mempool_in_use_count(pool); }

void LinkRig::starve(bool on) {
  if (on) {
    while (rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool)) starved_.push_back(mbuf);
  } else {
    for (rte_mbuf* const mbuf : starved_) rte_pktmbuf_free(mbuf);
    starved_.clear();
  }
}

}  // namespace tests
