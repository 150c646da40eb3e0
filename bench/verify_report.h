// SPDX-License-Identifier: Apache-2.0
// Results of hopseal-bench verify as text, JSON and plots.

#pragma once

#include <string>
#include <vector>

#include "bench/verify_measure.h"

namespace bench {

/// The table's heading, and one line of it for each result as it comes.
[[nodiscard]] std::string table_head();
[[nodiscard]] std::string table_line(const VerifyResult& result);

/// One document: the machine, and every result by name.
[[nodiscard]] std::string json_document(const std::vector<VerifyResult>& results);

/// Rates over signers (in batches of 32) and over batch sizes (of 256 signers, RSA of 8), of
/// 200-byte messages, with OpenSSL's as dashed lines. Empty when nothing of that was measured.
[[nodiscard]] std::string plot_over_signers(const std::vector<VerifyResult>& results);
[[nodiscard]] std::string plot_over_batch(const std::vector<VerifyResult>& results);

}  // namespace bench
