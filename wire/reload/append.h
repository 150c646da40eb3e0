// SPDX-License-Identifier: Apache-2.0
// Fields at the end of a growing buffer, in wire order: what the builders of messages and bodies
// are made of. Allocates; for the control plane and for tests.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string_view>

#include "wire/byte_order.h"
#include "wire/reload/bytes.h"
#include "wire/reload/ids.h"

namespace wire::reload {

/// Not inlined: where GCC 12 at -O3 sees the sizes, it sees an overflow that is not there.
[[gnu::noinline]] inline void append(Bytes& to, std::span<const std::byte> bytes) {
  const std::size_t size = to.size();
  to.resize(size + bytes.size());
  if (!bytes.empty()) std::memcpy(to.data() + size, bytes.data(), bytes.size());
}

inline void append_u8(Bytes& to, std::uint8_t value) {
  to.push_back(static_cast<std::byte>(value));
}

inline void append_u16(Bytes& to, std::uint16_t value) {
  std::array<std::byte, 2> encoded;
  store_be16(encoded.data(), value);
  append(to, encoded);
}

inline void append_u32(Bytes& to, std::uint32_t value) {
  std::array<std::byte, 4> encoded;
  store_be32(encoded.data(), value);
  append(to, encoded);
}

inline void append_u64(Bytes& to, std::uint64_t value) {
  std::array<std::byte, 8> encoded;
  store_be64(encoded.data(), value);
  append(to, encoded);
}

/// Throws std::length_error when @p size is above @p most, which is what its length field can say.
inline void require_length(std::size_t size, std::size_t most) {
  if (size > most) {
    throw std::length_error("RELOAD message: a part is longer than its length field can say");
  }
}

/// A size as the length field of its width; throws when it does not fit.
template <class Integer>
[[nodiscard]] Integer length_of(std::size_t size) {
  require_length(size, std::size_t{static_cast<Integer>(~Integer{0})});
  return static_cast<Integer>(size);
}

/// opaque x<0..2^8-1>, <0..2^16-1>, <0..2^24-1>, <0..2^32-1> (A-04). Longer ones throw.
inline void append_vector8(Bytes& to, std::span<const std::byte> bytes) {
  append_u8(to, length_of<std::uint8_t>(bytes.size()));
  append(to, bytes);
}

inline void append_vector8(Bytes& to, std::string_view text) {
  append_vector8(to, std::as_bytes(std::span(text)));
}

inline void append_vector16(Bytes& to, std::span<const std::byte> bytes) {
  append_u16(to, length_of<std::uint16_t>(bytes.size()));
  append(to, bytes);
}

inline void append_vector24(Bytes& to, std::span<const std::byte> bytes) {
  require_length(bytes.size(), 0xffffff);
  std::array<std::byte, 3> length;
  store_be24(length.data(), static_cast<std::uint32_t>(bytes.size()));
  append(to, length);
  append(to, bytes);
}

inline void append_vector32(Bytes& to, std::span<const std::byte> bytes) {
  append_u32(to, length_of<std::uint32_t>(bytes.size()));
  append(to, bytes);
}

/// Throws std::invalid_argument for a Node-ID that names no single node.
inline void append_node_id(Bytes& to, const NodeId& id) {
  if (id.is_invalid() || id.is_wildcard()) {
    throw std::invalid_argument("RELOAD message: zero and the wildcard name no single node");
  }
  append(to, id.bytes);
}

/// NodeId<0..2^16-1>. Throws std::length_error for more than @p most.
inline void append_node_ids(Bytes& to, std::span<const NodeId> ids, std::size_t most) {
  if (ids.size() > most) throw std::length_error("RELOAD message: a list has too many Node-IDs");
  append_u16(to, length_of<std::uint16_t>(ids.size() * kNodeIdBytes));
  for (const NodeId& id : ids) append_node_id(to, id);
}

}  // namespace wire::reload
