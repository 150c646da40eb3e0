// SPDX-License-Identifier: Apache-2.0
// Messages whose signer is not known yet, until the control plane has checked the certificate.
//
// Grouped by signer, so that a signer's certificate goes up once and its messages come back in
// order. What is held is a whole message, or the first fragment of one with the others hanging
// behind it (PacketContext::piece_next). Everything is bounded:
//
//   signers at a time                     64
//   packets                              512, a quarter of them for one link
//   messages of one signer                64
//   new signers per link and second       certificates_per_second of the link's class

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dataplane/burst.h"
#include "dataplane/keyed_tables.h"
#include "dataplane/mbuf_queue.h"
#include "dataplane/token_bucket.h"
#include "wire/reload/security_block.h"

namespace dataplane {

/// One per worker; 45 KiB. Owns the mbufs it holds.
class HoldTable {
 public:
  static constexpr std::size_t kMaxSigners = 64;
  static constexpr std::size_t kMaxPackets = 512;
  static constexpr std::size_t kMaxPacketsPerLink = kMaxPackets / 4;
  static constexpr std::size_t kMaxMessagesPerSigner = 64;
  static_assert(kMaxSigners <= kBurstSize, "one bulk lookup covers all");

  enum class Outcome : std::uint8_t { kHeld, kFull, kCertificateRate };

  [[nodiscard]] static std::unique_ptr<HoldTable> create(std::uint64_t tsc_hz) noexcept;

  /// Takes @p message (and what hangs behind it) unless refused; then the caller keeps it.
  [[nodiscard]] Outcome hold(const wire::reload::SignerKey& signer, rte_mbuf* message,
                             std::uint32_t certificates_per_second, std::uint64_t tsc) noexcept;

  /// Calls @p punt(const SignerKey&, rte_mbuf*) with the first message of each signer that the
  /// control plane has not been told of; true means told.
  template <class Punt>
  void punt_new(Punt&& punt) noexcept {
    if (unpunted_ == 0) return;
    for (Group& group : groups_) {
      if (!group.messages.empty() && !group.punted && punt(group.signer, group.messages.front())) {
        group.punted = true;
        --unpunted_;
      }
    }
  }

  /// Moves the messages of signers that @p signers has by now (accepted or refused) to @p out.
  /// Looks only when the table changed since the last call.
  void release_known(const SignerTable& signers, MbufQueue& out) noexcept;
  /// Moves messages held for @p hold_cycles or longer to @p out.
  void expire(std::uint64_t tsc, std::uint64_t hold_cycles, MbufQueue& out) noexcept;
  /// Moves everything to @p out.
  void release_all(MbufQueue& out) noexcept;

  /// Packets, not messages.
  [[nodiscard]] std::size_t packets() const noexcept { return packets_; }

 private:
  struct Group {
    wire::reload::SignerKey signer;
    MbufQueue messages;  // empty: the group is free
    bool punted = false;
  };
  HoldTable() = default;
  rte_mbuf* take_front(Group& group) noexcept;

  std::array<Group, kMaxSigners> groups_{};
  std::array<std::uint16_t, wire::shm::kMaxLinks> packets_of_link_{};
  std::array<TokenBucket, wire::shm::kMaxLinks> certificates_{};
  std::size_t packets_ = 0;
  std::size_t unpunted_ = 0;
  std::uint64_t seen_version_ = 0;
  std::uint64_t tsc_hz_ = 0;
};

}  // namespace dataplane
