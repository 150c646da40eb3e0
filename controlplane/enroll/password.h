// SPDX-License-Identifier: Apache-2.0
// Hashes of passwords: scrypt (RFC 7914) by OpenSSL, with its parameters and salt in the text.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace controlplane::enroll {

/// Memory of one hash: 128 * r * 2^log2_n bytes; time grows with p, too.
struct ScryptCost {
  std::uint32_t log2_n = 15;
  std::uint32_t r = 8;
  std::uint32_t p = 3;
  friend bool operator==(const ScryptCost&, const ScryptCost&) = default;
};
[[nodiscard]] std::uint64_t memory_bytes(const ScryptCost& cost) noexcept;
/// What a server may be asked to spend on one hash.
inline constexpr std::uint64_t kMostScryptBytes = std::uint64_t{1} << 30U;

/// `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`, both in base64, the salt 16 random bytes. Throws
/// std::runtime_error when OpenSSL cannot (no memory, no random bytes), and std::invalid_argument
/// for a password with a NUL in it: scrypt takes "x" and "x\0" for the same.
[[nodiscard]] std::string hash_password(std::string_view password, const ScryptCost& cost);
/// False also when @p stored is no such text, or @p password has a NUL. The comparison takes the
/// same time wherever the two differ; all else depends on the cost in @p stored only.
[[nodiscard]] bool check_password(std::string_view password, std::string_view stored);
/// The cost in a stored text; nullopt when it is none.
[[nodiscard]] std::optional<ScryptCost> cost_of(std::string_view stored);

}  // namespace controlplane::enroll
