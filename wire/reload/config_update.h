// SPDX-License-Identifier: Apache-2.0
// Body of a ConfigUpdate request (RFC 6940 section 6.5.4; requirement A-49). Its answer is empty:
// parse_empty_body().
//
//   ConfigUpdateReq   type(1)  length(4), the rest of the body
//                     config:  config_data<0..2^24-1>
//                     kind:    kinds<0..2^24-1> of KindDescription<0..2^16-1>
//
// The RFC allows for types of the future here, so one is no fault: its content is handed out.
// Spans are borrowed. XML is not looked at.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "wire/reload/bytes.h"
#include "wire/reload/parse_error.h"

namespace wire::reload {

enum class ConfigUpdateType : std::uint8_t { kInvalid = 0, kConfig = 1, kKind = 2 };

/// "config", or nullptr.
[[nodiscard]] const char* config_update_type_name(ConfigUpdateType type) noexcept;

/// Most kind-blocks of a request. Each takes two bytes at least, and a body may have megabytes.
inline constexpr std::size_t kMaxKindDescriptions = 256;

struct ConfigUpdateReq {
  ConfigUpdateType type = ConfigUpdateType::kInvalid;  ///< when parsed, any value
  std::span<const std::byte> config_data;         ///< kConfig: the document, signatures and all
  std::vector<std::span<const std::byte>> kinds;  ///< kKind: kind-blocks, one or more
  std::span<const std::byte> unknown_content;     ///< of any other type
};

/// Throws std::length_error for a document over 2^24-1 bytes, a kind-block over 65535, or too many
/// of them; std::invalid_argument for another type than the two, kKind without a kind-block, or
/// what the type has no place for.
[[nodiscard]] Bytes config_update_request_body(const ConfigUpdateReq& request);

/// Faults: kBadBody, also when length is not the rest of the body and when there is no kind-block;
/// kTooManyEntries.
[[nodiscard]] ParseError parse_config_update_request(std::span<const std::byte> body,
                                                     ConfigUpdateReq& out);

}  // namespace wire::reload
