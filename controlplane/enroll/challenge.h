// SPDX-License-Identifier: Apache-2.0
// A queue that costs the server no memory. Under load a client is not let in at once: it is given a
// token that says when it asked, signed for its address, and comes again with it after a while.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace controlplane::enroll {

/// Tokens are `<seconds since 1970, hex>.<HMAC-SHA-256 over time and source, hex>` under a secret
/// that dies with the process. Any thread may call.
class Challenges {
 public:
  static constexpr std::int64_t kLifetimeS = 120;  ///< behind the wait

  explicit Challenges(std::uint32_t wait_s);

  [[nodiscard]] std::string token(std::string_view source, std::int64_t now_unix_s) const;
  enum class Verdict : std::uint8_t {
    kGood,
    kEarly,  ///< ours, but its wait is not over: keep it
    kBad,    ///< none, not ours, another source's, or too old
  };
  [[nodiscard]] Verdict check(std::string_view token, std::string_view source,
                              std::int64_t now_unix_s) const;
  [[nodiscard]] std::uint32_t wait_s() const noexcept { return wait_s_; }

 private:
  [[nodiscard]] std::string sign(std::string_view time, std::string_view source) const;
  std::uint32_t wait_s_;
  std::array<unsigned char, 32> secret_{};
};

}  // namespace controlplane::enroll
