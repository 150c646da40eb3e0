// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/text_table.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <ctime>
#include <utility>

namespace controlplane::ctl {
namespace {

/// Characters, not bytes: all text here is UTF-8.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

std::string two_units(std::uint64_t seconds, std::uint64_t large, const char* large_name,
                      std::uint64_t small, const char* small_name) {
  return std::to_string(seconds / large) + large_name + std::to_string(seconds % large / small) +
         small_name;
}

}  // namespace

TextTable::TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

void TextTable::add(std::vector<std::string> cells) {
  assert(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

std::string TextTable::text() const {
  std::vector<std::size_t> widths;
  std::vector<std::string> headings;
  for (std::size_t column = 0; column < columns_.size(); ++column) {
    headings.push_back(columns_[column].heading);
    std::size_t most = width(headings.back());
    for (const auto& row : rows_) most = std::max(most, width(row[column]));
    widths.push_back(most);
  }
  std::string out;
  const auto add_line = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t column = 0; column < cells.size(); ++column) {
      const std::string blanks(widths[column] - width(cells[column]), ' ');
      if (column != 0) line += "  ";
      line +=
          columns_[column].align == Align::kRight ? blanks + cells[column] : cells[column] + blanks;
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  };
  add_line(headings);
  for (const auto& row : rows_) add_line(row);
  return out;
}

std::string grouped(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, " ");
  }
  return digits;
}

std::string duration(double seconds) {
  constexpr std::uint64_t kMinute = 60;
  constexpr std::uint64_t kHour = 60 * kMinute;
  constexpr std::uint64_t kDay = 24 * kHour;
  if (seconds < static_cast<double>(kMinute)) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f s", seconds < 0 ? 0.0 : seconds);
    return text.data();
  }
  const auto whole = static_cast<std::uint64_t>(seconds);
  if (whole < kHour) return two_units(whole, kMinute, " min ", 1, " s");
  if (whole < kDay) return two_units(whole, kHour, " h ", kMinute, " min");
  return two_units(whole, kDay, " d ", kHour, " h");
}

std::string utc(std::uint64_t unix_s) {
  if (unix_s == 0) return "-";
  const auto then = static_cast<std::time_t>(unix_s);
  std::tm parts{};
  ::gmtime_r(&then, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%SZ", &parts);
  return text.data();
}

}  // namespace controlplane::ctl
