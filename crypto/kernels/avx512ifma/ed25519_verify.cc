// SPDX-License-Identifier: Apache-2.0
// R' = [S]B + [h](-A) for up to 64 checks, eight at a time, then one inversion for all of them.

#include <immintrin.h>

#include <cassert>

#include "crypto/kernels/avx512ifma/ed25519.h"
#include "crypto/kernels/avx512ifma/ed25519_comb.h"
#include "crypto/kernels/avx512ifma/ed25519_point.h"
#include "crypto/kernels/avx512ifma/ed25519_scalar.h"
#include "crypto/kernels/avx512ifma/field25519.h"
#include "crypto/kernels/avx512ifma/field25519_inverse.h"

namespace crypto::avx512ifma {
namespace {

constexpr unsigned kLanes = 8;
constexpr unsigned kMaxGroups = 8;
constexpr unsigned kKnownRows = kSpacing * kColumnRows;
constexpr unsigned kBaseRows = kSpacing * kBaseComb.blocks();
constexpr unsigned kKeyColumns = 64;
/// Rows are asked for twice. So many additions ahead they come to the second-level cache, from
/// memory if need be; one addition ahead they move to the first, which has no room for more.
constexpr unsigned kPrefetchAhead = 12;

/// Every kSpacing-th bit of a block.
constexpr std::uint64_t kTeethMask = 0x1111111111111111;

/// The neutral element, for lanes with nothing to add.
constexpr Ed25519Row kNeutralRow = {{1, 0, 0, 0, 0}, {0, 0, 0}, {1, 0, 0, 0, 0}, {0, 0}, 0};

/// What one check asks of its lane.
struct LaneScalars {
  Scalar s;  ///< digits of S, one bit each
  Scalar h;  ///< digits of h
  bool below_order;
  bool one_more;  ///< h was even and one was added to it
};

LaneScalars read_scalars(const Ed25519Check& check) {
  LaneScalars lane;
  Scalar s = load_scalar(check.signature + 32);
  lane.below_order = below_order(s);
  if ((s.word[0] & 1U) == 0) s = sum(s, kOrder);  // B has order L
  Scalar h = reduce_order(check.hash);
  lane.one_more = false;
  if ((h.word[0] & 1U) == 0) {
    constexpr std::uint64_t kOne[4] = {1, 0, 0, 0};
    lane.one_more = !check.key->prime_order;
    h = sum(h, check.key->prime_order ? kOrder : kOne);
  }
  lane.s = digits(s);
  lane.h = digits(h);
  return lane;
}

/// Bits of all columns of the base point's comb, for one lane: block b of column c goes to
/// out[(3 - c) stride + b][lane].
void base_columns(const Scalar& s, unsigned lane, unsigned stride, HalfRow (*out)[kLanes]) {
  static_assert(kBaseComb.block_digits() == 64);
  for (unsigned b = 0; b < kBaseComb.blocks(); ++b) {
    for (unsigned c = 0; c < kSpacing; ++c) {
      out[(kSpacing - 1 - c) * stride + b][lane] = _pext_u64(s.word[b], kTeethMask << c);
    }
  }
}

/// The same for a signer's comb.
void signer_columns(const Scalar& h, unsigned lane, unsigned stride, HalfRow (*out)[kLanes]) {
  static_assert(kSignerComb.block_digits() == 32);
  constexpr std::uint64_t kMask = kTeethMask & 0xffffffff;
  for (unsigned b = 0; b < kSignerComb.blocks(); ++b) {
    const std::uint64_t block = h.word[b / 2] >> (b % 2 * 32);
    for (unsigned c = 0; c < kSpacing; ++c) {
      out[(kSpacing - 1 - c) * stride + b][lane] = _pext_u64(block, kMask << c);
    }
  }
}

/// From bits to addresses, for all lanes and @p columns times all blocks.
void find_all_rows(const CombShape& shape, const __m512i& tables, unsigned stride,
                   HalfRow (*rows)[kLanes]) {
  for (unsigned c = 0; c < kSpacing; ++c) {
    for (unsigned b = 0; b < shape.blocks(); ++b) {
      find_rows(shape, b, tables, rows[c * stride + b]);
    }
  }
}

__m512i base_tables() { return lanes_of(reinterpret_cast<std::uint64_t>(ed25519_base_rows())); }

/// Asks for eight rows: PREFETCHT0, or with @p kFar PREFETCHT1.
template <bool kFar>
HOPSEAL_INLINE void prefetch_rows(const HalfRow* half) {
  for (unsigned lane = 0; lane < kLanes; ++lane) {
    __builtin_prefetch(reinterpret_cast<const void*>(half[lane]), 0, kFar ? 2 : 3);
    __builtin_prefetch(reinterpret_cast<const void*>(half[lane] ^ 64U), 0, kFar ? 2 : 3);
  }
}

struct Group {
  const Ed25519Key* keys[kLanes];
  alignas(64) std::uint64_t h[4][kLanes];  ///< digits of h, word by word
  __mmask8 one_more;
  __mmask8 acceptable;  ///< S < L and the key is a point
};

/// All groups of a call, and the rows they add in their order, with some behind the last to
/// prefetch.
template <unsigned kRowsPerGroup>
struct Work {
  Group groups[kMaxGroups];
  alignas(64) HalfRow half[kMaxGroups * kRowsPerGroup + kPrefetchAhead][kLanes];
};
using KnownWork = Work<kKnownRows>;
using ColdWork = Work<kBaseRows>;

Group& begin_group(Group& group) {
  group.one_more = 0;
  group.acceptable = 0;
  return group;
}

LaneScalars begin_lane(const Ed25519Check& check, unsigned lane, Group& group) {
  const LaneScalars scalars = read_scalars(check);
  group.keys[lane] = check.key;
  for (unsigned i = 0; i < 4; ++i) group.h[i][lane] = scalars.h.word[i];
  const auto bit = static_cast<__mmask8>(1U << lane);
  if (scalars.one_more) group.one_more = static_cast<__mmask8>(group.one_more | bit);
  if (scalars.below_order && check.key->on_curve) {
    group.acceptable = static_cast<__mmask8>(group.acceptable | bit);
  }
  return scalars;
}

/// Lanes whose h had one added take one P away again.
ForAdding corrected(const ForAdding& p, const Group& group) {
  if (group.one_more == 0) return p;
  alignas(64) HalfRow half[kLanes];
  for (unsigned lane = 0; lane < kLanes; ++lane) {
    const bool one_more = (group.one_more >> lane & 1) != 0;
    const Ed25519Row* row = one_more ? &group.keys[lane]->negated : &kNeutralRow;
    half[lane] = reinterpret_cast<HalfRow>(row);
  }
  return for_adding(add(p, load_rows(half)));
}

/// The next rows, and a call for later ones.
HOPSEAL_INLINE Rows next_rows(const HalfRow (*&rows)[kLanes]) {
  prefetch_rows<true>(rows[kPrefetchAhead]);
  prefetch_rows<false>(rows[1]);
  return load_rows(*rows++);
}

ForDoubling sum_known(const Group& group, const HalfRow (*rows)[kLanes]) {
  ForAdding p = for_adding(next_rows(rows));
  unsigned i = 1;
  for (unsigned column = 0;; ++column) {
    for (; i % kColumnRows != kColumnRows - 1; ++i) p = for_adding(add(p, next_rows(rows)));
    if (column == kSpacing - 1) break;
    p = for_adding(twice(for_doubling(add(p, next_rows(rows)))));
    ++i;
  }
  return for_doubling(add(corrected(p, group), next_rows(rows)));
}

/// Half rows of column @p c of the combs in the keys: tooth j is bit c of word j.
HOPSEAL_INLINE void key_half_rows(const Group& group, unsigned c, HalfRow* out) {
  static_assert(kEd25519KeyTeeth == 4);
  const __m512i one = lanes_of(1);
  const __m128i shift = _mm_cvtsi32_si128(static_cast<int>(c));
  __m512i bit[4];
  for (unsigned j = 0; j < 4; ++j) {
    bit[j] = _mm512_and_si512(_mm512_srl_epi64(_mm512_load_si512(group.h[j]), shift), one);
  }
  const __m512i negative = _mm512_sub_epi64(bit[3], one);
  __m512i number = _mm512_or_si512(
      bit[0], _mm512_or_si512(_mm512_slli_epi64(bit[1], 1), _mm512_slli_epi64(bit[2], 2)));
  number = _mm512_and_si512(_mm512_xor_si512(number, negative), lanes_of(kEd25519KeyRows - 1));
  static_assert(sizeof(Ed25519Row) == 128 && offsetof(Ed25519Key, comb) == 0);
  const __m512i offset =
      _mm512_or_si512(_mm512_slli_epi64(number, 7), _mm512_and_si512(negative, lanes_of(64)));
  _mm512_store_si512(out, _mm512_add_epi64(_mm512_loadu_si512(group.keys), offset));
}

ForDoubling sum_cold(const Group& group, const HalfRow (*rows)[kLanes]) {
  alignas(64) HalfRow half[kLanes];
  key_half_rows(group, kKeyColumns - 1, half);
  ForDoubling p = for_doubling(load_rows(half));
  for (unsigned c = kKeyColumns - 1; c-- != kSpacing;) {
    key_half_rows(group, c, half);
    p = for_doubling(add(for_adding(twice(p)), load_rows(half)));
  }
  for (unsigned c = kSpacing; c-- != 0;) {
    key_half_rows(group, c, half);
    ForAdding q = for_adding(add(for_adding(twice(p)), load_rows(half)));
    for (unsigned b = 0; b + 1 < kBaseComb.blocks(); ++b) {
      q = for_adding(add(q, load_rows(*rows++)));
    }
    if (c == 0) q = corrected(q, group);
    p = for_doubling(add(q, load_rows(*rows++)));
  }
  return p;
}

/// Lanes whose point has the encoding that the signature holds as R.
__mmask8 encodings_equal(const ForDoubling& p, const Fe& z_inverse,
                         const Ed25519Check* const* lanes) {
  const Fe x = canonical(p.x * z_inverse);
  const Fe y = canonical(p.y * z_inverse);
  const __m512i word[4] = {
      _mm512_or_si512(y.v[0], _mm512_slli_epi64(y.v[1], 51)),
      _mm512_or_si512(_mm512_srli_epi64(y.v[1], 13), _mm512_slli_epi64(y.v[2], 38)),
      _mm512_or_si512(_mm512_srli_epi64(y.v[2], 26), _mm512_slli_epi64(y.v[3], 25)),
      _mm512_or_si512(_mm512_or_si512(_mm512_srli_epi64(y.v[3], 39), _mm512_slli_epi64(y.v[4], 12)),
                      _mm512_slli_epi64(x.v[0], 63))};
  alignas(64) std::uint64_t r[4][kLanes];
  for (unsigned lane = 0; lane < kLanes; ++lane) {
    const Scalar bytes = load_scalar(lanes[lane]->signature);
    for (unsigned i = 0; i < 4; ++i) r[i][lane] = bytes.word[i];
  }
  __mmask8 same = 0xff;
  for (unsigned i = 0; i < 4; ++i) {
    same = _mm512_mask_cmpeq_epi64_mask(same, word[i], _mm512_load_si512(r[i]));
  }
  return same;
}

const Ed25519Check& check_of(const Ed25519Check* checks, std::uint32_t count, unsigned group,
                             unsigned lane) {
  const unsigned i = group * kLanes + lane;
  return checks[i < count ? i : count - 1];
}

/// Shares one inversion among all groups (Montgomery's trick) and compares.
void compare_all(const ForDoubling* points, const Group* group_of, const Ed25519Check* checks,
                 std::uint32_t count, bool* valid) {
  const unsigned groups = (count + kLanes - 1) / kLanes;
  Fe before[kMaxGroups];  // product of the z of earlier groups
  Fe product = points[0].z;
  for (unsigned g = 1; g < groups; ++g) {
    before[g] = product;
    product = product * points[g].z;
  }
  Fe inverted = inverse(product);
  for (unsigned g = groups; g-- != 0;) {
    const Fe z_inverse = g == 0 ? inverted : inverted * before[g];
    inverted = inverted * points[g].z;
    const Ed25519Check* lanes[kLanes];
    for (unsigned lane = 0; lane < kLanes; ++lane) lanes[lane] = &check_of(checks, count, g, lane);
    const unsigned same = encodings_equal(points[g], z_inverse, lanes) & group_of[g].acceptable;
    for (unsigned lane = 0; lane < kLanes && g * kLanes + lane < count; ++lane) {
      valid[g * kLanes + lane] = (same >> lane & 1U) != 0;
    }
  }
}

void prepare_known(const Ed25519Check* checks, std::uint32_t count, unsigned g, KnownWork& work) {
  HalfRow(*const half)[kLanes] = work.half + g * kKnownRows;
  alignas(64) std::uint64_t tables[kLanes];
  Group& group = begin_group(work.groups[g]);
  for (unsigned lane = 0; lane < kLanes; ++lane) {
    const Ed25519Check& check = check_of(checks, count, g, lane);
    const LaneScalars scalars = begin_lane(check, lane, group);
    tables[lane] = aligned_rows(check.table);
    signer_columns(scalars.h, lane, kColumnRows, half);
    base_columns(scalars.s, lane, kColumnRows, half + kSignerComb.blocks());
  }
  find_all_rows(kSignerComb, _mm512_load_si512(tables), kColumnRows, half);
  find_all_rows(kBaseComb, base_tables(), kColumnRows, half + kSignerComb.blocks());
}

void prepare_cold(const Ed25519Check* checks, std::uint32_t count, unsigned g, ColdWork& work) {
  HalfRow(*const half)[kLanes] = work.half + g * kBaseRows;
  Group& group = begin_group(work.groups[g]);
  for (unsigned lane = 0; lane < kLanes; ++lane) {
    const Ed25519Check& check = check_of(checks, count, g, lane);
    const LaneScalars scalars = begin_lane(check, lane, group);
    base_columns(scalars.s, lane, kBaseComb.blocks(), half);
    for (const Ed25519Row& row : check.key->comb) {
      __builtin_prefetch(row.y_plus_x, 0, 2);
      __builtin_prefetch(row.y_minus_x, 0, 2);
    }
  }
  find_all_rows(kBaseComb, base_tables(), kBaseComb.blocks(), half);
  for (unsigned i = 0; i < kBaseRows; ++i) prefetch_rows<true>(half[i]);
}

}  // namespace

void ed25519_verify_known(const Ed25519Check* checks, std::uint32_t count, bool* valid) noexcept {
  assert(count >= 1 && count <= kLanes * kMaxGroups && ed25519_base_rows() != nullptr);
  const unsigned groups = (count + kLanes - 1) / kLanes;
  KnownWork work;
  for (unsigned g = 0; g < groups; ++g) prepare_known(checks, count, g, work);
  for (unsigned i = 0; i < kPrefetchAhead; ++i) {
    prefetch_rows<true>(work.half[i]);
    _mm512_store_si512(work.half[groups * kKnownRows + i], base_tables());
  }
  ForDoubling points[kMaxGroups];
  for (unsigned g = 0; g < groups; ++g) {
    points[g] = sum_known(work.groups[g], work.half + g * kKnownRows);
  }
  compare_all(points, work.groups, checks, count, valid);
}

void ed25519_verify_cold(const Ed25519Check* checks, std::uint32_t count, bool* valid) noexcept {
  assert(count >= 1 && count <= kLanes * kMaxGroups && ed25519_base_rows() != nullptr);
  const unsigned groups = (count + kLanes - 1) / kLanes;
  ColdWork work;
  for (unsigned g = 0; g < groups; ++g) prepare_cold(checks, count, g, work);
  ForDoubling points[kMaxGroups];
  for (unsigned g = 0; g < groups; ++g) {
    points[g] = sum_cold(work.groups[g], work.half + g * kBaseRows);
  }
  compare_all(points, work.groups, checks, count, valid);
}

}  // namespace crypto::avx512ifma
