// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/body_reader.h"

namespace wire::reload {

std::string_view BodyReader::text8() noexcept {
  const std::span<const std::byte> text = in_.vector8();
  return {reinterpret_cast<const char*>(text.data()), text.size()};
}

bool BodyReader::boolean() noexcept {
  const std::uint32_t at = offset();
  const std::uint8_t value = in_.u8();
  if (value > 1) refuse(ParseFault::kBadBoolean, at);
  return value == 1;
}

NodeId BodyReader::node_id() noexcept {
  const std::uint32_t at = offset();
  const std::span<const std::byte> bytes = in_.bytes(kNodeIdBytes);
  if (bytes.empty()) return {};
  const NodeId id = NodeId::from(bytes.first<kNodeIdBytes>());
  if (id.is_invalid() || id.is_wildcard()) refuse(ParseFault::kReservedNodeId, at);
  return id;
}

void BodyReader::node_ids(std::vector<NodeId>& out, std::size_t most) {
  const std::uint32_t length_at = offset();
  const std::span<const std::byte> list = in_.vector16();
  if (!ok()) return;
  if (list.size() % kNodeIdBytes != 0) return refuse(ParseFault::kBadBody, length_at);
  const std::size_t count = list.size() / kNodeIdBytes;
  if (count > most) return refuse(ParseFault::kTooManyEntries, length_at);
  BodyReader entries(list, offset() - static_cast<std::uint32_t>(list.size()));
  out.reserve(out.size() + count);
  while (!entries.at_end()) out.push_back(entries.node_id());
  if (const ParseError error = entries.verdict(); !error.ok()) refuse(error.fault, error.offset);
}

void BodyReader::refuse(ParseFault fault, std::uint32_t at) noexcept {
  if (ok()) fault_ = {fault, at};
}

ParseError BodyReader::verdict() const noexcept {
  if (!fault_.ok()) return fault_;
  if (!in_.ok()) return {ParseFault::kBadBody, base_ + in_.failed_at()};
  if (!in_.at_end()) return {ParseFault::kBadBody, offset()};
  return {};
}

ParseError parse_empty_body(std::span<const std::byte> body) noexcept {
  return BodyReader(body).verdict();
}

}  // namespace wire::reload
