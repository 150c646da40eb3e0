// SPDX-License-Identifier: Apache-2.0
// What bodies of POST requests have in common. Every refusal names the key and what is accepted.

#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "config/node_config.h"
#include "wire/reload/bytes.h"

namespace controlplane::admin {

/// Nobody waits longer for one answer.
inline constexpr std::uint64_t kMaxTimeoutMs = 600'000;

/// The object in @p json, which has no other keys than @p known; null with @p why otherwise.
[[nodiscard]] nlohmann::json parse_object(std::string_view json,
                                          std::span<const std::string_view> known,
                                          std::string& why);

/// Reads a whole number from @p least to @p most. One that is absent leaves @p out as it is.
[[nodiscard]] bool read_number(const nlohmann::json& body, const char* key, std::uint64_t least,
                               std::uint64_t most, std::uint64_t& out, std::string& why);

/// Encodes one entry: 32 hex digits or the name of a peer (a Node-ID), "wildcard",
/// "resource:<hex>" or "opaque:<hex>". Empty with @p why when @p text is none of these.
[[nodiscard]] wire::reload::Bytes encode_destination(std::string_view text,
                                                     const config::NodeConfig& config,
                                                     std::string& why);

}  // namespace controlplane::admin
