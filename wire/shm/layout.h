// SPDX-License-Identifier: Apache-2.0
// Sizes that both processes share. They enter the layout hash, so changing one makes old and new
// builds refuse each other by name.

#pragma once

#include <cstddef>
#include <cstdint>

namespace wire::shm {

/// Part of the layout hash. Raised when a field or enumerator changes its meaning and nothing that
/// the compiler can see changes with it.
inline constexpr std::uint64_t kLayoutRevision = 1;

inline constexpr std::size_t kCacheLine = 64;
inline constexpr std::size_t kPageBytes = 4096;

/// Worker lcores of one dataplane. Lcore indices below are 0..kMaxLcores-1, workers only.
inline constexpr std::size_t kMaxLcores = 8;
/// Links have a 12-bit slot, because a compact opaque ID carries it (decision 0006).
inline constexpr std::size_t kMaxLinks = 4096;
inline constexpr std::size_t kMaxPorts = 16;
inline constexpr std::size_t kMaxSigners = 65536;
/// A packet in a ring record. Larger than any frame the ports accept (mtu <= 1982).
inline constexpr std::size_t kMaxPacketBytes = 2048;
/// DER SubjectPublicKeyInfo: RSA-4096 has 550 bytes.
inline constexpr std::size_t kMaxPublicKeyBytes = 640;

inline constexpr std::uint16_t kNoLink = 0xffff;

}  // namespace wire::shm
