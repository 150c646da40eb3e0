// SPDX-License-Identifier: Apache-2.0
// Keyed 64-bit hashes of identifiers and whole messages. Not for anything an attacker may test
// against: results stay inside the process, and so does the key.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace dataplane {

/// Both halves of the 128-bit product folded together: one multiplication mixes 64 bits well.
[[nodiscard]] inline std::uint64_t fold_multiply(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

/// A transaction ID (or another identifier) under @p key: for choices that must be the same for all
/// fragments of a message and must not be foreseeable to whoever picks the ID.
[[nodiscard]] inline std::uint64_t hash_id(std::uint64_t id, std::uint64_t key) noexcept {
  return fold_multiply(id ^ key ^ 0x2d358dccaa6c78a5U, key ^ 0x8bb84b93962eacc9U);
}

/// Whole messages: NH of UMAC (RFC 4418 section 5.2.2), the sum of products of 32-bit words to each
/// of which a word of the key was added, because its products do not wait for each other. Who lacks
/// the key makes two messages of one seed collide with a chance of 2^-32.
class MessageHash {
 public:
  explicit MessageHash(std::uint64_t secret) noexcept;

  /// Of all of @p bytes and @p seed. Any thread. Cost: two cycles per 16 bytes.
  [[nodiscard]] std::uint64_t of(std::span<const std::byte> bytes,
                                 std::uint64_t seed) const noexcept;

 private:
  static constexpr std::size_t kChunk = 1024;  // bytes under one length of the key
  std::uint64_t secret_;
  alignas(16) std::array<std::uint64_t, kChunk / 8> key_;
};

}  // namespace dataplane
