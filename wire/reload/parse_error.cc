// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/parse_error.h"

namespace wire::reload {

const char* fault_name(ParseFault fault) noexcept {
  switch (fault) {
    case ParseFault::kNone:
      return "none";
#define FAULT(Name, name, text) \
  case ParseFault::k##Name:     \
    return name;
#include "wire/reload/parse_fault.def"
#undef FAULT
  }
  return "unknown_fault";
}

const char* fault_text(ParseFault fault) noexcept {
  switch (fault) {
    case ParseFault::kNone:
      return "nothing is wrong";
#define FAULT(Name, name, text) \
  case ParseFault::k##Name:     \
    return text;
#include "wire/reload/parse_fault.def"
#undef FAULT
  }
  return "a fault this build does not know";
}

}  // namespace wire::reload
