// SPDX-License-Identifier: Apache-2.0
#include "bench/neighbor.h"

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>

namespace bench {
namespace {

constexpr unsigned kBurst = 32;
constexpr std::uint16_t kDescriptors = 1024;

std::atomic<bool> stopped{false};
extern "C" void on_stop(int) { stopped.store(true); }

std::vector<Bytes> read_frames(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<Bytes> frames;
  for (std::uint32_t length = 0; in.read(reinterpret_cast<char*>(&length), 4);) {
    frames.emplace_back(length);
    in.read(reinterpret_cast<char*>(frames.back().data()), length);
  }
  return frames;
}

bool open_device(const std::string& device, rte_mempool* pool, std::uint16_t& port) {
  const std::size_t comma = device.find(',');
  const std::string name = device.substr(0, comma);
  if (rte_eal_hotplug_add("vdev", name.c_str(), device.substr(comma + 1).c_str()) != 0) {
    return false;
  }
  rte_eth_conf conf;
  std::memset(&conf, 0, sizeof conf);
  std::uint16_t rx = kDescriptors, tx = kDescriptors;
  const int any_socket = SOCKET_ID_ANY;
  return rte_eth_dev_get_port_by_name(name.c_str(), &port) == 0 &&
         rte_eth_dev_configure(port, 1, 1, &conf) == 0 &&
         rte_eth_dev_adjust_nb_rx_tx_desc(port, &rx, &tx) == 0 &&
         rte_eth_rx_queue_setup(port, 0, rx, static_cast<unsigned>(any_socket), nullptr, pool) ==
             0 &&
         rte_eth_tx_queue_setup(port, 0, tx, static_cast<unsigned>(any_socket), nullptr) == 0 &&
         rte_eth_dev_start(port) == 0;
}

void wait_for_link(std::uint16_t port) {
  rte_eth_link link;
  std::memset(&link, 0, sizeof link);
  while (!stopped && link.link_status != RTE_ETH_LINK_UP) {
    ::usleep(1000);
    if (rte_eth_link_get_nowait(port, &link) != 0) return;
  }
}

/// Frames that the port has no room for are kept, so that none is lost on the way in.
class Generator {
 public:
  Generator(std::uint16_t port, rte_mempool* pool, const NeighborSetting& setting)
      : port_(port),
        pool_(pool),
        own_transactions_(setting.own_transactions),
        frames_(read_frames(setting.frames)) {}
  ~Generator() { rte_pktmbuf_free_bulk(ready_.data() + first_, count_ - first_); }
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  void turn() {
    std::array<rte_mbuf*, kBurst> taken;
    while (const std::uint16_t count = rte_eth_rx_burst(port_, 0, taken.data(), kBurst)) {
      rte_pktmbuf_free_bulk(taken.data(), count);
    }
    if (first_ == count_) make_ready();
    first_ += rte_eth_tx_burst(port_, 0, ready_.data() + first_,
                               static_cast<std::uint16_t>(count_ - first_));
  }

 private:
  void make_ready() {
    first_ = count_ = 0;
    if (rte_pktmbuf_alloc_bulk(pool_, ready_.data(), kBurst) != 0) return;
    for (rte_mbuf* const mbuf : ready_) {
      ++sequence_;
      const Bytes& frame = frames_[sequence_ % frames_.size()];
      auto* const bytes = reinterpret_cast<std::byte*>(
          rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(frame.size())));
      std::memcpy(bytes, frame.data(), frame.size());
      stamp(bytes, sequence_, own_transactions_);
    }
    count_ = kBurst;
  }

  std::uint16_t port_;
  rte_mempool* pool_;
  bool own_transactions_;
  std::vector<Bytes> frames_;
  std::array<rte_mbuf*, kBurst> ready_;
  unsigned first_ = 0, count_ = 0;
  std::uint32_t sequence_ = 0;
};

}  // namespace

void write_frames(const std::filesystem::path& path, const std::vector<Bytes>& frames) {
  std::ofstream out(path, std::ios::binary);
  for (const Bytes& frame : frames) {
    const auto length = static_cast<std::uint32_t>(frame.size());
    out.write(reinterpret_cast<const char*>(&length), 4);
    out.write(reinterpret_cast<const char*>(frame.data()), length);
  }
}

int run_neighbor(const NeighborSetting& setting) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::alarm(kNeighborPatienceS);
  std::signal(SIGTERM, on_stop);
  std::signal(SIGALRM, on_stop);
  const int any_socket = SOCKET_ID_ANY;
  rte_mempool* const pool =
      rte_pktmbuf_pool_create("neighbor", 8191, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, any_socket);
  std::uint16_t port = 0;
  if (pool == nullptr || !open_device(setting.device, pool, port)) {
    std::fprintf(stderr, "two_process_bench: %s does not start\n", setting.device.c_str());
    return 1;
  }
  wait_for_link(port);
  {
    Generator generator(port, pool, setting);
    while (!stopped.load(std::memory_order_relaxed)) generator.turn();
  }
  rte_eth_dev_stop(port);
  rte_eth_dev_close(port);
  return 0;
}

}  // namespace bench
