// SPDX-License-Identifier: Apache-2.0
// Checks of signers without tables: 63 times four doublings and an addition for u2 * Q, with the
// rows of eight multiples of Q made on the spot; u1 * G is a sum of rows of the base point's table.
// Windows of five bits save 12 additions and cost eight more multiples: slower by 2 %.
#include "crypto/kernels/avx512ifma/p256_affine_sum.h"
#include "crypto/kernels/avx512ifma/p256_base_table.h"
#include "crypto/kernels/avx512ifma/p256_check.h"
#include "crypto/kernels/avx512ifma/p256_multiples.h"

namespace crypto::avx512ifma {
namespace {

constexpr std::uint32_t kWidth = 4;
constexpr std::uint32_t kWindows = windows_of(kWidth);
constexpr std::uint32_t kRows = rows_per_window(kWidth);
constexpr std::uint32_t kBaseWindows = windows_of(kP256BaseWidth);

/// Odd multiples of the keys of one vector's checks, lane by lane.
struct alignas(64) KeyRows {
  std::uint64_t word[kLanes][kRows][kRowBytes / 8];

  RowPick first() const {
    RowPick pick;
    for (std::uint32_t i = 0; i < kLanes; ++i) {
      pick.address[i] = reinterpret_cast<std::uint64_t>(word[i]);
    }
    return pick;
  }
};

HOPSEAL_INLINE Affine keys_of(const P256Check* const (&checks)[8]) {
  alignas(64) std::uint64_t words[8][8];
  for (int lane = 0; lane < 8; ++lane) {
    for (int i = 0; i < 4; ++i) {
      words[i][lane] = checks[lane]->key->x[i];
      words[4 + i][lane] = checks[lane]->key->y[i];
    }
  }
  __m512i x[4];
  __m512i y[4];
  for (int i = 0; i < 4; ++i) {
    x[i] = _mm512_load_si512(words[i]);
    y[i] = _mm512_load_si512(words[4 + i]);
  }
  return {mul(Fe{limbs_of_words(x)}, fe(kR2)), mul(Fe{limbs_of_words(y)}, fe(kR2))};
}

/// u2 * Q.
Jacobian key_multiple(const Prepared& check, const KeyRows& rows) {
  __mmask8 opposite = 0;
  const Limbs bits = signed_bits<kWidth>(check.u2, opposite);
  const __m512i table = _mm512_load_si512(rows.first().address);
  // Every window looks into the same rows: those of window 0.
  const auto digit = [&](std::uint32_t window) {
    RowPick pick;
    const __m512i at = _mm512_sub_epi64(table, all(static_cast<long long>(window) * kRows * 64));
    const __mmask8 negate = pick_rows<kWidth>(bits, opposite, window, at, pick);
    return negated_in(negate, {load_x(pick), load_y(pick)});
  };
  const Affine top = digit(kWindows - 1);
  Jacobian total = {top.x, top.y, fe_one()};
  for (std::uint32_t window = kWindows - 1; window-- > 0;) {
    for (std::uint32_t i = 0; i < kWidth; ++i) total = doubled(total);
    total = sum(total, digit(window), 0);
  }
  return total;
}

/// Up to kMaxVectors vectors.
std::uint64_t verify(const P256Check* checks, std::uint32_t count, bool* valid) noexcept {
  const std::uint32_t vectors = (count + kLanes - 1) / kLanes;
  Prepared prepared[kMaxVectors];
  KeyRows rows[kMaxVectors];
  RowPick first[kMaxVectors];
  Affine keys[kMaxVectors];
  RowPick picks[kMaxVectors][kBaseWindows];
  __mmask8 negate[kMaxVectors][kBaseWindows];
  Terms<kBaseWindows> terms[kMaxVectors];
  prepare(checks, count, vectors, prepared);
  const __m512i base_table = all(reinterpret_cast<long long>(p256_base_table()));
  for (std::uint32_t v = 0; v < vectors; ++v) {
    const P256Check* lanes[8];
    checks_of(checks, count, v, lanes);
    keys[v] = keys_of(lanes);
    first[v] = rows[v].first();
    __mmask8 opposite = 0;
    const Limbs bits = signed_bits<kP256BaseWidth>(prepared[v].u1, opposite);
    for (std::uint32_t i = 0; i < kBaseWindows; ++i) {
      negate[v][i] = pick_rows<kP256BaseWidth>(bits, opposite, i, base_table, picks[v][i]);
    }
  }
  store_odd_multiples(keys, kRows, vectors, first);
  const std::uint32_t step = sum_in_levels<kBaseWindows>(picks, negate, vectors, terms);
  std::uint64_t undecided = 0;
  for (std::uint32_t v = 0; v < vectors; ++v) {
    Jacobian total = key_multiple(prepared[v], rows[v]);
    for (std::uint32_t at = 0; at < Terms<kBaseWindows>::kSlots; at += step) {
      total = sum(total, terms[v].point[at], 0);
    }
    const auto open = static_cast<__mmask8>(terms[v].undecided | is_zero(total.z));
    undecided |= write_verdicts(prepared[v], x_is_r(prepared[v], total.x, sqr(total.z)), open, v,
                                count, valid);
  }
  return undecided;
}

}  // namespace

std::uint64_t p256_verify_cold(const P256Check* checks, std::uint32_t count, bool* valid) noexcept {
  return in_parts<kMaxVectors>(verify, checks, count, valid);
}

}  // namespace crypto::avx512ifma
