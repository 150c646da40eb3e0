// SPDX-License-Identifier: Apache-2.0
#include "config/section.h"

namespace config {

using wire::shm::Rate;

namespace {

constexpr std::uint32_t kMostPerSecond = 1'000'000'000;

}  // namespace

Rate read_rate(Section& parent, std::string_view key, const Rate& fallback) {
  Section section = parent.table(key);
  Rate rate;
  rate.per_second =
      section.integer<std::uint32_t>("per_second", 0, kMostPerSecond, fallback.per_second);
  rate.burst = section.integer<std::uint32_t>("burst", 0, kMostPerSecond, fallback.burst);
  if (rate.per_second != 0 && rate.burst == 0) {
    section.error("burst",
                  "required with per_second: accepted are 1 to 1000000000; "
                  "with 0 nothing would ever pass");
  }
  section.finish();
  return rate;
}

}  // namespace config
