// SPDX-License-Identifier: Apache-2.0
// The arithmetic modulo 2^255 - 19 inside the avx512ifma Ed25519 lanes.

#pragma once

#include <cstdint>

namespace crypto::test {

/// Eight numbers of five limbs of 51 bits, number by number.
struct EightFields {
  std::uint64_t limb[8][5];
};

enum class FieldOperation { kMultiply, kSquare, kAdd, kSubtract, kInvert, kCarry };

/// Limbs of operands may be what field25519.h calls an operand: below 2^51 + 2^17; those of kCarry,
/// below 2^63; kInvert wants none that is 0. Results are canonical.
EightFields probe_field25519(FieldOperation operation, const EightFields& a, const EightFields& b);

}  // namespace crypto::test
