// SPDX-License-Identifier: Apache-2.0
#include "dataplane/message_hash.h"

#include <array>
#include <cstring>

namespace dataplane {

namespace {

constexpr std::size_t kStep = 16;
constexpr std::size_t kLanes = 4;

std::uint64_t load(const std::byte* from) noexcept {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

/// Odd constants from the fraction of the golden ratio and of square roots: nothing up the sleeve.
constexpr std::array<std::uint64_t, kLanes> kSalts{0x9e3779b97f4a7c15U, 0x6a09e667f3bcc909U,
                                                   0xbb67ae8584caa73bU, 0x3c6ef372fe94f82bU};

}  // namespace

std::uint64_t hash_bytes(std::span<const std::byte> bytes, std::uint64_t seed,
                         std::uint64_t key) noexcept {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  std::array<std::uint64_t, kLanes> lane;
  for (std::size_t l = 0; l < kLanes; ++l) lane[l] = seed ^ (key + kSalts[l]);

  while (left >= kStep * kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      lane[l] =
          fold_multiply(load(at + kStep * l) ^ key ^ kSalts[l], load(at + kStep * l + 8) ^ lane[l]);
    }
    at += kStep * kLanes;
    left -= kStep * kLanes;
  }
  for (std::size_t l = 0; left >= kStep; ++l) {  // at most kLanes - 1 times
    lane[l] = fold_multiply(load(at) ^ key ^ kSalts[l], load(at + 8) ^ lane[l]);
    at += kStep;
    left -= kStep;
  }
  if (left != 0) {
    // The last step may take bytes a second time; only a run shorter than a step is padded.
    std::array<std::byte, kStep> tail{};
    if (bytes.size() >= kStep) {
      at -= kStep - left;
    } else {
      std::memcpy(tail.data(), at, left);
      at = tail.data();
    }
    lane[3] = fold_multiply(load(at) ^ key ^ kSalts[3], load(at + 8) ^ lane[3]);
  }
  // The length tells a tail of zeros from no tail.
  const std::uint64_t folded =
      fold_multiply(lane[0] ^ key, lane[1]) ^ fold_multiply(lane[2], lane[3] ^ key);
  return fold_multiply(folded ^ kSalts[2], bytes.size() ^ kSalts[3] ^ key);
}

}  // namespace dataplane
