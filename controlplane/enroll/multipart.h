// SPDX-License-Identifier: Apache-2.0
// Forms as browsers and curl send them: multipart/form-data (RFC 7578, RFC 2046 section 5.1; RFC
// 6940 names their predecessor, RFC 2388).

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace controlplane::enroll {

struct FormPart {
  std::string name;          ///< of Content-Disposition, quotes and backslashes resolved
  std::string content_type;  ///< lower case, without parameters; "text/plain" when not given
  std::string_view body;     ///< borrowed from the form
};

// Limits. A form that exceeds one is refused whole.
inline constexpr std::size_t kMostParts = 16;
inline constexpr std::size_t kMostPartHeaderBytes = 1024;  ///< of one part, all lines together
inline constexpr std::size_t kMostBoundary = 70;           ///< RFC 2046 section 5.1.1

/// The boundary that a Content-Type of `multipart/form-data; boundary=...` names; nullopt for other
/// types and malformed boundaries.
[[nodiscard]] std::optional<std::string> form_boundary(std::string_view content_type);

/// The parts of @p body in their order. nullopt with @p why when it is not exactly such a form:
/// part headers that cannot be read, a name twice, an encoding (Content-Transfer-Encoding other
/// than binary, 7bit and 8bit), no final boundary, a limit.
[[nodiscard]] std::optional<std::vector<FormPart>> parse_form(std::string_view body,
                                                              std::string_view boundary,
                                                              std::string& why);

}  // namespace controlplane::enroll
