// SPDX-License-Identifier: Apache-2.0
// One line of hopseal-bench verify: a kernel against OpenSSL, by turns in the same run.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/verify_traffic.h"

namespace bench {

struct VerifyCase {
  std::string algorithm;
  std::string kernel;
  bool known = false;  ///< with tables of the signers
  std::size_t signers = 0;
  std::size_t bytes = 0;  ///< of a message
  std::size_t batch = 0;
};

/// For one signature: time in which the thread had the CPU, in ticks of the time-stamp counter.
struct Cycles {
  double median = 0;
  double p10 = 0;  ///< tenth percentile: what an undisturbed turn takes
};

struct VerifyResult {
  VerifyCase what;
  Cycles kernel;
  Cycles openssl;
  double ratio = 0;       ///< median over the rounds of OpenSSL's cycles by the kernel's
  double ratio_p10 = 0;   ///< of the two p10
  double per_second = 0;  ///< by the kernel's median
  std::size_t table_bytes = 0;
  bool huge_pages = false;
};

/// Rounds of about a millisecond of the kernel and half of one of OpenSSL's EVP (key decoded once,
/// message in one piece), on the same messages in the same order. Throws std::runtime_error when
/// either refuses a good signature.
[[nodiscard]] VerifyResult measure(const VerifyCase& what, const crypto::KernelTable& kernel,
                                   const Signers& signers, const Traffic& traffic,
                                   const Tables* tables, std::size_t rounds);

}  // namespace bench
