// SPDX-License-Identifier: Apache-2.0
#include "controlplane/configuration/date_time.h"

#include <array>
#include <chrono>
#include <cstdio>

namespace controlplane::configuration {
namespace {

/// Takes what it reads off the front of a text; once something does not fit, nothing does.
class Front {
 public:
  explicit Front(std::string_view text) : text_(text) {}

  int digits(std::size_t count) {
    int number = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (i >= text_.size() || text_[i] < '0' || text_[i] > '9') return fail();
      number = number * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(count);
    return number;
  }
  void one_of(std::string_view characters) {
    if (text_.empty() || characters.find(text_.front()) == std::string_view::npos) {
      fail();
      return;
    }
    text_.remove_prefix(1);
  }
  [[nodiscard]] std::string_view rest() const { return text_; }
  void skip_digits() {
    while (!text_.empty() && text_.front() >= '0' && text_.front() <= '9') text_.remove_prefix(1);
  }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  int fail() {
    ok_ = false;
    text_ = {};
    return 0;
  }
  std::string_view text_;
  bool ok_ = true;
};

}  // namespace

std::optional<std::int64_t> parse_date_time(std::string_view text) {
  namespace chrono = std::chrono;
  Front front(text);
  const chrono::year year(front.digits(4));
  front.one_of("-");
  const chrono::month month(static_cast<unsigned>(front.digits(2)));
  front.one_of("-");
  const chrono::day day(static_cast<unsigned>(front.digits(2)));
  front.one_of("Tt");
  const int hours = front.digits(2);
  front.one_of(":");
  const int minutes = front.digits(2);
  front.one_of(":");
  const int seconds = front.digits(2);
  if (front.rest().starts_with('.')) {
    front.one_of(".");
    static_cast<void>(front.digits(1));
    front.skip_digits();
  }
  const std::string_view offset = front.rest();
  const bool utc = offset == "Z" || offset == "z" || offset == "+00:00" || offset == "-00:00";
  const chrono::year_month_day date(year, month, day);
  if (!front.ok() || !utc || !date.ok() || hours > 23 || minutes > 59 || seconds > 60) {
    return std::nullopt;
  }
  const auto days = chrono::sys_days(date).time_since_epoch();
  return chrono::seconds(days).count() + hours * 3600 + minutes * 60 + seconds;
}

std::string to_date_time(std::int64_t unix_s) {
  namespace chrono = std::chrono;
  const chrono::sys_seconds time{chrono::seconds(unix_s)};
  const auto day = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss clock(time - day);
  std::array<char, 40> text{};
  const int length = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()));
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace controlplane::configuration
