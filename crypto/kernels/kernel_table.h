// SPDX-License-Identifier: Apache-2.0
// What one verify kernel offers. One static library per ISA fills one of these (decision 0005).

#pragma once

#include <cstddef>
#include <cstdint>

namespace crypto {

struct VerifyJob;
struct BatchStatistics;
class PublicKey;
enum class Algorithm : std::uint8_t;
enum class Verdict : std::uint8_t;

/// CPU features a kernel may need; bits, compared with what CPUID and XGETBV report.
enum CpuFeature : std::uint32_t {
  kCpuAvx2 = 1U << 0U,
  kCpuBmi2 = 1U << 1U,
  kCpuAvx512 = 1U << 2U,  ///< F, VL, DQ, and the OS saves the registers
  kCpuAvx512Ifma = 1U << 3U,
};

inline constexpr std::size_t kTableAlignment = 64;

struct KernelTable {
  const char* name;                 ///< "portable": in logs, benches, --kernel=, test names
  std::uint32_t required_features;  ///< CpuFeature bits
  std::uint32_t lanes;              ///< jobs per pass; callers size batches by it
  /// Scratch memory of one BatchVerifier; make returns nullptr when out of memory.
  void* (*make_scratch)();
  void (*free_scratch)(void* scratch);
  /// Fills verdicts[0..count) and counts each job once. Jobs may mix algorithms; count <= 64.
  void (*verify)(void* scratch, const VerifyJob* jobs, std::size_t count, Verdict* verdicts,
                 BatchStatistics& statistics);

  // Tables of known signers. Memory is the caller's, aligned to kTableAlignment. A kernel reads
  // its own tables only: their layout is nobody else's business.

  /// Size of one signer's table, a multiple of kTableAlignment. 0: the kernel has no such tables.
  std::size_t (*table_bytes)(Algorithm algorithm);
  /// In how many calls a table is built; each takes well below 100 us.
  std::uint32_t (*table_slices)(Algorithm algorithm);
  /// Whether @p key can have a table: not when its algorithm has none, nor when the key is no point
  /// of its curve (Ed25519 keys are not checked when they are decoded).
  bool (*takes_table)(const PublicKey& key);
  /// Builds part @p slice. Call once for each of 0..table_slices()-1, in this order, with the same
  /// memory; nobody may read the table before. @pre takes_table(key)
  void (*build_slice)(const PublicKey& key, std::byte* table, std::uint32_t slice);
};

}  // namespace crypto
