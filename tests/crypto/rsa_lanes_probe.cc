// SPDX-License-Identifier: Apache-2.0
#include "tests/crypto/rsa_lanes_probe.h"

#include "crypto/kernels/avx512ifma/rsa_montgomery.h"

namespace crypto::test {
namespace {

using avx512ifma::Eight;
using avx512ifma::Four;
using avx512ifma::Lanes;
using avx512ifma::Modulus;

std::uint64_t* words_of(void* lanes) { return static_cast<std::uint64_t*>(lanes); }

/// The same number in every lane.
template <class V, unsigned L>
void fill(const std::uint64_t* limbs, Lanes<V, L>& out) {
  for (unsigned i = 0; i < L; ++i) out.limb[i] = V::all(static_cast<long long>(limbs[i]));
}

/// @p limbs in one lane. The others get the same number with its lowest limb changed.
template <class V, unsigned L>
void spread(const std::uint64_t* limbs, unsigned lane, Lanes<V, L>& out) {
  fill(limbs, out);
  for (unsigned other = 0; other < V::kLanes; ++other) {
    if (other != lane) words_of(&out.limb[0])[other] ^= 0x5a5a5a;
  }
}

template <class V, unsigned L>
void run(const RsaKey& key, const std::uint64_t* a, const std::uint64_t* b, unsigned lane,
         std::uint64_t* out) {
  Modulus<V, L> modulus;
  fill(key.modulus, modulus.n);
  fill(key.fold, modulus.fold);
  modulus.neg_inverse = V::all(static_cast<long long>(key.neg_inverse));
  prepare(modulus);
  Lanes<V, L> x;
  Lanes<V, L> y;
  spread(a, lane, x);
  if (b == nullptr) {
    avx512ifma::square(x, modulus, x);
  } else {
    spread(b, lane, y);
    avx512ifma::multiply(x, y, modulus, x);
  }
  for (unsigned i = 0; i < L; ++i) out[i] = words_of(&x.limb[i])[lane];
}

template <class V>
void run_any(const RsaKey& key, const std::uint64_t* a, const std::uint64_t* b, unsigned lane,
             std::uint64_t* out) {
  switch (key.limbs) {
    case 40:
      return run<V, 40>(key, a, b, lane, out);
    case 60:
      return run<V, 60>(key, a, b, lane, out);
    default:
      return run<V, 80>(key, a, b, lane, out);
  }
}

}  // namespace

void rsa_probe_multiply(const RsaKey& key, const std::uint64_t* a, const std::uint64_t* b,
                        unsigned lanes, unsigned lane, std::uint64_t* out) {
  (lanes == Eight::kLanes ? run_any<Eight> : run_any<Four>)(key, a, b, lane, out);
}

void rsa_probe_square(const RsaKey& key, const std::uint64_t* a, unsigned lanes, unsigned lane,
                      std::uint64_t* out) {
  rsa_probe_multiply(key, a, nullptr, lanes, lane, out);
}

}  // namespace crypto::test
