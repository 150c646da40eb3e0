// SPDX-License-Identifier: Apache-2.0
// Values of elements and attributes, for the readers of documents and Kinds.

#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controlplane/configuration/refusal.h"
#include "controlplane/configuration/xml_tree.h"

namespace controlplane::configuration {

/// Reads values and keeps the first fault. After a fault everything yields defaults.
class Values {
 public:
  [[nodiscard]] const Fault& fault() const noexcept { return fault_; }
  [[nodiscard]] bool ok() const noexcept { return fault_.ok(); }
  [[nodiscard]] const std::vector<Remark>& warnings() const noexcept { return warnings_; }
  [[nodiscard]] std::vector<Remark> take_warnings() { return std::exchange(warnings_, {}); }

  void refuse(Refusal refusal, const XmlElement& at, std::string why) {
    if (ok()) fault_ = {refusal, {at.line, at.name, std::move(why)}};
  }
  void warn(const XmlElement& at, std::string what) {
    warnings_.push_back({at.line, at.name, std::move(what)});
  }

  /// true, 1, false or 0 (J-03).
  bool boolean(const XmlElement& at) {
    const std::string_view text = at.trimmed();
    if (text == "true" || text == "1") return true;
    if (text != "false" && text != "0") {
      refuse(Refusal::kValue, at, quoted(text) + " is none of true, 1, false and 0");
    }
    return false;
  }
  /// A decimal number within the bounds.
  std::uint32_t number(const XmlElement& at, std::uint32_t least, std::uint32_t most) {
    return number(at, at.trimmed(), least, most);
  }
  /// The same from @p text, an attribute of @p at.
  std::uint32_t number(const XmlElement& at, std::string_view text, std::uint32_t least,
                       std::uint32_t most) {
    text = trim(text);
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < least ||
        value > most) {
      refuse(Refusal::kValue, at,
             quoted(text) + " is no number of " + std::to_string(least) + " to " +
                 std::to_string(most));
      return least;
    }
    return value;
  }
  /// Text that must not be empty.
  std::string token(const XmlElement& at) {
    const std::string_view text = at.trimmed();
    if (text.empty()) refuse(Refusal::kValue, at, "is empty");
    return std::string(text);
  }

  /// Cut, because it may be a megabyte.
  static std::string quoted(std::string_view text) {
    constexpr std::size_t kLongest = 80;
    return "\"" + std::string(text.substr(0, kLongest)) + (text.size() > kLongest ? "...\"" : "\"");
  }

 private:
  Fault fault_;
  std::vector<Remark> warnings_;
};

}  // namespace controlplane::configuration
