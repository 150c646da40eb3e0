// SPDX-License-Identifier: Apache-2.0
#include "tests/crypto/ed25519_lanes_probe.h"

#include "crypto/kernels/avx512ifma/field25519.h"
#include "crypto/kernels/avx512ifma/field25519_inverse.h"

namespace crypto::test {
namespace {

using avx512ifma::Fe;
using avx512ifma::Wide;

Wide spread(const EightFields& numbers) {
  alignas(64) unsigned long long lanes[5][8];
  for (unsigned i = 0; i < 5; ++i) {
    for (unsigned lane = 0; lane < 8; ++lane) lanes[i][lane] = numbers.limb[lane][i];
  }
  Wide a;
  for (unsigned i = 0; i < 5; ++i) a.v[i] = _mm512_load_si512(lanes[i]);
  return a;
}

Fe operand(const EightFields& numbers) {
  const Wide a = spread(numbers);
  return {{a.v[0], a.v[1], a.v[2], a.v[3], a.v[4]}};
}

Fe result_of(FieldOperation operation, const EightFields& a, const EightFields& b) {
  switch (operation) {
    case FieldOperation::kMultiply:
      return operand(a) * operand(b);
    case FieldOperation::kSquare:
      return carry(sqr(operand(a)));
    case FieldOperation::kAdd:
      return operand(a) + operand(b);
    case FieldOperation::kSubtract:
      return operand(a) - operand(b);
    case FieldOperation::kInvert:
      return inverse(operand(a));
    case FieldOperation::kCarry:
      break;
  }
  return carry(spread(a));
}

}  // namespace

EightFields probe_field25519(FieldOperation operation, const EightFields& a, const EightFields& b) {
  const Fe r = canonical(result_of(operation, a, b));
  EightFields numbers;
  for (unsigned i = 0; i < 5; ++i) {
    alignas(64) unsigned long long lanes[8];
    _mm512_store_si512(lanes, r.v[i]);
    for (unsigned lane = 0; lane < 8; ++lane) numbers.limb[lane][i] = lanes[lane];
  }
  return numbers;
}

}  // namespace crypto::test
