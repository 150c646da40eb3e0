// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/host_name.h"

#include <algorithm>
#include <cstddef>

namespace controlplane::ctl {
namespace {

constexpr std::size_t kMostNameBytes = 253;  // RFC 1035 section 2.3.4, less two length bytes
constexpr std::size_t kMostLabelBytes = 63;

bool is_label(std::string_view label) {
  const auto letter_digit_dash = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  };
  return !label.empty() && label.size() <= kMostLabelBytes && label.front() != '-' &&
         label.back() != '-' && std::ranges::all_of(label, letter_digit_dash);
}

}  // namespace

bool is_host_name(std::string_view name) noexcept {
  if (name.size() > kMostNameBytes) return false;
  for (;;) {
    const std::size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    if (!is_label(label)) return false;
    if (dot == std::string_view::npos) {
      return !std::ranges::all_of(label, [](char c) { return c >= '0' && c <= '9'; });
    }
    name.remove_prefix(dot + 1);
  }
}

}  // namespace controlplane::ctl
