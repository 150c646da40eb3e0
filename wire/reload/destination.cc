// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/destination.h"

#include <array>
#include <cstring>

#include "wire/cursor.h"

namespace wire::reload {

namespace {

constexpr std::size_t kTypeAt = 0;
constexpr std::size_t kLengthAt = 1;
constexpr std::size_t kValueAt = 2;

/// Resource and opaque entries keep a second length inside the first.
constexpr std::size_t kInnerLengthBytes = 1;

constexpr ParseError fault_at(ParseFault fault, std::size_t offset) noexcept {
  return {fault, static_cast<std::uint32_t>(offset)};
}

std::size_t write_counted_entry(DestinationType type, std::span<const std::byte> value,
                                std::span<std::byte> to) noexcept {
  if (value.size() > kMaxResourceIdBytes) return 0;
  WriteCursor out(to);
  out.u8(static_cast<std::uint8_t>(type));
  out.u8(static_cast<std::uint8_t>(value.size() + kInnerLengthBytes));
  out.u8(static_cast<std::uint8_t>(value.size()));
  out.bytes(value);
  return out.written();
}

}  // namespace

ParseError read_destination(std::span<const std::byte> list, Destination& out) noexcept {
  // The shortest entry of all has two bytes.
  if (list.size() < kCompactEntryBytes) return fault_at(ParseFault::kTruncated, list.size());
  out.wire_type = load_u8(list.data() + kTypeAt);
  if ((out.wire_type & 0x80U) != 0) {
    // Equivalent to an opaque entry that holds these same two bytes.
    out.type = DestinationType::kOpaque;
    out.wire_type = static_cast<std::uint8_t>(DestinationType::kOpaque);
    out.compact = true;
    out.entry = list.first(kCompactEntryBytes);
    out.value = out.entry;
    return {};
  }

  const std::size_t length = load_u8(list.data() + kLengthAt);
  if (list.size() - kValueAt < length) return fault_at(ParseFault::kTruncated, kLengthAt);
  out.compact = false;
  out.entry = list.first(kValueAt + length);
  out.value = out.entry.subspan(kValueAt);
  switch (out.wire_type) {
    case static_cast<std::uint8_t>(DestinationType::kNode):
      if (length != kNodeIdBytes) return fault_at(ParseFault::kBadDestination, kLengthAt);
      out.type = DestinationType::kNode;
      // All zeros is never sent, and inside this node it means "no Node-ID".
      if (out.node_id().is_invalid()) return fault_at(ParseFault::kBadDestination, kValueAt);
      return {};
    case static_cast<std::uint8_t>(DestinationType::kResource):
    case static_cast<std::uint8_t>(DestinationType::kOpaque):
      if (length < kInnerLengthBytes) return fault_at(ParseFault::kBadDestination, kLengthAt);
      if (load_u8(out.value.data()) != length - kInnerLengthBytes) {
        return fault_at(ParseFault::kBadDestination, kValueAt);
      }
      out.type = static_cast<DestinationType>(out.wire_type);
      out.value = out.value.subspan(kInnerLengthBytes);
      return {};
    default:
      out.type = DestinationType::kInvalid;
      return {};
  }
}

ParseError check_destination_list(std::span<const std::byte> list, ListKind kind,
                                  std::uint32_t base) noexcept {
  std::size_t at = 0;
  while (at < list.size()) {
    Destination entry;
    const ParseError error = read_destination(list.subspan(at), entry);
    if (!error.ok()) return fault_at(error.fault, base + at + error.offset);
    const bool is_last = at + entry.entry.size() == list.size();
    if (entry.type == DestinationType::kInvalid) {
      return fault_at(ParseFault::kUnknownDestination, base + at);
    }
    if (entry.type == DestinationType::kResource && (kind == ListKind::kVia || !is_last)) {
      return fault_at(ParseFault::kMisplacedResource, base + at);
    }
    at += entry.entry.size();
  }
  return {};
}

bool has_duplicate_entries(std::span<const std::byte> list) noexcept {
  struct Seen {
    const std::byte* value;
    std::size_t size;
    std::uint8_t type;
  };
  std::array<Seen, 64> seen;  // not cleared: only the first `count` are read
  std::size_t count = 0;
  while (!list.empty()) {
    Destination entry;
    if (!read_destination(list, entry).ok()) return false;
    if (count == seen.size()) return true;
    // An opaque ID means something only to the node before it, so two equal ones are no loop: in
    // the answer to a request that crossed two nodes by their first link, both say slot 0.
    const bool is_opaque = entry.type == DestinationType::kOpaque;
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_opaque && seen[i].type == entry.wire_type && seen[i].size == entry.value.size() &&
          (entry.value.empty() ||
           std::memcmp(seen[i].value, entry.value.data(), entry.value.size()) == 0)) {
        return true;
      }
    }
    seen[count++] = {entry.value.data(), entry.value.size(), entry.wire_type};
    list = list.subspan(entry.entry.size());
  }
  return false;
}

void reverse_list(std::span<const std::byte> list, std::span<std::byte> out) noexcept {
  std::size_t end = list.size();
  while (!list.empty()) {
    Destination entry;
    if (!read_destination(list, entry).ok()) return;
    end -= entry.entry.size();
    std::memcpy(out.data() + end, entry.entry.data(), entry.entry.size());
    list = list.subspan(entry.entry.size());
  }
}

std::size_t write_node_entry(const NodeId& id, std::span<std::byte> to) noexcept {
  WriteCursor out(to);
  out.u8(static_cast<std::uint8_t>(DestinationType::kNode));
  out.u8(kNodeIdBytes);
  out.bytes(id.bytes);
  return out.written();
}

std::size_t write_resource_entry(std::span<const std::byte> resource_id,
                                 std::span<std::byte> to) noexcept {
  return write_counted_entry(DestinationType::kResource, resource_id, to);
}

std::size_t write_opaque_entry(std::span<const std::byte> opaque_id,
                               std::span<std::byte> to) noexcept {
  return write_counted_entry(DestinationType::kOpaque, opaque_id, to);
}

}  // namespace wire::reload
