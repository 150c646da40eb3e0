// SPDX-License-Identifier: Apache-2.0
// Messages whose signature this lcore found good moments ago. One that comes again, sent anew by
// its originator or over a second path, needs no public-key work.
//
// The cache answers only for what was verified: its key is a 128-bit digest under a secret of this
// process (crypto/keyed_digest.h) over overlay, transaction ID, all bytes behind the forwarding
// header and the epoch of the signer's entry. Those decide the signed parts, the signature and the
// key, so equal digests mean equal verdicts. A signer's entry that changes or goes takes its epoch
// with it: nothing has to be looked for and removed.

#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "crypto/keyed_digest.h"
#include "wire/shm/layout.h"

namespace dataplane {

/// One per lcore. Four entries share a cache line, and of four the oldest gives way.
///
/// Limit: it remembers about as many messages as it has entries, which at high rates are those of
/// less than kLifetimeMs.
class DigestCache {
 public:
  static constexpr std::uint32_t kLifetimeMs = 15'000;
  using Digest = crypto::KeyedDigest::Value;

  /// @param entries  rounded up to a power of two, at least 4; 16 bytes each. 0: remembers nothing
  /// @return nullptr when out of memory
  [[nodiscard]] static std::unique_ptr<DigestCache> create(std::uint32_t entries,
                                                           std::uint64_t tsc_hz);

  [[nodiscard]] bool on() const noexcept { return sets_ != nullptr; }
  /// Forgets everything, also what is added in the rest of this millisecond.
  void clear(std::uint64_t now_ms) noexcept { cleared_ms_ = now_ms; }

  // What follows needs on().

  /// @param overlay, transaction  as they lie in the forwarding header: 4 and 8 bytes
  /// @param from_contents         the message from its contents to its end
  [[nodiscard]] Digest digest_of(std::span<const std::byte> overlay,
                                 std::span<const std::byte> transaction, std::uint64_t signer_epoch,
                                 std::span<const std::byte> from_contents) const noexcept;
  /// Brings the set of @p digest into the cache for has() or add() to follow.
  void prefetch(const Digest& digest) const noexcept { __builtin_prefetch(&set_of(digest), 1); }
  /// True when it was added less than kLifetimeMs ago, and behind the last clear().
  /// @param now_ms  milliseconds_at() of this turn: the division is made once per burst
  [[nodiscard]] bool has(const Digest& digest, std::uint64_t now_ms) const noexcept;
  void add(const Digest& digest, std::uint64_t now_ms) noexcept;
  [[nodiscard]] std::uint64_t milliseconds_at(std::uint64_t tsc) const noexcept {
    return tsc / cycles_per_ms_;
  }

 private:
  static constexpr unsigned kWays = 4;
  /// 96 bits of the digest are compared; the other 32 choose the set. Times are modulo 2^32: an
  /// entry nobody replaced for seven weeks comes alive again for 15 s, and was verified all the
  /// same.
  struct Entry {
    std::uint64_t low;
    std::uint32_t high;
    std::uint32_t added_ms;
    [[nodiscard]] bool is_of(const Digest& digest) const noexcept {
      return low == digest.low && high == static_cast<std::uint32_t>(digest.high);
    }
  };
  struct alignas(wire::shm::kCacheLine) Set {
    std::array<Entry, kWays> entries{};
  };
  DigestCache() = default;

  [[nodiscard]] Set& set_of(const Digest& digest) const noexcept {
    return sets_[(digest.high >> 32U) & set_mask_];
  }

  std::unique_ptr<crypto::KeyedDigest> keyed_;
  std::unique_ptr<Set[]> sets_;
  std::uint64_t set_mask_ = 0;
  std::uint64_t cycles_per_ms_ = 1;
  std::uint64_t cleared_ms_ = 0;
};

}  // namespace dataplane
