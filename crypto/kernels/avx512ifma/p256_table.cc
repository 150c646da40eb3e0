// SPDX-License-Identifier: Apache-2.0
// Building tables: of one signer in slices, of the base point at start.
#include <stdlib.h>
#include <sys/mman.h>

#include "crypto/kernels/avx512ifma/p256.h"
#include "crypto/kernels/avx512ifma/p256_base_table.h"
#include "crypto/kernels/avx512ifma/p256_multiples.h"

namespace crypto::avx512ifma {
namespace {

const std::uint64_t* base_table = nullptr;

/// A table: windows one behind the other, in each the rows of 1, 3, 5, ... times 2^(width * window)
/// times the point. The lowest rows are made first, one from the other by doublings, in all lanes
/// alike; then the other rows, eight windows in eight lanes.
template <std::uint32_t kWidth>
struct Layout {
  static constexpr std::uint32_t kWindows = windows_of(kWidth);
  static constexpr std::uint32_t kRows = rows_per_window(kWidth);
  static constexpr std::uint64_t kWindowBytes = std::uint64_t{kRows} * kRowBytes;
  static constexpr std::uint64_t kBytes = kWindows * kWindowBytes;
};

template <std::uint32_t kWidth>
RowPick lowest_rows(std::uint64_t table, std::uint32_t window, std::uint32_t lane_step) {
  RowPick pick;
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    const std::uint32_t at = window + lane * lane_step;
    const std::uint32_t last = Layout<kWidth>::kWindows - 1;
    pick.address[lane] = table + (at < last ? at : last) * Layout<kWidth>::kWindowBytes;
  }
  return pick;
}

/// Window 0's lowest row: the point itself.
template <std::uint32_t kWidth>
void store_point(std::uint64_t table, const P256Key& key) {
  const Fe x = mul(Fe{all_lanes(key.x)}, fe(kR2));
  const Fe y = mul(Fe{all_lanes(key.y)}, fe(kR2));
  store_rows(lowest_rows<kWidth>(table, 0, 0), x, y);
}

/// Lowest rows of windows [from, to), from that of window from - 1.
template <std::uint32_t kWidth>
void store_lowest_rows(std::uint64_t table, std::uint32_t from, std::uint32_t to) {
  assert(from < to && to - from <= kBlock);
  const RowPick start = lowest_rows<kWidth>(table, from - 1, 0);
  Jacobian at = {load_x(start), load_y(start), fe_one()};
  Jacobian points[1][kBlock];
  for (std::uint32_t window = from; window < to; ++window) {
    for (std::uint32_t i = 0; i < kWidth; ++i) at = doubled(at);
    points[0][window - from] = at;
  }
  const RowPick first = lowest_rows<kWidth>(table, from, 0);
  store_affine(points, to - from, 1, &first, Layout<kWidth>::kWindowBytes);
}

/// The other rows of windows first ... first + 7, as far as there are so many.
template <std::uint32_t kWidth>
void store_windows(std::uint64_t table, std::uint32_t first) {
  const RowPick rows = lowest_rows<kWidth>(table, first, 1);
  const Affine base = {load_x(rows), load_y(rows)};
  store_odd_multiples(&base, Layout<kWidth>::kRows, 1, &rows);
}

using KeyLayout = Layout<kP256KeyWidth>;
using BaseLayout = Layout<kP256BaseWidth>;

constexpr std::uint32_t kWalkSlices = 4;
constexpr std::uint32_t kWalkWindows = (KeyLayout::kWindows - 1 + kWalkSlices - 1) / kWalkSlices;
static_assert(KeyLayout::kBytes == kP256TableBytes && kWalkWindows <= kBlock);
static_assert(kP256TableSlices == kWalkSlices + (KeyLayout::kWindows + kLanes - 1) / kLanes);

// SEC 2 version 2.0, section 2.4.2.
constexpr P256Key kBasePoint = {
    {0xf4a13945d898c296, 0x77037d812deb33a0, 0xf8bce6e563a440f2, 0x6b17d1f2e12c4247},
    {0xcbb6406837bf51f5, 0x2bce33576b315ece, 0x8ee7eb4a7c0f9e16, 0x4fe342e2fe1a7f9b}};

}  // namespace

const std::uint64_t* p256_base_table() noexcept { return base_table; }

void p256_build_slice(const P256Key& key, std::byte* table, std::uint32_t slice) noexcept {
  assert(slice < kP256TableSlices);
  const auto at = reinterpret_cast<std::uint64_t>(table);
  if (slice >= kWalkSlices) {
    store_windows<kP256KeyWidth>(at, (slice - kWalkSlices) * kLanes);
    return;
  }
  if (slice == 0) store_point<kP256KeyWidth>(at, key);
  const std::uint32_t from = 1 + slice * kWalkWindows;
  const std::uint32_t to = from + kWalkWindows;
  store_lowest_rows<kP256KeyWidth>(at, from, to < KeyLayout::kWindows ? to : KeyLayout::kWindows);
}

bool p256_prepare() noexcept {
  if (base_table != nullptr) return true;
  constexpr std::size_t kHugePage = std::size_t{2} << 20U;
  constexpr std::size_t kBytes = (BaseLayout::kBytes + kHugePage - 1) / kHugePage * kHugePage;
  void* memory = aligned_alloc(kHugePage, kBytes);
  if (memory == nullptr) return false;
  // Rows are picked at random: fewer pages, fewer TLB misses. Without huge pages it works as well.
  madvise(memory, kBytes, MADV_HUGEPAGE);
  const auto table = reinterpret_cast<std::uint64_t>(memory);
  store_point<kP256BaseWidth>(table, kBasePoint);
  store_lowest_rows<kP256BaseWidth>(table, 1, BaseLayout::kWindows);
  for (std::uint32_t window = 0; window < BaseLayout::kWindows; window += kLanes) {
    store_windows<kP256BaseWidth>(table, window);
  }
  base_table = static_cast<const std::uint64_t*>(memory);
  return true;
}

}  // namespace crypto::avx512ifma
