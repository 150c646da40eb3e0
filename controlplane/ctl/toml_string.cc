// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/toml_string.h"

namespace controlplane::ctl {

std::string toml_string(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string made = "\"";
  for (const char c : text) {
    const auto value = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      made += '\\';
      made += c;
    } else if (value < 0x20 || value == 0x7f) {
      made += "\\u00";
      made += kDigits[value >> 4U];
      made += kDigits[value & 15U];
    } else {
      made += c;
    }
  }
  return made + "\"";
}

}  // namespace controlplane::ctl
