// SPDX-License-Identifier: Apache-2.0
// Checks whose signers have tables: a sum of 63 rows, no doubling.
#include "crypto/kernels/avx512ifma/p256_affine_sum.h"
#include "crypto/kernels/avx512ifma/p256_base_table.h"
#include "crypto/kernels/avx512ifma/p256_check.h"

namespace crypto::avx512ifma {
namespace {

constexpr std::uint32_t kKeyWindows = windows_of(kP256KeyWidth);
constexpr std::uint32_t kBaseWindows = windows_of(kP256BaseWidth);
constexpr std::uint32_t kPoints = kKeyWindows + kBaseWindows;
static_assert(kP256TableBytes ==
              std::size_t{kKeyWindows} * rows_per_window(kP256KeyWidth) * kRowBytes);

HOPSEAL_INLINE void pick_all(const Prepared& check, __m512i key_tables, RowPick (&picks)[kPoints],
                             __mmask8 (&negate)[kPoints]) {
  __mmask8 opposite = 0;
  const Limbs key_bits = signed_bits<kP256KeyWidth>(check.u2, opposite);
  for (std::uint32_t i = 0; i < kKeyWindows; ++i) {
    negate[i] = pick_rows<kP256KeyWidth>(key_bits, opposite, i, key_tables, picks[i]);
  }
  const Limbs base_bits = signed_bits<kP256BaseWidth>(check.u1, opposite);
  const __m512i base_table = all(reinterpret_cast<long long>(p256_base_table()));
  for (std::uint32_t i = 0; i < kBaseWindows; ++i) {
    negate[kKeyWindows + i] =
        pick_rows<kP256BaseWidth>(base_bits, opposite, i, base_table, picks[kKeyWindows + i]);
  }
}

/// Sum of the points at every @p step-th slot, at least two of them.
inline Jacobian sum_of_rest(const Terms<kPoints>& terms, std::uint32_t step) {
  Jacobian total = sum(terms.point[0], terms.point[step]);
  for (std::uint32_t at = 2 * step; at < Terms<kPoints>::kSlots; at += step) {
    total = sum(total, terms.point[at], 0);
  }
  return total;
}

/// Up to kMaxVectors vectors.
std::uint64_t verify(const P256Check* checks, std::uint32_t count, bool* valid) noexcept {
  const std::uint32_t vectors = (count + kLanes - 1) / kLanes;
  Prepared prepared[kMaxVectors];
  RowPick picks[kMaxVectors][kPoints];
  __mmask8 negate[kMaxVectors][kPoints];
  Terms<kPoints> terms[kMaxVectors];
  prepare(checks, count, vectors, prepared);
  for (std::uint32_t v = 0; v < vectors; ++v) {
    const P256Check* lanes[8];
    checks_of(checks, count, v, lanes);
    alignas(64) std::uint64_t table[8];
    for (int i = 0; i < 8; ++i) table[i] = reinterpret_cast<std::uint64_t>(lanes[i]->table);
    pick_all(prepared[v], _mm512_load_si512(table), picks[v], negate[v]);
  }
  const std::uint32_t step = sum_in_levels<kPoints>(picks, negate, vectors, terms);
  std::uint64_t undecided = 0;
  for (std::uint32_t v = 0; v < vectors; ++v) {
    const Jacobian total = sum_of_rest(terms[v], step);
    const auto open = static_cast<__mmask8>(terms[v].undecided | is_zero(total.z));
    undecided |= write_verdicts(prepared[v], x_is_r(prepared[v], total.x, sqr(total.z)), open, v,
                                count, valid);
  }
  return undecided;
}

}  // namespace

std::uint64_t p256_verify_known(const P256Check* checks, std::uint32_t count,
                                bool* valid) noexcept {
  return in_parts<kMaxVectors>(verify, checks, count, valid);
}

}  // namespace crypto::avx512ifma
