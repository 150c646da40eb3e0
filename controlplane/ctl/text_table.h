// SPDX-License-Identifier: Apache-2.0
// Tables as hopsealctl prints them: a heading, aligned columns, two blanks between.

#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace controlplane::ctl {

class TextTable {
 public:
  enum class Align : std::uint8_t { kLeft, kRight };
  struct Column {
    std::string heading;  ///< with the unit where there is one
    Align align = Align::kLeft;
  };

  explicit TextTable(std::vector<Column> columns);
  /// @pre as many cells as columns
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  [[nodiscard]] std::string text() const;
  void print() const { std::fputs(text().c_str(), stdout); }

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// "1 234 567": groups of three, because counters grow long.
[[nodiscard]] std::string grouped(std::uint64_t value);
/// "12.5 s", "3 min 20 s", "2 h 5 min", "4 d 3 h".
[[nodiscard]] std::string duration(double seconds);
/// "2026-11-28 13:35:37Z", of seconds since 1970; "-" for 0.
[[nodiscard]] std::string utc(std::uint64_t unix_s);

}  // namespace controlplane::ctl
