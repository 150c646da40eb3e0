// SPDX-License-Identifier: Apache-2.0
#include "wire/shm/link_status.h"

#include <cstring>

namespace wire::shm {
namespace {

// The identity is copied by pieces of this size, each an atomic access (see trace.cc for why the
// pieces carry the ordering).
using Piece = std::uint16_t;
constexpr std::size_t kPieces = sizeof(LinkRecord) / sizeof(Piece);
static_assert(sizeof(LinkRecord) % sizeof(Piece) == 0);
static_assert(alignof(LinkRecord) >= std::atomic_ref<Piece>::required_alignment);

constexpr int kReadAttempts = 100;

}  // namespace

void write_identity(LinkStatus& status, const LinkRecord& identity) noexcept {
  std::array<Piece, kPieces> pieces;
  std::memcpy(pieces.data(), &identity, sizeof(identity));
  const std::uint32_t version = status.identity_version.load(std::memory_order_relaxed);
  status.identity_version.store(version | 1U, std::memory_order_relaxed);
  auto* const to = reinterpret_cast<Piece*>(&status.identity);
  for (std::size_t i = 0; i < kPieces; ++i) {
    std::atomic_ref<Piece>(to[i]).store(pieces[i], std::memory_order_release);
  }
  status.identity_version.store((version | 1U) + 1, std::memory_order_release);
}

bool read_identity(const LinkStatus& status, LinkRecord& identity) noexcept {
  // atomic_ref of a const object is C++26; nothing is written through this pointer.
  auto* const from = reinterpret_cast<Piece*>(const_cast<LinkRecord*>(&status.identity));
  for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
    const std::uint32_t before = status.identity_version.load(std::memory_order_acquire);
    if ((before & 1U) != 0) continue;
    std::array<Piece, kPieces> pieces;
    for (std::size_t i = 0; i < kPieces; ++i) {
      pieces[i] = std::atomic_ref<Piece>(from[i]).load(std::memory_order_acquire);
    }
    if (status.identity_version.load(std::memory_order_relaxed) != before) continue;
    std::memcpy(static_cast<void*>(&identity), pieces.data(), sizeof(identity));
    return true;
  }
  return false;
}

}  // namespace wire::shm
