// SPDX-License-Identifier: Apache-2.0
// Destination entries, as they stand in Via Lists and Destination Lists
// (RFC 6940 section 6.3.2.2; requirements ).
//
//   compact   1xxxxxxx xxxxxxxx                    2 bytes, an opaque ID
//   node      01 10 <16 bytes>                    18 bytes
//   resource  02 <n+1> <n> <n bytes>               3+n bytes
//   opaque    03 <n+1> <n> <n bytes>               3+n bytes

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/reload/ids.h"
#include "wire/reload/parse_error.h"

namespace wire::reload {

enum class DestinationType : std::uint8_t { kInvalid = 0, kNode = 1, kResource = 2, kOpaque = 3 };

inline constexpr std::size_t kNodeEntryBytes = 2 + kNodeIdBytes;
inline constexpr std::size_t kCompactEntryBytes = 2;

/// One entry, borrowed from the list it was read from.
struct Destination {
  DestinationType type = DestinationType::kInvalid;
  std::uint8_t wire_type = 0;        ///< the type byte as it stood, also for unknown types
  bool compact = false;              ///< the two-byte form; value is those two bytes (A-28)
  std::span<const std::byte> value;  ///< Node-ID, Resource-ID without its length, or opaque ID
  std::span<const std::byte> entry;  ///< the whole entry as encoded

  /// @pre type == kNode
  [[nodiscard]] NodeId node_id() const noexcept {
    return NodeId::from(value.first<kNodeIdBytes>());
  }
};

/// Reads the entry at the front of @p list. An unknown type gives type kInvalid with wire_type set
/// and no fault: the caller decides. A Resource-ID or opaque ID may have any length from 0
/// to 254. Faults: kTruncated, kBadDestination (a wrong inner length, or Node-ID zero, A-08).
[[nodiscard]] ParseError read_destination(std::span<const std::byte> list,
                                          Destination& out) noexcept;

/// The commonest Destination List: one Node-ID, not all zeros, which is in @p id then.
[[nodiscard]] inline bool read_only_node(std::span<const std::byte> list, NodeId& id) noexcept {
  if (list.size() != kNodeEntryBytes || load_be16(list.data()) != 0x0110) return false;
  id = NodeId::from(list.subspan<2, kNodeIdBytes>());
  return !id.is_invalid();
}

enum class ListKind : std::uint8_t { kVia, kDestination };

/// Walks a whole list: every entry well formed and of a known type, a resource entry only last in a
/// Destination List and never in a Via List. @p base is added to the reported offset.
[[nodiscard]] ParseError check_destination_list(std::span<const std::byte> list, ListKind kind,
                                                std::uint32_t base = 0) noexcept;

/// True when two entries of the list name the same node or resource (B-37). Opaque IDs are not
/// compared: each has its meaning at another node, and two nodes may pick the same one. Quadratic
/// in the entries; looks at no more than the first 64 and calls a longer list duplicated, since no
/// path is that long.
[[nodiscard]] bool has_duplicate_entries(std::span<const std::byte> list) noexcept;

/// Reverses the entries of @p list into @p out, which must be as long (B-23). The list must have
/// passed check_destination_list.
void reverse_list(std::span<const std::byte> list, std::span<std::byte> out) noexcept;

/// Writers. Each returns the bytes written, or 0 when @p to is too small or the value too long.
[[nodiscard]] std::size_t write_node_entry(const NodeId& id, std::span<std::byte> to) noexcept;
[[nodiscard]] std::size_t write_resource_entry(std::span<const std::byte> resource_id,
                                               std::span<std::byte> to) noexcept;
[[nodiscard]] std::size_t write_opaque_entry(std::span<const std::byte> opaque_id,
                                             std::span<std::byte> to) noexcept;

/// The compact opaque ID that names a Connection Table slot (B-29, decision 0006):
/// top bit set, 3-bit generation, 12-bit slot.
struct CompactId {
  std::uint16_t slot = 0;       ///< 0..4095
  std::uint8_t generation = 0;  ///< 0..7

  [[nodiscard]] constexpr std::uint16_t encode() const noexcept {
    return static_cast<std::uint16_t>(0x8000U | (generation & 7U) << 12U | (slot & 0xfffU));
  }
  /// @pre the top bit of @p word is set
  [[nodiscard]] static constexpr CompactId decode(std::uint16_t word) noexcept {
    return {static_cast<std::uint16_t>(word & 0xfffU), static_cast<std::uint8_t>(word >> 12U & 7U)};
  }
};

}  // namespace wire::reload
