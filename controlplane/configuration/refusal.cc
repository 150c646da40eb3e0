// SPDX-License-Identifier: Apache-2.0
#include "controlplane/configuration/refusal.h"

namespace controlplane::configuration {

const char* refusal_name(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::kNone:
      return "none";
#define REFUSAL(name, text, sentence, error) \
  case Refusal::k##name:                     \
    return text;
#include "controlplane/configuration/refusal.def"
#undef REFUSAL
  }
  return "unknown";
}

const char* refusal_sentence(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::kNone:
      return "the document is accepted";
#define REFUSAL(name, text, sentence, error) \
  case Refusal::k##name:                     \
    return sentence;
#include "controlplane/configuration/refusal.def"
#undef REFUSAL
  }
  return "unknown";
}

wire::reload::ErrorCode refusal_error(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::kNone:
      break;
#define REFUSAL(name, text, sentence, error) \
  case Refusal::k##name:                     \
    return wire::reload::ErrorCode::k##error;
#include "controlplane/configuration/refusal.def"
#undef REFUSAL
  }
  return wire::reload::ErrorCode::kInvalidMessage;
}

std::string Remark::sentence() const {
  std::string place;
  if (line != 0) place = "line " + std::to_string(line);
  if (!element.empty()) place += (place.empty() ? "" : ", ") + element;
  if (place.empty()) return text;
  return place + ": " + text;
}

std::string Fault::sentence() const {
  std::string said = refusal_name(refusal);
  said += ": ";
  said += where.text.empty()
              ? Remark{where.line, where.element, refusal_sentence(refusal)}.sentence()
              : where.sentence();
  return said;
}

}  // namespace controlplane::configuration
