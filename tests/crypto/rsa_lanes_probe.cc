// SPDX-License-Identifier: Apache-2.0
#include "tests/crypto/rsa_lanes_probe.h"

#include "crypto/kernels/avx512ifma/rsa_montgomery.h"

namespace crypto::test {
namespace {

using avx512ifma::kLanes;
using avx512ifma::Lanes;
using avx512ifma::Modulus;

/// @p limbs in one lane. The others get the same number with its lowest limb changed.
template <unsigned L>
void spread(const std::uint64_t* limbs, unsigned lane, Lanes<L>& out) {
  for (unsigned i = 0; i < L; ++i) {
    const auto limb = static_cast<long long>(limbs[i]);
    out.limb[i] = _mm512_set1_epi64(limb);
    if (i == 0) {
      const auto others = static_cast<__mmask8>(~(1U << lane));
      out.limb[0] = _mm512_mask_set1_epi64(out.limb[0], others, limb ^ 0x5a5a5a);
    }
  }
}

template <unsigned L>
void collect(const Lanes<L>& lanes, unsigned lane, std::uint64_t* out) {
  for (unsigned i = 0; i < L; ++i) {
    alignas(64) unsigned long long words[kLanes];
    _mm512_store_si512(words, lanes.limb[i]);
    out[i] = words[lane];
  }
}

template <unsigned L>
void run(const RsaKey& key, const std::uint64_t* a, const std::uint64_t* b, unsigned lane,
         std::uint64_t* out) {
  Modulus<L> modulus;
  for (unsigned i = 0; i < L; ++i) {
    modulus.n.limb[i] = _mm512_set1_epi64(static_cast<long long>(key.modulus[i]));
    modulus.fold.limb[i] = _mm512_set1_epi64(static_cast<long long>(key.fold[i]));
  }
  modulus.neg_inverse = _mm512_set1_epi64(static_cast<long long>(key.neg_inverse));
  prepare(modulus);
  Lanes<L> x;
  Lanes<L> y;
  spread(a, lane, x);
  if (b == nullptr) {
    avx512ifma::square(x, modulus, x);
  } else {
    spread(b, lane, y);
    avx512ifma::multiply(x, y, modulus, x);
  }
  collect(x, lane, out);
}

void run_any(const RsaKey& key, const std::uint64_t* a, const std::uint64_t* b, unsigned lane,
             std::uint64_t* out) {
  switch (key.limbs) {
    case 40:
      return run<40>(key, a, b, lane, out);
    case 60:
      return run<60>(key, a, b, lane, out);
    default:
      return run<80>(key, a, b, lane, out);
  }
}

}  // namespace

void rsa_probe_multiply(const RsaKey& key, const std::uint64_t* a, const std::uint64_t* b,
                        unsigned lane, std::uint64_t* out) {
  run_any(key, a, b, lane, out);
}

void rsa_probe_square(const RsaKey& key, const std::uint64_t* a, unsigned lane,
                      std::uint64_t* out) {
  run_any(key, a, nullptr, lane, out);
}

}  // namespace crypto::test
