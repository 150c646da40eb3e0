// SPDX-License-Identifier: Apache-2.0
// Batch verification of message signatures on one lcore.
//
// One BatchVerifier belongs to one lcore and owns the scratch memory its calls need. crypto/ knows
// no packets and no DPDK.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "crypto/kernels/kernel_table.h"
#include "crypto/public_key.h"

namespace crypto {

/// RELOAD signs four separate pieces (RFC 6940 section 6.3.4): overlay, transaction_id,
/// MessageContents, SignerIdentity.
inline constexpr std::size_t kMaxSignedParts = 4;
/// The most signed bytes a job may have. Longer jobs get kTooLong.
inline constexpr std::size_t kMaxSignedBytes = 65536;

/// One signature to check. Everything is borrowed and must not change until verify() returns.
struct VerifyJob {
  /// The signed bytes, in order, as they lie in the packet. Unused parts are empty.
  std::array<std::span<const std::byte>, kMaxSignedParts> signed_parts;
  /// Key handle: of a signer the caller knows. Its algorithm is the job's algorithm.
  const PublicKey* key = nullptr;
  /// RSA: as long as the modulus. ECDSA: DER Ecdsa-Sig-Value. Ed25519: R then S.
  std::span<const std::byte> signature;
  /// The known signer's table, complete, built by this verifier's kernel for this key; nullptr: the
  /// check does without. Never changes the verdict. key_table_pool.h keeps such tables.
  const std::byte* table = nullptr;
};

enum class Verdict : std::uint8_t {
  kValid,
  kBadSignature,  ///< OpenSSL says the signature does not match, or is no signature at all
  kTooLong,       ///< more than kMaxSignedBytes
};

/// How checks of one algorithm were made.
struct PathCounts {
  std::uint64_t known = 0;    ///< in vector lanes, with the signer's table
  std::uint64_t cold = 0;     ///< in vector lanes, without a table (RSA: always)
  std::uint64_t openssl = 0;  ///< by OpenSSL: too few jobs for lanes, or none that lanes can take
};

/// Counts since the verifier was made; they only rise.
struct BatchStatistics {
  static constexpr std::size_t kLanes = 8;
  std::array<PathCounts, kAlgorithmCount> paths{};  ///< by Algorithm
  /// [k]: passes of a vector kernel that had k + 1 lanes filled.
  std::array<std::uint64_t, kLanes> occupancy{};
};

class BatchVerifier {
 public:
  /// Most jobs one call may carry. The dataplane's burst is never larger.
  static constexpr std::size_t kMaxJobs = 64;

  /// @param kernel  normally best_kernel(); tests and benches pass each one in turn. Must satisfy
  ///                runs_here(kernel) and outlive this object.
  explicit BatchVerifier(const KernelTable& kernel);
  ~BatchVerifier();
  BatchVerifier(BatchVerifier&&) noexcept;
  BatchVerifier& operator=(BatchVerifier&&) noexcept;

  /// Fills verdicts[i] for jobs[i].
  ///
  /// A verdict depends on its own job only: never on the other jobs in the call, on their order, on
  /// the kernel or on the machine. The verdict is OpenSSL's, bit for bit (decision 0002).
  ///
  /// Variable time: call it with public data only. Jobs may mix algorithms and keys,
  /// known signers and others.
  /// @pre  jobs.size() <= kMaxJobs and verdicts.size() == jobs.size(); every key is set
  void verify(std::span<const VerifyJob> jobs, std::span<Verdict> verdicts) noexcept;

  [[nodiscard]] const KernelTable& kernel() const noexcept;
  /// For the thread that calls verify().
  [[nodiscard]] const BatchStatistics& statistics() const noexcept;

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace crypto
