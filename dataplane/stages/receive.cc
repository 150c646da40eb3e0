// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/receive.h"

#include <rte_ethdev.h>
#include <rte_prefetch.h>

namespace dataplane {

void ReceiveState::assign(const PortTable& ports, std::uint32_t worker,
                          std::uint32_t workers) noexcept {
  count = 0;
  for (std::uint16_t port = 0; port < ports.count; ++port) {
    for (std::uint16_t queue = 0; queue < ports[port].rx_queues; ++queue) {
      if (queue % workers != worker || count == queues.size()) continue;
      queues[count++] = {ports[port].id, port, queue};
    }
  }
}

void receive(Burst& burst, ReceiveState& state, CaptureTap& capture, std::uint64_t now_tsc,
             wire::shm::LcoreCounters& counters) noexcept {
  for (unsigned polled = 0; polled < state.count && !burst.full(); ++polled) {
    const ReceiveState::Queue& queue = state.queues[state.next];
    state.next = state.next + 1 == state.count ? 0 : state.next + 1;
    const unsigned first = burst.size;
    const auto room = static_cast<std::uint16_t>(kBurstSize - first);
    const unsigned taken =
        rte_eth_rx_burst(queue.port_id, queue.queue, burst.mbufs.data() + first, room);
    for (unsigned i = first; i < first + taken; ++i) {
      rte_prefetch0(rte_mbuf_to_priv(burst.mbufs[i]));
      rte_prefetch0(rte_pktmbuf_mtod(burst.mbufs[i], void*));
      burst.live |= std::uint64_t{1} << i;
    }
    burst.size = first + taken;
    for (unsigned i = first; i < burst.size; ++i) {
      PacketContext& context = burst.context(i);
      reset_context(context, now_tsc);
      context.port = queue.port;
      if (capture.on()) [[unlikely]]
        capture.copy(burst.mbufs[i], context);
    }
  }
  if (burst.size != 0) counters.received.add(burst.size);
}

}  // namespace dataplane
