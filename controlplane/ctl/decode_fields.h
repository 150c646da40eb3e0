// SPDX-License-Identifier: Apache-2.0
// The JSON of fields that stand in more than one part of a message.

#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

#include "wire/reload/destination.h"

namespace controlplane::ctl {

/// {"value", "name"}: a code with its name; @p name may be nullptr, then without.
[[nodiscard]] nlohmann::ordered_json named(std::uint64_t value, const char* name);

/// As text when every byte is printable ASCII or white space, else {"hex"}: JSON cannot hold
/// arbitrary bytes.
[[nodiscard]] nlohmann::ordered_json text_or_hex(std::span<const std::byte> bytes);
[[nodiscard]] nlohmann::ordered_json text_or_hex(std::string_view bytes);

/// One entry of a list, or of a body.
[[nodiscard]] nlohmann::ordered_json destination_json(const wire::reload::Destination& entry);

}  // namespace controlplane::ctl
