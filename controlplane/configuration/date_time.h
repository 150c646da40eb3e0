// SPDX-License-Identifier: Apache-2.0
// Times as configuration documents write them: RFC 3339 in UTC (requirement J-05).

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace controlplane::configuration {

/// "2030-10-10T07:00:00Z" as seconds since 1970. A fraction is allowed and dropped; the offset is
/// Z, +00:00 or -00:00; letters may be small. A leap second is the second after it. nullopt for
/// days and hours that do not exist, other offsets, and anything else.
[[nodiscard]] std::optional<std::int64_t> parse_date_time(std::string_view text);
/// The reverse. @pre within the years 0 to 9999
[[nodiscard]] std::string to_date_time(std::int64_t unix_s);

}  // namespace controlplane::configuration
