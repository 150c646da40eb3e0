// SPDX-License-Identifier: Apache-2.0
#include "dataplane/transmit_queues.h"

#include <rte_ethdev.h>

#include <bit>

#include "dataplane/doors.h"
#include "dataplane/hand_off.h"
#include "dataplane/packet_context.h"

namespace dataplane {
namespace {

constexpr std::uint64_t low_bits(unsigned n) noexcept {
  return n >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
}

}  // namespace

TransmitQueues::TransmitQueues(std::uint32_t worker, const PortTable& ports, HandOff& hand_off,
                               Doors& doors, wire::shm::LcoreCounters& counters) noexcept
    : worker_(worker), ports_(ports), hand_off_(hand_off), doors_(doors), counters_(counters) {}

unsigned TransmitQueues::flush() noexcept {
  for (; pending_ != 0; pending_ &= pending_ - 1) {
    send(static_cast<std::uint16_t>(std::countr_zero(pending_)));
  }
  const unsigned sent = sent_;
  sent_ = 0;
  return sent;
}

void TransmitQueues::send(std::uint16_t port) noexcept {
  Queue& queue = queues_[port];
  const std::uint16_t size = queue.size;
  queue.size = 0;
  // What is asked about a frame is asked before the PMD owns it: at the other end of a net_ring a
  // thread may write to it already.
  std::uint64_t ledgered = 0, noted = 0;
  for (unsigned i = 0; i < size; ++i) {
    const PacketContext& context = context_of(queue.mbufs[i]);
    ledgered |= std::uint64_t{!context.unledgered} << i;
    noted |= std::uint64_t{context.traced || context.capture != nullptr} << i;
  }
  if (worker_ >= ports_[port].tx_queues) {
    pass_on(port, {queue.mbufs.data(), size}, ledgered);
    return;
  }
  for (std::uint64_t left = noted; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    PacketContext& context = context_of(queue.mbufs[i]);
    notes_[i] = context;
    context.traced = false;  // sent again, it is not traced again
    context.capture = nullptr;
  }
  const std::uint16_t sent = rte_eth_tx_burst(ports_[port].id, static_cast<std::uint16_t>(worker_),
                                              queue.mbufs.data(), size);
  for (std::uint64_t left = noted; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    if (i < sent) {
      doors_.transmitted(notes_[i]);
    } else {
      context_of(queue.mbufs[i]) = notes_[i];
    }
  }
  for (unsigned i = sent; i < size; ++i) {
    doors_.drop(queue.mbufs[i], wire::shm::DropReason::kTxQueueFull);
  }
  counters_.transmitted.add(static_cast<unsigned>(std::popcount(ledgered & low_bits(sent))));
  sent_ += sent;
}

void TransmitQueues::pass_on(std::uint16_t port, std::span<rte_mbuf*> frames,
                             std::uint64_t ledgered) noexcept {
  for (rte_mbuf* frame : frames) {
    PacketContext& context = context_of(frame);
    context.resume = Resume::kTransmit;
    context.port_out = port;
  }
  const std::uint32_t to = worker_ % ports_[port].tx_queues;
  const unsigned given = hand_off_.give(worker_, to, frames);
  for (rte_mbuf* frame : frames.subspan(given)) {
    doors_.drop(frame, wire::shm::DropReason::kHandOffFull);
  }
  counters_.handed_out.add(static_cast<unsigned>(std::popcount(ledgered & low_bits(given))));
}

}  // namespace dataplane
