// SPDX-License-Identifier: Apache-2.0
// Token buckets for more names than there is memory for: addresses, user names.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace controlplane::enroll {

struct EnrollRate {
  std::uint32_t per_hour = 0;  ///< 0: no limit
  std::uint32_t burst = 1;
};

/// A fixed number of buckets, found by a keyed hash, kWays candidates each. Where all candidates
/// belong to others, the one that is nearest to being full again is given up: memory stays bounded,
/// and what an attacker with many names can do is make the table forget. A bucket is the time at
/// which it will be full again. One thread at a time.
class RateTable {
 public:
  static constexpr std::size_t kWays = 8;

  /// @param entries  rounded up to a multiple of kWays
  RateTable(const EnrollRate& rate, std::size_t entries);

  /// True when @p name has a token; then it is taken.
  [[nodiscard]] bool take(std::string_view name, std::uint64_t now_ns);
  /// Undoes one take().
  void give_back(std::string_view name);
  /// True when it has one, which stays there.
  [[nodiscard]] bool has(std::string_view name, std::uint64_t now_ns) const;
  /// Seconds until a token comes back to an empty bucket, at least 1.
  [[nodiscard]] std::uint64_t retry_after_s() const noexcept;

 private:
  struct Bucket {
    std::uint64_t tag = 0;  ///< 0: free
    std::uint64_t full_at_ns = 0;
  };
  struct Place {
    std::size_t set;
    std::uint64_t tag;
  };
  [[nodiscard]] Place place(std::string_view name) const;

  std::uint64_t interval_ns_ = 0;
  std::uint64_t ahead_ns_ = 0;
  std::array<unsigned char, 32> secret_{};
  std::vector<std::array<Bucket, kWays>> sets_;
};

/// What of a client's address counts for limits: an IPv4 address, and of IPv6 the /64 that one
/// customer has. @p address as asio prints it.
[[nodiscard]] std::string limited_part(const std::string& address);

}  // namespace controlplane::enroll
