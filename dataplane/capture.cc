// SPDX-License-Identifier: Apache-2.0
#include "dataplane/capture.h"

#include <rte_cycles.h>
#include <time.h>

#include <algorithm>
#include <cstring>

namespace dataplane {
namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

}  // namespace

std::string capture_comment(const CaptureVerdict& verdict) {
  const std::string checked = verdict.verified ? "hopseal: verified, " : "hopseal: not verified, ";
  switch (verdict.fate) {
    case Fate::kDropped: {
      const auto& reason = wire::shm::kDropReasons[static_cast<std::size_t>(verdict.reason)];
      return std::string("hopseal: dropped ") + reason.name + " at " + reason.stage;
    }
    case Fate::kAbsorbed:
      return "hopseal: absorbed";
    case Fate::kDelivered:
      return checked + "delivered";
    case Fate::kForwarded:
      return checked + "forwarded to link " + std::to_string(verdict.link_out);
  }
  return "hopseal";
}

Capture::Capture(const PortTable& ports, std::vector<rte_ring*> rings, std::uint64_t tsc_hz,
                 wire::shm::DataplaneStatus& status)
    : ports_(ports), rings_(std::move(rings)), tsc_hz_(tsc_hz), status_(status) {}

Capture::~Capture() {
  stop();
  drain();
}

bool Capture::start(const wire::shm::CaptureSetting& setting, std::string& why) {
  stop();
  const std::size_t length = ::strnlen(setting.path.data(), setting.path.size());
  if (length == 0 || length == setting.path.size()) {
    why = "capture: no path given";
    return false;
  }
  std::vector<std::string> names;
  for (std::uint16_t port = 0; port < ports_.count; ++port) {
    names.emplace_back(ports_[port].name.data());
  }
  file_ = PcapngFile::create({setting.path.data(), length}, names, why);
  if (file_ == nullptr) return false;
  left_ = setting.max_packets == 0 ? ~std::uint64_t{0} : setting.max_packets;
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  start_unix_ns_ = static_cast<std::uint64_t>(now.tv_sec) * kNsPerSecond +
                   static_cast<std::uint64_t>(now.tv_nsec);
  start_tsc_ = rte_rdtsc();
  status_.capture_packets.store(0, std::memory_order_relaxed);
  status_.capturing.store(1, std::memory_order_relaxed);
  setting_.snap_bytes.store(setting.snap_bytes, std::memory_order_relaxed);
  setting_.sample_one_in.store(std::max(setting.sample_one_in, 1U), std::memory_order_relaxed);
  return true;
}

void Capture::stop() {
  setting_.sample_one_in.store(0, std::memory_order_relaxed);
  status_.capturing.store(0, std::memory_order_relaxed);
  file_.reset();
}

std::uint64_t Capture::unix_ns(std::uint64_t tsc) const noexcept {
  __extension__ using Wide = __int128;
  // A packet may have come, and been held, before the capture began.
  const Wide cycles = static_cast<Wide>(tsc) - static_cast<Wide>(start_tsc_);
  return static_cast<std::uint64_t>(static_cast<Wide>(start_unix_ns_) +
                                    cycles * static_cast<Wide>(kNsPerSecond) /
                                        static_cast<Wide>(tsc_hz_));
}

void Capture::write(rte_mbuf* copy) {
  const auto& verdict = *static_cast<const CaptureVerdict*>(rte_mbuf_to_priv(copy));
  const std::span<const std::byte> frame(rte_pktmbuf_mtod(copy, const std::byte*), copy->data_len);
  if (!file_->write(verdict.port, unix_ns(verdict.rx_tsc), frame, verdict.original_length,
                    capture_comment(verdict))) {
    return stop();
  }
  status_.capture_packets.fetch_add(1, std::memory_order_relaxed);
  if (--left_ == 0) stop();
}

void Capture::drain() {
  for (rte_ring* ring : rings_) {
    std::array<rte_mbuf*, 64> copies;
    while (const unsigned count = rte_ring_sc_dequeue_burst(
               ring, reinterpret_cast<void**>(copies.data()), copies.size(), nullptr)) {
      for (unsigned i = 0; i < count; ++i) {
        if (file_ != nullptr) write(copies[i]);
      }
      rte_pktmbuf_free_bulk(copies.data(), count);
    }
  }
  if (file_ != nullptr && !file_->flush()) stop();
}

}  // namespace dataplane
