// SPDX-License-Identifier: Apache-2.0
// An ethdev port over two rings that the test holds the other ends of.

#pragma once

#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "dataplane/packet_context.h"
#include "dataplane/under_tsan.h"

namespace tests::dataplane {

using Bytes = std::vector<std::byte>;

inline std::string unique_name(const std::string& what) {
  static std::atomic<unsigned> serial{0};
  return what + "_" + std::to_string(serial.fetch_add(1));
}

/// A pool whose mbufs have room for a PacketContext. Freed by the destructor, when it must be full.
class Pool {
 public:
  explicit Pool(unsigned mbufs = 1023)
      : pool_(rte_pktmbuf_pool_create(
            unique_name("test_pool").c_str(), mbufs, 256,
            RTE_ALIGN(sizeof(::dataplane::PacketContext), RTE_MBUF_PRIV_ALIGN),
            RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY)) {}
  ~Pool() { rte_mempool_free(pool_); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  [[nodiscard]] rte_mempool* get() const { return pool_; }
  /// Mbufs somebody has not given back.
  [[nodiscard]] unsigned missing() const { return rte_mempool_in_use_count(pool_); }

  [[nodiscard]] rte_mbuf* make(std::span<const std::byte> bytes) const {
    rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool_);
    char* const room = rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(bytes.size()));
    if (!bytes.empty()) std::memcpy(room, bytes.data(), bytes.size());
    ::dataplane::reset_context(::dataplane::context_of(mbuf), 0);
    return mbuf;
  }

 private:
  rte_mempool* pool_;
};

/// What the port is configured by is up to the test: start() does it for one queue, open_port() in
/// a whole dataplane does it by device().
class NetRingPort {
 public:
  explicit NetRingPort(unsigned queues = 1) : name_(unique_name("wire")) {
    for (unsigned q = 0; q < queues; ++q) {
      in_.push_back(make("in", q));
      out_.push_back(make("out", q));
    }
    id_ = static_cast<std::uint16_t>(
        rte_eth_from_rings(name_.c_str(), in_.data(), queues, out_.data(), queues, 0));
  }
  ~NetRingPort() {
    for (rte_ring* ring : in_) free_all(ring);
    for (rte_ring* ring : out_) free_all(ring);
  }
  NetRingPort(const NetRingPort&) = delete;
  NetRingPort& operator=(const NetRingPort&) = delete;

  [[nodiscard]] std::string device() const { return "net_ring_" + name_; }
  [[nodiscard]] std::uint16_t id() const { return id_; }

  void start(rte_mempool* pool) const {
    rte_eth_conf conf;
    std::memset(&conf, 0, sizeof conf);
    rte_eth_dev_configure(id_, 1, 1, &conf);
    rte_eth_rx_queue_setup(id_, 0, 64, 0, nullptr, pool);
    rte_eth_tx_queue_setup(id_, 0, 64, 0, nullptr);
    rte_eth_dev_start(id_);
  }
  void stop() const {
    rte_eth_dev_stop(id_);
    rte_eth_dev_close(id_);
  }

  /// Puts a frame where the port receives.
  void send(const Pool& pool, std::span<const std::byte> frame, unsigned queue = 0) {
    rte_mbuf* const mbuf = pool.make(frame);
    ::dataplane::under_tsan::given(mbuf);
    rte_ring_enqueue(in_[queue], mbuf);
  }
  /// The oldest frame the port has transmitted, or empty.
  [[nodiscard]] Bytes receive(unsigned queue = 0) {
    void* taken = nullptr;
    if (rte_ring_dequeue(out_[queue], &taken) != 0) return {};
    ::dataplane::under_tsan::taken(taken);
    auto* const mbuf = static_cast<rte_mbuf*>(taken);
    const auto bytes = ::dataplane::bytes_of(mbuf);
    Bytes frame(bytes.begin(), bytes.end());
    rte_pktmbuf_free(mbuf);
    return frame;
  }
  [[nodiscard]] rte_ring* in(unsigned queue = 0) const { return in_[queue]; }
  [[nodiscard]] rte_ring* out(unsigned queue = 0) const { return out_[queue]; }

 private:
  static constexpr unsigned kDepth = 1024;
  [[nodiscard]] rte_ring* make(const char* what, unsigned queue) const {
    return rte_ring_create((name_ + what + std::to_string(queue)).c_str(), kDepth, SOCKET_ID_ANY,
                           0);
  }
  static void free_all(rte_ring* ring) {
    void* mbuf = nullptr;
    while (rte_ring_dequeue(ring, &mbuf) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
    rte_ring_free(ring);
  }

  std::string name_;
  std::uint16_t id_ = 0;
  std::vector<rte_ring*> in_, out_;
};

}  // namespace tests::dataplane
