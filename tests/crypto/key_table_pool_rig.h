// SPDX-License-Identifier: Apache-2.0
// A kernel whose tables say whose they are, and a clock of quiescent states, for the pool's tests.

#pragma once

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <vector>

#include "crypto/key_table_pool.h"
#include "crypto/signing_key.h"

namespace crypto::test {

/// A table is the address of its key, once per slice and then once per word of the slice's part.
inline constexpr std::uint32_t kSlices = 3;
inline constexpr std::size_t kWordsPerSlice = 8;
inline constexpr std::size_t kRigTableBytes = kSlices * kWordsPerSlice * sizeof(std::uintptr_t);
static_assert(kRigTableBytes % kTableAlignment == 0);

/// Calls of build_slice so far; the writer's.
inline std::uint64_t& slices_built() {
  static std::uint64_t count = 0;
  return count;
}

/// Tables for Ed25519 of full size and for ECDSA of a third of it; none for RSA.
inline const KernelTable& rig_kernel() {
  static const KernelTable kKernel = {
      .name = "rig",
      .required_features = 0,
      .lanes = 8,
      .make_scratch = nullptr,
      .free_scratch = nullptr,
      .verify = nullptr,
      .table_bytes = [](Algorithm algorithm) -> std::size_t {
        if (algorithm == Algorithm::kEd25519) return kRigTableBytes;
        return algorithm == Algorithm::kEcdsaP256Sha256 ? kRigTableBytes / kSlices : 0;
      },
      .table_slices = [](Algorithm algorithm) -> std::uint32_t {
        return algorithm == Algorithm::kEd25519 ? kSlices : 1;
      },
      .takes_table =
          [](const PublicKey& key) { return key.algorithm() != Algorithm::kRsaPkcs1Sha256; },
      .build_slice =
          [](const PublicKey& key, std::byte* table, std::uint32_t slice) {
            const auto name = reinterpret_cast<std::uintptr_t>(&key);
            for (std::size_t word = 0; word < kWordsPerSlice; ++word) {
              std::memcpy(table + (slice * kWordsPerSlice + word) * sizeof name, &name,
                          sizeof name);
            }
            ++slices_built();
          },
  };
  return kKernel;
}

/// True when all of @p table is @p key's.
inline bool is_table_of(const PublicKey& key, const std::byte* table) {
  const auto name = reinterpret_cast<std::uintptr_t>(&key);
  const std::size_t words = rig_kernel().table_slices(key.algorithm()) * kWordsPerSlice;
  for (std::size_t word = 0; word < words; ++word) {
    if (std::memcmp(table + word * sizeof name, &name, sizeof name) != 0) return false;
  }
  return true;
}

/// Distinct keys: one is made and then decoded again and again.
class KeyMaker {
 public:
  explicit KeyMaker(Algorithm algorithm) : spki_(SigningKey::generate(algorithm)->public_spki()) {}
  [[nodiscard]] std::shared_ptr<const PublicKey> make() const {
    std::string why;
    return PublicKey::from_spki(spki_, why);
  }

 private:
  std::vector<std::byte> spki_;
};

/// Quiescent states of reader threads, or of a test that plays them.
class Epochs : public GracePeriods {
 public:
  explicit Epochs(std::uint32_t readers) : seen_(readers) {}
  std::uint64_t start() noexcept override { return now_.fetch_add(1) + 1; }
  bool passed(std::uint64_t token) noexcept override {
    for (const auto& seen : seen_) {
      if (seen.load() < token) return false;
    }
    return true;
  }
  void quiescent(std::uint32_t reader) noexcept { seen_[reader].store(now_.load()); }
  void all_quiescent() noexcept {
    for (std::uint32_t reader = 0; reader < seen_.size(); ++reader) quiescent(reader);
  }

 private:
  std::atomic<std::uint64_t> now_{0};
  std::vector<std::atomic<std::uint64_t>> seen_;
};

/// Memory for @p slots tables of rig_kernel().
struct TableMemory {
  explicit TableMemory(std::size_t slots)
      : bytes(slots * kRigTableBytes + kTableAlignment), size(slots * kRigTableBytes) {}
  [[nodiscard]] std::span<std::byte> span() {
    void* at = bytes.data();
    std::size_t space = bytes.size();
    return {static_cast<std::byte*>(std::align(kTableAlignment, size, at, space)), size};
  }
  std::vector<std::byte> bytes;
  std::size_t size;
};

}  // namespace crypto::test
