// SPDX-License-Identifier: Apache-2.0
// Base64 as XML documents carry it (RFC 4648 section 4; xsd:base64Binary).

#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace controlplane::configuration {

/// White space of XML may stand anywhere. nullopt for other characters, wrong padding and bits that
/// no byte holds, so each value has one encoding.
[[nodiscard]] std::optional<std::vector<std::byte>> decode_base64(std::string_view text);
/// In lines of 64 characters, each ended by a line feed.
[[nodiscard]] std::string encode_base64(std::span<const std::byte> bytes);

}  // namespace controlplane::configuration
