// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/message_contents.h"

#include "wire/cursor.h"

namespace wire::reload {

namespace {

/// 0 is never used and 0x8000 to 0xfffe are reserved.
constexpr bool is_barred(std::uint16_t code) noexcept {
  return code == 0 || (code >= 0x8000 && code != 0xffff);
}

}  // namespace

TrafficClass traffic_class(std::uint16_t message_code) noexcept {
  switch (message_code) {
#define CODE(Name, value, name, cls) \
  case value:                        \
    return TrafficClass::cls;
#include "wire/reload/message_code.def"
#undef CODE
    default:
      return TrafficClass::kBulk;
  }
}

const char* message_code_name(std::uint16_t code) noexcept {
  switch (code) {
#define CODE(Name, value, name, cls) \
  case value:                        \
    return name;
#include "wire/reload/message_code.def"
#undef CODE
    default:
      return nullptr;
  }
}

const char* error_code_name(std::uint16_t code) noexcept {
  switch (code) {
#define ERROR_CODE(Name, value, name) \
  case value:                         \
    return name;
#include "wire/reload/error_code.def"
#undef ERROR_CODE
    default:
      return nullptr;
  }
}

const char* traffic_class_name(TrafficClass cls) noexcept {
  switch (cls) {
    case TrafficClass::kLiveness:
      return "liveness";
    case TrafficClass::kTopology:
      return "topology";
    case TrafficClass::kBulk:
      return "bulk";
    case TrafficClass::kMedia:
      return "media";
  }
  return "unknown";
}

ParseError parse_message_contents(std::span<const std::byte> payload, MessageContents& out,
                                  std::uint32_t base) noexcept {
  // Nearly every message has no extensions and no fault, and needs no cursor.
  constexpr std::size_t kFixed = 10;  // code, length of body, length of extensions
  if (payload.size() >= kFixed) {
    const std::byte* const at = payload.data();
    const std::uint16_t code = load_be16(at);
    const std::size_t body = load_be32(at + 2);
    if (!is_barred(code) && body <= payload.size() - kFixed && load_be32(at + 6 + body) == 0) {
      out.message_code = code;
      out.body = payload.subspan(6, body);
      out.extensions = {};
      out.encoded = payload.first(kFixed + body);
      return {};
    }
  }
  ReadCursor in(payload);
  out.message_code = in.u16();
  if (in.ok() && is_barred(out.message_code)) return {ParseFault::kBadMessageCode, base};
  out.body = in.vector32();
  out.extensions = in.vector32();
  if (!in.ok()) return {ParseFault::kTruncated, base + in.failed_at()};
  out.encoded = in.since(0);

  std::size_t at = 0;
  const std::size_t extensions_at = in.offset() - out.extensions.size();
  while (at < out.extensions.size()) {
    MessageExtension extension;
    const ParseError error = read_extension(out.extensions.subspan(at), extension);
    if (!error.ok()) {
      return {error.fault, base + static_cast<std::uint32_t>(extensions_at + at) + error.offset};
    }
    at += extension.encoded.size();
  }
  return {};
}

ParseError read_extension(std::span<const std::byte> extensions, MessageExtension& out) noexcept {
  ReadCursor in(extensions);
  out.type = in.u16();  // 16 bits on the wire, whatever the registry's text says
  const std::size_t critical_at = in.offset();
  const std::uint8_t critical = in.u8();
  out.contents = in.vector32();
  if (!in.ok()) return {ParseFault::kTruncated, in.failed_at()};
  if (out.type == 0) return {ParseFault::kBadExtension, 0};
  if (critical > 1) return {ParseFault::kBadBoolean, static_cast<std::uint32_t>(critical_at)};
  out.critical = critical == 1;
  out.encoded = in.since(0);
  return {};
}

}  // namespace wire::reload
