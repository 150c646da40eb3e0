// SPDX-License-Identifier: Apache-2.0
#include "dataplane/digest_cache.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <new>

namespace dataplane {

std::unique_ptr<DigestCache> DigestCache::create(std::uint32_t entries, std::uint64_t tsc_hz) {
  std::unique_ptr<DigestCache> cache(new (std::nothrow) DigestCache);
  if (cache == nullptr || entries == 0) return cache;
  const std::uint32_t sets = std::bit_ceil(std::max<std::uint32_t>(entries, kWays)) / kWays;
  cache->keyed_ = crypto::KeyedDigest::create();
  cache->sets_.reset(new (std::nothrow) Set[sets]);
  if (cache->keyed_ == nullptr || cache->sets_ == nullptr) return nullptr;
  cache->set_mask_ = sets - 1;
  cache->cycles_per_ms_ = std::max<std::uint64_t>(tsc_hz / 1000, 1);
  return cache;
}

DigestCache::Digest DigestCache::digest_of(
    std::span<const std::byte> overlay, std::span<const std::byte> transaction,
    std::uint64_t signer_epoch, std::span<const std::byte> from_contents) const noexcept {
  constexpr std::size_t kOverlayBytes = 4;
  constexpr std::size_t kTransactionBytes = 8;
  static_assert(kOverlayBytes + kTransactionBytes + sizeof signer_epoch ==
                crypto::KeyedDigest::kHeadBytes);
  assert(overlay.size() == kOverlayBytes && transaction.size() == kTransactionBytes);
  std::array<std::byte, crypto::KeyedDigest::kHeadBytes> head;
  std::memcpy(head.data(), overlay.data(), kOverlayBytes);
  std::memcpy(head.data() + kOverlayBytes, &signer_epoch, sizeof signer_epoch);
  std::memcpy(head.data() + kOverlayBytes + sizeof signer_epoch, transaction.data(),
              kTransactionBytes);
  return keyed_->of(head, from_contents);
}

bool DigestCache::has(const Digest& digest, std::uint64_t now_ms) const noexcept {
  const auto now = static_cast<std::uint32_t>(now_ms);
  const std::uint64_t limit = std::min<std::uint64_t>(kLifetimeMs, now_ms - cleared_ms_);
  bool found = false;
  for (const Entry& entry : set_of(digest).entries) {
    found |= entry.is_of(digest) && now - entry.added_ms < limit;
  }
  return found;
}

void DigestCache::add(const Digest& digest, std::uint64_t now_ms) noexcept {
  const auto now = static_cast<std::uint32_t>(now_ms);
  Set& set = set_of(digest);
  Entry* place = set.entries.data();
  for (Entry& entry : set.entries) {
    if (entry.is_of(digest)) {  // expired, or twice in one burst
      place = &entry;
      break;
    }
    if (now - entry.added_ms > now - place->added_ms) place = &entry;
  }
  *place = {digest.low, static_cast<std::uint32_t>(digest.high), now};
}

}  // namespace dataplane
