// SPDX-License-Identifier: Apache-2.0
// Builds comb tables, one block per lane, in parts of 32 rows per block.

#include <immintrin.h>
#include <sys/mman.h>

#include <cassert>
#include <cstring>

#include "crypto/kernels/avx512ifma/ed25519.h"
#include "crypto/kernels/avx512ifma/ed25519_comb.h"
#include "crypto/kernels/avx512ifma/ed25519_point.h"
#include "crypto/kernels/avx512ifma/field25519.h"
#include "crypto/kernels/avx512ifma/field25519_inverse.h"

namespace crypto::avx512ifma {
namespace {

constexpr unsigned kPartLog = 5;
constexpr unsigned kPart = 1U << kPartLog;  // rows per block in one slice
constexpr unsigned kMaxTeeth = 16;

/// A point ready to be added often: Y - X, Y + X, 2dT, 2Z.
struct Addend {
  Fe minus, plus, t, z;
};

/// What the parts of one table share.
struct Start {
  ForAdding lowest;            ///< T_{teeth - 1} - T_{teeth - 2} - ... - T_0: row 0
  Addend step[kMaxTeeth - 1];  ///< 2 T_j: what setting bit j of the row number adds
};

// A signer's table keeps its Start in its own last rows, which the last slice overwrites.
constexpr std::size_t kSignerStartBytes =
    sizeof(ForAdding) + (kSignerComb.teeth - 1) * sizeof(Addend);
static_assert(kSignerStartBytes <= std::size_t{kPart} * kSignerComb.blocks() * sizeof(Ed25519Row));
static_assert(kEd25519TableSlices == 1 + kSignerComb.rows_per_block() / kPart);
static_assert(kEd25519TableBytes == kSignerComb.rows() * sizeof(Ed25519Row) + 64);

constexpr std::uint64_t k2D[5] = {0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052,
                                  0x6738cc7407977, 0x2406d9dc56dff};

/// From X, Y, Z to XZ, YZ, Z^2, XY.
ForAdding for_adding(const ForDoubling& p) {
  return {(p.y - p.x) * p.z, p.sum * p.z, p.x * p.y, sqr(p.z)};
}

Addend addend(const ForAdding& p) {
  return {p.minus, p.plus, p.t * broadcast(k2D), carry(p.z + p.z)};
}

Addend negated(const Addend& a) { return {a.plus, a.minus, small(0) - a.t, a.z}; }

ForAdding sum(const ForAdding& p, const Addend& q) {
  const Wide a = mul(p.minus, q.minus);
  const Wide b = mul(p.plus, q.plus);
  const Wide c = mul(p.t, q.t);
  const Wide d = mul(carry(p.z), q.z);
  return for_adding(Unfinished{carry(b - a), carry(b + a), d - c, d + c});
}

void select(Fe& to, __mmask8 lanes, const Fe& from) {
  for (unsigned i = 0; i < 5; ++i) to.v[i] = _mm512_mask_mov_epi64(to.v[i], lanes, from.v[i]);
}

/// Tooth j of block b is [2^(4 teeth b + 4 j)]P. Lane b keeps those of block b; lanes without a
/// block keep the last block's.
void make_start(const CombShape& shape, const std::uint64_t* x, const std::uint64_t* y,
                Start& start) {
  ForDoubling tooth[kMaxTeeth];
  ForDoubling p = {broadcast(x), broadcast(y), broadcast(x) + broadcast(y), small(1)};
  for (unsigned block = 0; block < shape.blocks(); ++block) {
    for (unsigned j = 0; j < shape.teeth; ++j) {
      if (block == 0) tooth[j] = p;
      const auto lanes = static_cast<__mmask8>(0xff << block);
      select(tooth[j].x, lanes, p.x);
      select(tooth[j].y, lanes, p.y);
      select(tooth[j].sum, lanes, p.sum);
      select(tooth[j].z, lanes, p.z);
      for (unsigned i = 0; i < kSpacing; ++i) p = for_doubling(twice(p));
    }
  }
  start.lowest = for_adding(tooth[shape.teeth - 1]);
  for (unsigned j = 0; j + 1 < shape.teeth; ++j) {
    start.lowest = sum(start.lowest, negated(addend(for_adding(tooth[j]))));
    start.step[j] = addend(for_adding(twice(tooth[j])));
  }
}

/// Writes eight points with @p z_inverse = 1/Z as row @p number of each block.
void store_rows(const CombShape& shape, unsigned number, const ForAdding& p, const Fe& z_inverse,
                Ed25519Row* rows) {
  const Fe plus = canonical(p.plus * z_inverse);
  const Fe minus = canonical(p.minus * z_inverse);
  const Fe t = canonical(p.t * z_inverse * broadcast(k2D));
  __m512i word[16];
  for (unsigned i = 0; i < 5; ++i) {
    word[i] = plus.v[i];
    word[8 + i] = minus.v[i];
  }
  for (unsigned i = 0; i < 3; ++i) word[5 + i] = t.v[i];
  for (unsigned i = 0; i < 2; ++i) word[13 + i] = t.v[3 + i];
  word[15] = _mm512_setzero_si512();
  transpose(word);
  transpose(word + 8);
  for (unsigned block = 0; block < shape.blocks(); ++block) {
    auto* half = reinterpret_cast<__m512i*>(rows + number * shape.blocks() + block);
    _mm512_store_si512(half, word[block]);
    _mm512_store_si512(half + 1, word[8 + block]);
  }
}

/// Rows number part * 32 to part * 32 + 31 of each block, with one inversion.
void build_part(const CombShape& shape, const Start& start, unsigned part, Ed25519Row* rows) {
  ForAdding point[kPart];
  point[0] = start.lowest;
  for (unsigned j = kPartLog; j + 1 < shape.teeth; ++j) {
    if ((part >> (j - kPartLog) & 1U) != 0) point[0] = sum(point[0], start.step[j]);
  }
  for (unsigned j = 0; j < kPartLog; ++j) {
    for (unsigned i = 0; i < 1U << j; ++i) point[i + (1U << j)] = sum(point[i], start.step[j]);
  }
  Fe before[kPart];  // product of the z of earlier rows
  Fe product = small(1);
  for (unsigned i = 0; i < kPart; ++i) {
    before[i] = product;
    product = product * carry(point[i].z);
  }
  Fe inverted = inverse(product);
  for (unsigned i = kPart; i-- != 0;) {
    store_rows(shape, part * kPart + i, point[i], inverted * before[i], rows);
    inverted = inverted * carry(point[i].z);
  }
}

Ed25519Row* base_rows = nullptr;

}  // namespace

const Ed25519Row* ed25519_base_rows() noexcept { return base_rows; }

bool ed25519_prepare() noexcept {
  if (base_rows != nullptr) return true;
  // Huge pages when the system gives them: a check reads 16 rows from all over the table.
  constexpr std::size_t kHugePage = std::size_t{2} << 20U;
  constexpr std::size_t kBytes = kBaseComb.rows() * sizeof(Ed25519Row);
  constexpr std::size_t kMapped = (kBytes + 2 * kHugePage - 1) / kHugePage * kHugePage;
  void* mapped = mmap(nullptr, kMapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return false;
  const std::uint64_t aligned =
      (reinterpret_cast<std::uint64_t>(mapped) + kHugePage - 1) / kHugePage * kHugePage;
  auto* rows = reinterpret_cast<Ed25519Row*>(aligned);
  madvise(rows, kBytes, MADV_HUGEPAGE);
  constexpr std::uint64_t kX[5] = {0x62d608f25d51a, 0x412a4b4f6592a, 0x75b7171a4b31d,
                                   0x1ff60527118fe, 0x216936d3cd6e5};
  constexpr std::uint64_t kY[5] = {0x6666666666658, 0x4cccccccccccc, 0x1999999999999,
                                   0x3333333333333, 0x6666666666666};
  Start start;
  make_start(kBaseComb, kX, kY, start);
  for (unsigned part = 0; part < kBaseComb.rows_per_block() / kPart; ++part) {
    build_part(kBaseComb, start, part, rows);
  }
  base_rows = rows;
  return true;
}

void ed25519_build_slice(const Ed25519Key& key, std::byte* table, std::uint32_t slice) noexcept {
  assert(slice < kEd25519TableSlices);
  auto* rows = reinterpret_cast<Ed25519Row*>(aligned_rows(table));
  auto* kept = reinterpret_cast<std::byte*>(rows + kSignerComb.rows()) - kSignerStartBytes;
  Start start;
  if (slice == 0) {
    make_start(kSignerComb, key.x, key.y, start);
    std::memcpy(kept, &start, kSignerStartBytes);
    return;
  }
  std::memcpy(&start, kept, kSignerStartBytes);
  build_part(kSignerComb, start, slice - 1, rows);
}

}  // namespace crypto::avx512ifma
