// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/decode_fields.h"

#include <string>

#include "controlplane/ctl/hex_text.h"

namespace controlplane::ctl {

using namespace wire::reload;
using Json = nlohmann::ordered_json;

Json named(std::uint64_t value, const char* name) {
  Json json{{"value", value}};
  if (name != nullptr) json["name"] = name;
  return json;
}

namespace {

/// What JSON can hold as it is, escapes for white space included.
bool is_text(char c) { return (c >= 0x20 && c <= 0x7e) || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

Json text_or_hex(std::string_view bytes) {
  for (const char c : bytes) {
    if (!is_text(c)) return {{"hex", to_hex(std::as_bytes(std::span(bytes)))}};
  }
  return std::string(bytes);
}

Json text_or_hex(std::span<const std::byte> bytes) {
  return text_or_hex(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

Json destination_json(const Destination& entry) {
  Json json;
  json["type"] = entry.wire_type;
  switch (entry.type) {
    case DestinationType::kNode:
      json["name"] = "node";
      json["node_id"] = to_hex(entry.value);
      break;
    case DestinationType::kResource:
      json["name"] = "resource";
      json["resource_id"] = to_hex(entry.value);
      break;
    case DestinationType::kOpaque:
      json["name"] = "opaque_id_type";
      json["opaque_id"] = to_hex(entry.value);
      json["compressed"] = entry.compact;
      break;
    case DestinationType::kInvalid:
      json["data"] = to_hex(entry.value);
      break;
  }
  return json;
}

}  // namespace controlplane::ctl
