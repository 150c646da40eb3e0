// SPDX-License-Identifier: Apache-2.0
// Virtual reassembly: fragments wait until their message is complete, are checked as a whole, and
// then go on as the pieces they came in (design section 4; RFC 6940 section 6.7).
//
// A set is keyed by transaction ID and ingress link, so one neighbour's fragments cannot poison
// another's. Overlaps are accepted when the bytes agree, because a retransmission may be cut
// differently. Each link has a quota of bytes; when it is used up the link's oldest set goes, since
// a set that lost a piece would otherwise block its link until the timeout.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/burst.h"
#include "dataplane/mbuf_queue.h"

namespace dataplane {

/// One per worker; 80 KiB. Owns the mbufs it holds.
class Reassembly {
 public:
  static constexpr std::uint16_t kMaxSets = 512;
  static constexpr std::size_t kMaxPackets = 2048;
  static constexpr std::size_t kMaxPieces = 64;          ///< of one message
  static constexpr std::uint32_t kSmallestPiece = 256;   ///< D-04; the last may be shorter
  static constexpr std::uint32_t kSmallestCharge = 512;  ///< bytes; a tiny piece takes an mbuf too

  enum class Outcome : std::uint8_t {
    kHeld,
    kComplete,  ///< head is the first piece that came, the others hang behind it, as they came
    kRefused,   ///< the packet stays with the caller, to be dropped for reason
  };
  struct Result {
    Outcome outcome = Outcome::kHeld;
    DropReason reason{};
    rte_mbuf* head = nullptr;
  };

  [[nodiscard]] static std::unique_ptr<Reassembly> create() noexcept;

  /// Adds a fragment that parse has accepted. @p quota_bytes is what its link may hold. Sets that
  /// had to make room go to @p evicted, condemned as reassembly_full.
  [[nodiscard]] Result add(rte_mbuf* fragment, std::uint32_t quota_bytes, std::uint64_t tsc,
                           MbufQueue& evicted) noexcept;
  /// Moves pieces of sets that began @p timeout_cycles ago or earlier to @p out, condemned as
  /// reassembly_timeout.
  void expire(std::uint64_t tsc, std::uint64_t timeout_cycles, MbufQueue& out) noexcept;
  /// Moves everything to @p out, condemned for @p reason.
  void release_all(DropReason reason, MbufQueue& out) noexcept;

  [[nodiscard]] std::size_t packets() const noexcept { return packets_; }
  [[nodiscard]] std::size_t sets() const noexcept { return sets_in_use_; }

 private:
  using SetIndex = std::uint16_t;
  static constexpr SetIndex kNone = 0xffff;
  static constexpr std::size_t kBuckets = 1024;

  struct Set {
    std::uint64_t transaction_id = 0;
    std::uint64_t began_tsc = 0;
    rte_mbuf* head = nullptr;  // pieces in the order they came
    rte_mbuf* tail = nullptr;
    std::uint32_t reach = 0;    // bytes from offset 0 on without a hole
    std::uint32_t total = 0;    // known once the last fragment came; else 0
    std::uint32_t charged = 0;  // of the link's quota
    std::uint16_t link = 0;
    std::uint16_t pieces = 0;
    SetIndex next_in_bucket = kNone;
    SetIndex older = kNone, newer = kNone;                  // of all sets
    SetIndex older_of_link = kNone, newer_of_link = kNone;  // of its link
  };
  struct Ends {
    SetIndex oldest = kNone, newest = kNone;
  };

  Reassembly() = default;
  [[nodiscard]] SetIndex find(std::uint64_t transaction_id, std::uint16_t link) const noexcept;
  [[nodiscard]] SetIndex begin(std::uint64_t transaction_id, std::uint16_t link,
                               std::uint64_t tsc) noexcept;
  void close(SetIndex index) noexcept;
  void condemn(SetIndex index, DropReason reason, MbufQueue& out) noexcept;
  [[nodiscard]] static bool agrees(const Set& set, rte_mbuf* fragment) noexcept;
  static void extend(Set& set) noexcept;

  std::array<SetIndex, kBuckets> buckets_;
  std::array<Set, kMaxSets> pool_;
  SetIndex free_ = kNone;
  Ends all_;
  std::array<Ends, wire::shm::kMaxLinks> of_link_;
  std::array<std::uint32_t, wire::shm::kMaxLinks> bytes_of_link_{};
  std::size_t packets_ = 0;
  std::size_t sets_in_use_ = 0;
};

/// Writes the message that the pieces at @p head make up into @p to, with the forwarding header of
/// its first fragment turned into that of a whole message. Returns its length, 0 when it does not
/// fit. @pre head came from Outcome::kComplete
[[nodiscard]] std::size_t assemble(rte_mbuf* head, std::span<std::byte> to) noexcept;

}  // namespace dataplane
