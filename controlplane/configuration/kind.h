// SPDX-License-Identifier: Apache-2.0
// Kinds as configuration documents define them (RFC 6940 section 11.1; requirements J-36 to J-39),
// and those IANA has registered.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wire/reload/ids.h"

namespace controlplane::configuration {

/// How the values of a Kind are kept (RFC 6940 section 7.2).
enum class DataModel : std::uint8_t {
  kSingle,
  kArray,
  kDictionary,
  kOther,  ///< an extension this node does not know
};
[[nodiscard]] const char* data_model_name(DataModel model) noexcept;  ///< "SINGLE"; "other"
/// kOther for what is none of the three. Names are in capitals.
[[nodiscard]] DataModel parse_data_model(std::string_view name) noexcept;

inline constexpr std::string_view kNodeMultiple = "NODE-MULTIPLE";

struct Kind {
  std::string name;                        ///< as registered with IANA; empty for a private Kind
  std::optional<wire::reload::KindId> id;  ///< unset: the name is not one we know
  DataModel data_model = DataModel::kSingle;
  std::string access_control;  ///< "USER-MATCH"; an open list
  std::uint32_t max_count = 1;
  std::uint32_t max_size = 1;                      ///< bytes of one value (X-31)
  std::optional<std::uint32_t> max_node_multiple;  ///< set when NODE-MULTIPLE
};

/// A Kind and who answers for it. The bytes are kept as they were signed: the signature holds for
/// no others.
struct KindBlock {
  Kind kind;
  std::string signed_bytes;          ///< <kind ...>...</kind>
  std::vector<std::byte> signature;  ///< SecurityBlock; empty: not signed
  std::uint32_t line = 0;            ///< where it was read
};

/// A Kind of IANA's registry. What it says of data model and access control holds whatever a
/// document says (J-39).
struct RegisteredKind {
  std::string_view name;
  wire::reload::KindId id;
  DataModel data_model;
  std::string_view access_control;
};
[[nodiscard]] std::span<const RegisteredKind> registered_kinds() noexcept;
/// By name, or by number; nullptr when it is not registered.
[[nodiscard]] const RegisteredKind* registered_kind(std::string_view name) noexcept;
[[nodiscard]] const RegisteredKind* registered_kind(wire::reload::KindId id) noexcept;

/// 0xf0000001 to 0xfffffffd: the range for Kinds of one overlay.
[[nodiscard]] bool is_private_kind(wire::reload::KindId id) noexcept;
/// 0, 0x7fffffff, 0xfffffffe and 0xffffffff, which no Kind has.
[[nodiscard]] bool is_reserved_kind(wire::reload::KindId id) noexcept;

}  // namespace controlplane::configuration
