// SPDX-License-Identifier: Apache-2.0
// A first-in first-out queue of mbufs, linked through PacketContext::queue_next: no memory of its
// own, so it is never full. Owns what is in it. One lcore only.

#pragma once

#include <cstddef>

#include "dataplane/packet_context.h"

namespace dataplane {

class MbufQueue {
 public:
  void push(rte_mbuf* mbuf) noexcept {
    context_of(mbuf).queue_next = nullptr;
    if (tail_ != nullptr) {
      context_of(tail_).queue_next = mbuf;
    } else {
      head_ = mbuf;
    }
    tail_ = mbuf;
    ++size_;
  }
  /// nullptr when empty.
  [[nodiscard]] rte_mbuf* pop() noexcept {
    rte_mbuf* const mbuf = head_;
    if (mbuf == nullptr) return nullptr;
    head_ = context_of(mbuf).queue_next;
    if (head_ == nullptr) tail_ = nullptr;
    --size_;
    return mbuf;
  }
  [[nodiscard]] rte_mbuf* front() const noexcept { return head_; }
  [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  rte_mbuf* head_ = nullptr;
  rte_mbuf* tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace dataplane
