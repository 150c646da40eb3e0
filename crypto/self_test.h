// SPDX-License-Identifier: Apache-2.0
// Known answers every kernel must give before it is used.

#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "crypto/batch_verify.h"
#include "crypto/kernels/kernel_table.h"

namespace crypto {

/// A signature with a known verdict. All fields are hex.
struct KnownAnswer {
  const char* name;     ///< "ed25519: S not below the group order"
  const char* spki;     ///< DER SubjectPublicKeyInfo
  const char* message;  ///< the signed bytes
  const char* signature;
  Verdict verdict;
};

/// Right ones, and for each algorithm the wrong ones a fast implementation is most likely to take:
/// the range of S and the encoding of R, keys of small order, DER with an extra byte.
[[nodiscard]] std::span<const KnownAnswer> known_answers() noexcept;

/// Gives @p kernel the known answers one by one and in full, mixed batches, cut into parts at
/// different places, and again with the signers' tables where the kernel has such. False with the
/// first wrong answer's name in @p why. Takes some 20 ms with `portable`. @pre runs_here(kernel)
[[nodiscard]] bool self_test(const KernelTable& kernel, std::string& why);

}  // namespace crypto
