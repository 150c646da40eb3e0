// SPDX-License-Identifier: Apache-2.0
// Plain arithmetic modulo p = 2^255 - 19 in five limbs of 51 bits, and what decoding one key needs
// of the curve. Runs once for each key, so it is written for reading.

#include "crypto/kernels/ed25519_key.h"

#include <array>
#include <cstring>

namespace crypto {
namespace {

__extension__ using Wide = unsigned __int128;
constexpr std::uint64_t kMask51 = (std::uint64_t{1} << 51U) - 1;

/// Limbs below 2^52 unless a function says otherwise.
using Field = std::array<std::uint64_t, 5>;

constexpr Field kZero = {0, 0, 0, 0, 0};
constexpr Field kOne = {1, 0, 0, 0, 0};
constexpr Field kD = {0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb,
                      0x52036cee2b6ff};
constexpr Field kSqrtMinusOne = {0x61b274a0ea0b0, 0xd5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e,
                                 0x2b8324804fc1d};

/// Limbs below 2^63 to limbs below 2^51 + 2^17.
Field carried(const Field& a) {
  return {(a[0] & kMask51) + 19 * (a[4] >> 51U), (a[1] & kMask51) + (a[0] >> 51U),
          (a[2] & kMask51) + (a[1] >> 51U), (a[3] & kMask51) + (a[2] >> 51U),
          (a[4] & kMask51) + (a[3] >> 51U)};
}

Field operator+(const Field& a, const Field& b) {
  return carried({a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4]});
}

Field operator-(const Field& a, const Field& b) {
  // 4p has limbs above 2^52, so no difference is negative.
  constexpr std::uint64_t k4P = 4 * kMask51;
  return carried({a[0] + (k4P - 72) - b[0], a[1] + k4P - b[1], a[2] + k4P - b[2], a[3] + k4P - b[3],
                  a[4] + k4P - b[4]});
}

Field operator*(const Field& a, const Field& b) {
  Wide column[5] = {};
  for (unsigned i = 0; i < 5; ++i) {
    for (unsigned j = 0; j < 5; ++j) {
      // 2^255 = 19 modulo p. Each column stays below 2^52 * 19 * 2^52 * 5 < 2^111.
      const std::uint64_t wrap = i + j < 5 ? 1 : 19;
      column[(i + j) % 5] += static_cast<Wide>(a[i]) * (b[j] * wrap);
    }
  }
  Field limbs;
  Wide carry = 0;
  for (unsigned i = 0; i < 5; ++i) {
    carry += column[i];
    limbs[i] = static_cast<std::uint64_t>(carry) & kMask51;
    carry >>= 51U;
  }
  carry = carry * 19 + limbs[0];  // below 2^66
  limbs[0] = static_cast<std::uint64_t>(carry) & kMask51;
  limbs[1] += static_cast<std::uint64_t>(carry >> 51U);
  return limbs;
}

Field squared(Field a, unsigned times) {
  for (; times != 0; --times) a = a * a;
  return a;
}

/// a^((p - 5) / 8) = a^(2^252 - 3).
Field root_power(const Field& a) {
  const Field a2 = a * a;
  const Field a9 = squared(a2, 2) * a;
  const Field a11 = a9 * a2;
  const Field ones5 = squared(a11, 1) * a9;  // a^(2^5 - 1)
  const Field ones10 = squared(ones5, 5) * ones5;
  const Field ones20 = squared(ones10, 10) * ones10;
  const Field ones40 = squared(ones20, 20) * ones20;
  const Field ones50 = squared(ones40, 10) * ones10;
  const Field ones100 = squared(ones50, 50) * ones50;
  const Field ones200 = squared(ones100, 100) * ones100;
  const Field ones250 = squared(ones200, 50) * ones50;
  return squared(ones250, 2) * a;
}

/// 1 / a, by a^(p - 2): p - 2 = 8 (p - 5) / 8 + 3.
Field inverse(const Field& a) { return squared(root_power(a), 3) * (a * a * a); }

/// The unique limbs of a number below p.
Field canonical(const Field& a) {
  Field limbs = carried(carried(a));  // below 2^255 + 2^52
  // Adding 19 reaches bit 255 exactly when the number is at least p; then p is taken away by adding
  // 19 and dropping that bit.
  std::uint64_t carry = 19;
  for (unsigned i = 0; i < 5; ++i) carry = (limbs[i] + carry) >> 51U;
  carry *= 19;
  for (unsigned i = 0; i < 5; ++i) {
    carry += limbs[i];
    limbs[i] = carry & kMask51;
    carry >>= 51U;
  }
  return limbs;
}

bool equal(const Field& a, const Field& b) { return canonical(a) == canonical(b); }

/// Extended coordinates (X : Y : Z : T), x = X/Z, y = Y/Z, xy = T/Z (Hisil et al. 2008).
struct Point {
  Field x, y, z, t;
};

Point from_affine(const Field& x, const Field& y) { return {x, y, kOne, x * y}; }

Point sum(const Point& p, const Point& q) {
  const Field a = (p.y - p.x) * (q.y - q.x);
  const Field b = (p.y + p.x) * (q.y + q.x);
  const Field c = p.t * q.t * (kD + kD);
  const Field d = p.z * (q.z + q.z);
  const Field e = b - a;
  const Field f = d - c;
  const Field g = d + c;
  const Field h = b + a;
  return {e * f, g * h, f * g, e * h};
}

Point doubled(const Point& p) {
  const Field a = p.x * p.x;
  const Field b = p.y * p.y;
  const Field c = p.z * (p.z + p.z);
  const Field h = a + b;
  const Field e = h - (p.x + p.y) * (p.x + p.y);
  const Field g = a - b;
  const Field f = c + g;
  return {e * f, g * h, f * g, e * h};
}

Point negated(const Point& p) { return {kZero - p.x, p.y, p.z, kZero - p.t}; }

bool is_neutral(const Point& p) { return equal(p.x, kZero) && equal(p.y, p.z); }

/// [L]P, L = 2^252 + 0x14def9dea2f79cd65812631a5cf5d3ed the order of the base point.
Point times_order(const Point& p) {
  constexpr std::uint64_t kLow[2] = {0x5812631a5cf5d3ed, 0x14def9dea2f79cd6};
  Point result = p;
  for (unsigned bit = 252; bit-- != 0;) {
    result = doubled(result);
    if (bit < 128 && (kLow[bit / 64] >> (bit % 64) & 1) != 0) result = sum(result, p);
  }
  return result;
}

Ed25519Row row_of(const Field& x, const Field& y) {
  const Field plus = canonical(y + x);
  const Field minus = canonical(y - x);
  const Field t = canonical(x * y * (kD + kD));
  Ed25519Row row = {};
  std::memcpy(row.y_plus_x, plus.data(), sizeof row.y_plus_x);
  std::memcpy(row.y_minus_x, minus.data(), sizeof row.y_minus_x);
  std::memcpy(row.t_low, t.data(), sizeof row.t_low);
  std::memcpy(row.t_high, t.data() + 3, sizeof row.t_high);
  return row;
}

void fill_comb(const Point& p, Ed25519Key& key) {
  std::array<Point, kEd25519KeyTeeth> teeth;
  teeth[0] = p;
  for (unsigned j = 1; j < kEd25519KeyTeeth; ++j) {
    teeth[j] = teeth[j - 1];
    for (unsigned bit = 0; bit < 64; ++bit) teeth[j] = doubled(teeth[j]);
  }
  std::array<Point, kEd25519KeyRows> rows;
  std::array<Field, kEd25519KeyRows> z_before;  // product of all z of earlier rows
  Field product = kOne;
  for (unsigned m = 0; m < kEd25519KeyRows; ++m) {
    rows[m] = teeth[kEd25519KeyTeeth - 1];
    for (unsigned j = 0; j + 1 < kEd25519KeyTeeth; ++j) {
      rows[m] = sum(rows[m], (m >> j & 1U) != 0 ? teeth[j] : negated(teeth[j]));
    }
    z_before[m] = product;
    product = product * rows[m].z;
  }
  // The addition is complete, so no z is 0.
  Field inverse_product = inverse(product);
  for (unsigned m = kEd25519KeyRows; m-- != 0;) {
    const Field z_inverse = inverse_product * z_before[m];
    inverse_product = inverse_product * rows[m].z;
    key.comb[m] = row_of(rows[m].x * z_inverse, rows[m].y * z_inverse);
  }
}

/// x of the point with this y, of either sign, or false. RFC 8032 section 5.1.3.
bool recover_x(const Field& y, Field& x) {
  const Field y2 = y * y;
  const Field u = y2 - kOne;
  const Field v = kD * y2 + kOne;
  const Field v3 = v * v * v;
  x = u * v3 * root_power(u * v3 * v3 * v);
  const Field check = v * x * x;
  if (equal(check, u)) return true;
  x = x * kSqrtMinusOne;
  return equal(check, kZero - u);
}

}  // namespace

bool decode_ed25519(const std::byte* encoded, Ed25519Key& key) noexcept {
  std::uint64_t words[4];
  std::memcpy(words, encoded, sizeof words);  // little-endian, as are all CPUs with these kernels
  const bool sign = words[3] >> 63U != 0;
  Field y = {words[0] & kMask51, (words[0] >> 51U | words[1] << 13U) & kMask51,
             (words[1] >> 38U | words[2] << 26U) & kMask51,
             (words[2] >> 25U | words[3] << 39U) & kMask51, words[3] >> 12U & kMask51};
  Field x = kZero;
  key.on_curve = recover_x(y, x);
  if (!key.on_curve) {
    x = kZero;
    y = kOne;
  } else if (((canonical(x)[0] & 1U) != 0) == sign) {
    x = kZero - x;  // A has the wanted sign; we want -A
  }
  x = canonical(x);
  y = canonical(y);
  std::memcpy(key.x, x.data(), sizeof key.x);
  std::memcpy(key.y, y.data(), sizeof key.y);
  const Point p = from_affine(x, y);
  key.prime_order = is_neutral(times_order(p));
  key.negated = row_of(kZero - x, y);
  fill_comb(p, key);
  return key.on_curve;
}

}  // namespace crypto
