// SPDX-License-Identifier: Apache-2.0
// Medians of cycles, and the reference that every run of a bench carries: OpenSSL's Ed25519.

#pragma once

#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "bench/ticks.h"
#include "crypto/signing_key.h"

namespace bench {

/// Cycles per message over two turns each, because where bursts are full a turn of frames and a
/// turn of acks alternate. The median counts: on a shared machine some turns are interrupted, and
/// an average would be of the interruptions.
class Samples {
 public:
  void add(std::uint64_t cycles, std::uint64_t messages) {
    cycles_ += cycles;
    messages_ += messages;
    if (++turns_ < 2 || messages_ == 0) return;
    per_message_.push_back(static_cast<double>(cycles_) / static_cast<double>(messages_));
    cycles_ = messages_ = turns_ = 0;
  }
  [[nodiscard]] double quantile(double q) {
    if (per_message_.empty()) return 0;
    const auto at = per_message_.begin() +
                    static_cast<std::ptrdiff_t>(q * static_cast<double>(per_message_.size() - 1));
    std::nth_element(per_message_.begin(), at, per_message_.end());
    return *at;
  }

 private:
  std::vector<double> per_message_;
  std::uint64_t cycles_ = 0, messages_ = 0, turns_ = 0;
};

inline void report(benchmark::State& state, Samples& turns) {
  state.counters["cycles"] = turns.quantile(0.5);
  state.counters["cycles_p10"] = turns.quantile(0.1);
}

/// One signature check by OpenSSL: what verify:all cannot beat with the portable kernel.
inline void openssl_ed25519(benchmark::State& state, std::size_t bytes) {
  const std::unique_ptr<crypto::SigningKey> key =
      crypto::SigningKey::generate(crypto::Algorithm::kEd25519);
  const std::vector<std::byte> message(bytes, std::byte{7});
  const std::vector<std::byte> signature = key->sign(message);
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  Samples calls;
  for (auto _ : state) {
    const std::uint64_t before = ticks();
    EVP_DigestVerifyInit(context, nullptr, nullptr, nullptr,
                         static_cast<EVP_PKEY*>(key->openssl()));
    const int verdict = EVP_DigestVerify(
        context, reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
        reinterpret_cast<const unsigned char*>(message.data()), message.size());
    EVP_MD_CTX_reset(context);
    calls.add(ticks() - before, 1);
    if (verdict != 1) state.SkipWithError("OpenSSL refuses its own signature");
  }
  EVP_MD_CTX_free(context);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
  report(state, calls);
}

}  // namespace bench
