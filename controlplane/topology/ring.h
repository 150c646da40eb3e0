// SPDX-License-Identifier: Apache-2.0
// Arithmetic on the ring of Node-IDs, modulo 2^128 (RFC 6940 section 10.1; requirement I-16). The
// interval test is wire::reload::in_interval.

#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "wire/byte_order.h"
#include "wire/reload/ids.h"
#include "wire/reload/ring_point.h"

namespace controlplane::topology::ring {

/// A point of the ring, or a distance along it.
using Point = wire::reload::RingPoint;

inline constexpr unsigned kBits = 128;

[[nodiscard]] inline wire::reload::NodeId node_id(Point point) noexcept {
  wire::reload::NodeId id;
  wire::store_be64(id.bytes.data(), static_cast<std::uint64_t>(point >> 64U));
  wire::store_be64(id.bytes.data() + 8, static_cast<std::uint64_t>(point));
  return id;
}

/// Steps upwards around the ring from @p from to @p to; 0 for the same point.
[[nodiscard]] inline Point distance(const wire::reload::NodeId& from,
                                    const wire::reload::NodeId& to) noexcept {
  return wire::reload::ring_point(to) - wire::reload::ring_point(from);
}

[[nodiscard]] inline wire::reload::NodeId add(const wire::reload::NodeId& id,
                                              Point steps) noexcept {
  return node_id(wire::reload::ring_point(id) + steps);
}

/// The point behind @p id, which its successor is responsible for.
[[nodiscard]] inline wire::reload::NodeId next(const wire::reload::NodeId& id) noexcept {
  return add(id, 1);
}

/// Where the range of the i-th finger begins: 2^(128-i) steps ahead (I-34, I-55). The range is as
/// long as that.
/// @pre 1 <= i <= 128
[[nodiscard]] inline Point finger_distance(unsigned i) noexcept {
  return static_cast<Point>(1) << (kBits - i);
}

/// The finger in whose range a point @p steps ahead lies.
/// @pre steps != 0
[[nodiscard]] inline unsigned finger_of(Point steps) noexcept {
  const auto high = static_cast<std::uint64_t>(steps >> 64U);
  const auto low = static_cast<std::uint64_t>(steps);
  const int zeros = high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(low);
  return static_cast<unsigned>(zeros) + 1;
}

}  // namespace controlplane::topology::ring
