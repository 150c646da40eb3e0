// SPDX-License-Identifier: Apache-2.0
#include "dataplane/capture_tap.h"

#include <rte_mempool.h>

#include <algorithm>
#include <cstring>

namespace dataplane {
namespace {

CaptureVerdict& verdict_of(rte_mbuf* copy) noexcept {
  return *static_cast<CaptureVerdict*>(rte_mbuf_to_priv(copy));
}

}  // namespace

void CaptureTap::copy(rte_mbuf* mbuf, PacketContext& context) noexcept {
  if (countdown_ > 1) {
    --countdown_;
    return;
  }
  countdown_ = sample_one_in_;
  rte_mbuf* kept = rte_pktmbuf_alloc(pool_);
  if (kept == nullptr) {
    counters_.capture_lost.add(1);
    return;
  }
  const std::uint32_t snap = setting_.snap_bytes.load(std::memory_order_relaxed);
  const auto length = static_cast<std::uint16_t>(
      std::min<std::uint32_t>({snap, rte_pktmbuf_data_len(mbuf), rte_pktmbuf_tailroom(kept)}));
  std::memcpy(rte_pktmbuf_mtod(kept, std::byte*), rte_pktmbuf_mtod(mbuf, const std::byte*), length);
  kept->data_len = length;
  kept->pkt_len = length;
  CaptureVerdict& verdict = verdict_of(kept);
  verdict.rx_tsc = context.rx_tsc;
  verdict.port = context.port;
  verdict.original_length = rte_pktmbuf_data_len(mbuf);
  context.capture = kept;
}

void CaptureTap::give(PacketContext& context, Fate fate, wire::shm::DropReason reason,
                      std::uint16_t link_out) noexcept {
  rte_mbuf* const copy = context.capture;
  context.capture = nullptr;
  CaptureVerdict& verdict = verdict_of(copy);
  verdict.link_out = link_out;
  verdict.lcore = lcore_;
  verdict.fate = fate;
  verdict.reason = reason;
  verdict.verified = context.verified;
  if (rte_ring_sp_enqueue(ring_, copy) != 0) {
    counters_.capture_lost.add(1);
    rte_pktmbuf_free(copy);
  }
}

}  // namespace dataplane
