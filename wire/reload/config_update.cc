// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/config_update.h"

#include <stdexcept>

#include "wire/reload/append.h"
#include "wire/reload/body_reader.h"

namespace wire::reload {

namespace {

Bytes encode_content(const ConfigUpdateReq& request) {
  Bytes content;
  if (request.type == ConfigUpdateType::kConfig) {
    if (!request.kinds.empty()) {
      throw std::invalid_argument("ConfigUpdateReq: kind-blocks in an update of type config");
    }
    append_vector24(content, request.config_data);
    return content;
  }
  if (request.type != ConfigUpdateType::kKind) {
    throw std::invalid_argument("ConfigUpdateReq: no such type");
  }
  if (request.kinds.empty() || !request.config_data.empty()) {
    throw std::invalid_argument("ConfigUpdateReq: type kind brings kind-blocks and nothing else");
  }
  if (request.kinds.size() > kMaxKindDescriptions) {
    throw std::length_error("ConfigUpdateReq: more kind-blocks than a peer would read");
  }
  Bytes kinds;
  for (const std::span<const std::byte> kind : request.kinds) append_vector16(kinds, kind);
  append_vector24(content, kinds);
  return content;
}

void read_kinds(BodyReader& in, std::vector<std::span<const std::byte>>& out) {
  const std::uint32_t length_at = in.offset();
  const std::span<const std::byte> list = in.vector24();
  if (!in.ok()) return;
  if (list.empty()) return in.refuse(ParseFault::kBadBody, length_at);
  BodyReader kinds(list, in.offset() - static_cast<std::uint32_t>(list.size()));
  while (kinds.ok() && !kinds.at_end()) {
    if (out.size() == kMaxKindDescriptions) {
      kinds.refuse(ParseFault::kTooManyEntries, kinds.offset());
      break;
    }
    const std::span<const std::byte> kind = kinds.vector16();
    if (kinds.ok()) out.push_back(kind);
  }
  if (const ParseError error = kinds.verdict(); !error.ok()) in.refuse(error.fault, error.offset);
}

}  // namespace

const char* config_update_type_name(ConfigUpdateType type) noexcept {
  switch (type) {
    case ConfigUpdateType::kConfig:
      return "config";
    case ConfigUpdateType::kKind:
      return "kind";
    case ConfigUpdateType::kInvalid:
      break;
  }
  return nullptr;
}

Bytes config_update_request_body(const ConfigUpdateReq& request) {
  if (!request.unknown_content.empty()) {
    throw std::invalid_argument("ConfigUpdateReq: content of no type");
  }
  const Bytes content = encode_content(request);
  Bytes body;
  body.reserve(5 + content.size());
  append_u8(body, static_cast<std::uint8_t>(request.type));
  append_vector32(body, content);
  return body;
}

ParseError parse_config_update_request(std::span<const std::byte> body, ConfigUpdateReq& out) {
  BodyReader in(body);
  out = {};
  out.type = ConfigUpdateType{in.u8()};
  const std::uint32_t length_at = in.offset();
  const std::uint32_t length = in.u32();
  if (in.ok() && length != in.rest().size()) in.refuse(ParseFault::kBadBody, length_at);
  if (!in.ok()) return in.verdict();
  switch (out.type) {
    case ConfigUpdateType::kConfig:
      out.config_data = in.vector24();
      break;
    case ConfigUpdateType::kKind:
      read_kinds(in, out.kinds);
      break;
    default:
      out.unknown_content = in.bytes(length);
      break;
  }
  return in.verdict();
}

}  // namespace wire::reload
