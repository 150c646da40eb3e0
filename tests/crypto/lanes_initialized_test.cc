// SPDX-License-Identifier: Apache-2.0
// Runs the avx512ifma lanes with every number of checks, so that there are idle lanes in all
// places. Any build compares the verdicts. With -Db_sanitize=memory (make msan) the lanes are
// instrumented, and MemorySanitizer ends the program where a verdict or an address depends on bytes
// nobody wrote: valgrind's memcheck cannot run AVX-512. GoogleTest would need to be instrumented;
// this is plain.

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "crypto/kernels/avx512ifma/ed25519.h"
#include "crypto/kernels/avx512ifma/p256.h"
#include "crypto/kernels/avx512ifma/rsa.h"
#include "crypto/kernels/cpu_features.h"
#include "crypto/kernels/kernel_table.h"
#include "tests/crypto/lanes_inputs.h"

namespace {

using namespace crypto;
using namespace crypto::avx512ifma;
using namespace crypto::test;

LaneInputs inputs;
bool valid[kLaneChecks];

int wrong = 0;

void compare(const char* what, std::uint32_t first, std::uint32_t count,
             std::uint64_t undecided = 0) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const bool good = (first + i) % 3 != 1;
    if (valid[i] == good && (undecided >> i & 1U) == 0) continue;
    std::printf("%s: check %u of %u is wrong\n", what, i, count);
    ++wrong;
  }
}

std::byte* new_table(std::size_t bytes) {
  return static_cast<std::byte*>(std::aligned_alloc(64, (bytes + 63) / 64 * 64));
}

void run_ed25519(std::byte* const* tables, std::uint32_t first, std::uint32_t count) {
  Ed25519Check checks[kLaneChecks];
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t k = first + i;
    checks[i] = {&inputs.ed25519[k % kLaneKeys], tables[k % kLaneKeys], inputs.ed25519_signature[k],
                 inputs.ed25519_hash[k]};
  }
  ed25519_verify_known(checks, count, valid);
  compare("ed25519 known", first, count);
  for (std::uint32_t i = 0; i < count; ++i) checks[i].table = nullptr;
  ed25519_verify_cold(checks, count, valid);
  compare("ed25519 cold", first, count);
}

void run_p256(std::byte* const* tables, std::uint32_t first, std::uint32_t count) {
  P256Check checks[kLaneChecks];
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t k = first + i;
    checks[i] = {&inputs.p256[k % kLaneKeys], tables[k % kLaneKeys], inputs.p256_r[k],
                 inputs.p256_s[k], inputs.p256_hash[k]};
  }
  compare("p256 known", first, count, p256_verify_known(checks, count, valid));
  for (std::uint32_t i = 0; i < count; ++i) checks[i].table = nullptr;
  compare("p256 cold", first, count, p256_verify_cold(checks, count, valid));
}

void run_rsa(std::uint32_t size, std::uint32_t first, std::uint32_t count) {
  RsaCheck checks[kLaneChecks];
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t k = first + i;
    checks[i] = {&inputs.rsa[size][k % 2], inputs.rsa_signature[size][k], inputs.rsa_hash[k]};
  }
  rsa_verify(checks, count, valid);
  compare("rsa", first, count);
}

}  // namespace

int main(int argc, char** argv) {
  if ((cpu_features() & kCpuAvx512Ifma) == 0) {
    std::printf("skipped: this CPU or operating system lacks AVX-512 IFMA\n");
    return 77;
  }
  std::FILE* const in = argc == 2 ? std::fopen(argv[1], "rb") : nullptr;
  if (in == nullptr || std::fread(&inputs, sizeof inputs, 1, in) != 1) {
    std::printf("usage: crypto_lanes_initialized_test FILE, which make_lane_inputs wrote\n");
    return 2;
  }
  std::fclose(in);
  if (!ed25519_prepare() || !p256_prepare()) return 1;
  std::byte* ed25519_tables[kLaneKeys];
  std::byte* p256_tables[kLaneKeys];
  for (unsigned k = 0; k < kLaneKeys; ++k) {
    ed25519_tables[k] = new_table(kEd25519TableBytes);
    p256_tables[k] = new_table(kP256TableBytes);
    for (std::uint32_t slice = 0; slice < kEd25519TableSlices; ++slice) {
      ed25519_build_slice(inputs.ed25519[k], ed25519_tables[k], slice);
    }
    for (std::uint32_t slice = 0; slice < kP256TableSlices; ++slice) {
      p256_build_slice(inputs.p256[k], p256_tables[k], slice);
    }
  }
  int runs = 0;
  for (std::uint32_t count = 1; count <= kLaneChecks; count += count < 18 ? 1 : 23) {
    for (std::uint32_t first = 0; first + count <= kLaneChecks && first < 3; ++first) {
      run_ed25519(ed25519_tables, first, count);
      run_p256(p256_tables, first, count);
      for (std::uint32_t size = 0; size < kRsaSizes; ++size) run_rsa(size, first, count);
      ++runs;
    }
  }
  for (unsigned k = 0; k < kLaneKeys; ++k) {
    std::free(ed25519_tables[k]);
    std::free(p256_tables[k]);
  }
  std::printf("%d runs of each algorithm, %d wrong verdicts\n", runs, wrong);
  return wrong == 0 ? 0 : 1;
}
