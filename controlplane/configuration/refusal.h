// SPDX-License-Identifier: Apache-2.0
// Why a configuration document, or a Kind, was not taken, and where in it the reason lies.

#pragma once

#include <cstdint>
#include <string>

#include "wire/reload/message_contents.h"

namespace controlplane::configuration {

enum class Refusal : std::uint8_t {
  kNone,
#define REFUSAL(name, text, sentence, error) k##name,
#include "controlplane/configuration/refusal.def"
#undef REFUSAL
};
[[nodiscard]] const char* refusal_name(Refusal refusal) noexcept;      ///< "expired"; "none"
[[nodiscard]] const char* refusal_sentence(Refusal refusal) noexcept;  ///< for the operator
/// What a ConfigUpdate that brought it is answered with (RFC 6940 section 6.5.4.2).
/// @pre refusal is not kNone
[[nodiscard]] wire::reload::ErrorCode refusal_error(Refusal refusal) noexcept;

/// A place in a document and what is to be said of it.
struct Remark {
  std::uint32_t line = 0;  ///< from 1; 0: the document as a whole
  std::string element;     ///< as spelled there; may be empty
  std::string text;

  /// "line 12, no-ice: ..."
  [[nodiscard]] std::string sentence() const;
};

/// Why something was refused.
struct Fault {
  Refusal refusal = Refusal::kNone;
  Remark where;

  [[nodiscard]] bool ok() const noexcept { return refusal == Refusal::kNone; }
  /// "value: line 12, no-ice: ..."; without a remark the refusal's own sentence.
  [[nodiscard]] std::string sentence() const;
};

}  // namespace controlplane::configuration
