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
};

enum class Verdict : std::uint8_t {
  kValid,
  kBadSignature,  ///< OpenSSL says the signature does not match, or is no signature at all
  kTooLong,       ///< more than kMaxSignedBytes
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
  /// Variable time: call it with public data only. Jobs may mix algorithms and keys.
  /// @pre  jobs.size() <= kMaxJobs and verdicts.size() == jobs.size(); every key is set
  void verify(std::span<const VerifyJob> jobs, std::span<Verdict> verdicts) noexcept;

  [[nodiscard]] const KernelTable& kernel() const noexcept;

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace crypto
