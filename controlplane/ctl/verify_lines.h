// SPDX-License-Identifier: Apache-2.0
// Signatures to check as JSON lines, and their verdicts.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/batch_verify.h"
#include "crypto/known_table.h"

namespace controlplane::ctl {

/// One input line.
struct VerifyLine {
  std::uint64_t number = 0;  ///< in the input, from 1
  std::string error;         ///< why the line is no signature to check: names the key; or empty
  crypto::Verdict verdict = crypto::Verdict::kBadSignature;  ///< only without an error
};

/// Collects lines and checks them in batches. Verdicts come in the order of the lines.
class LineVerifier {
 public:
  /// @param known  give each key's table to the kernel, if it has any
  LineVerifier(const crypto::KernelTable& kernel, bool known);

  /// {"alg": ..., "key": ..., "msg": ..., "sig": ...}; a blank line is counted and left out.
  void add(std::string_view line);
  /// True when a batch is full: take() before the next add().
  [[nodiscard]] bool full() const noexcept {
    return pending_.size() == crypto::BatchVerifier::kMaxJobs;
  }
  /// The lines since the last take(), with verdicts.
  [[nodiscard]] std::vector<VerifyLine> take();

 private:
  /// A key and its table, kept for lines to come.
  struct Key {
    std::unique_ptr<crypto::PublicKey> key;
    std::unique_ptr<crypto::KnownTable> table;  ///< nullptr without known
    std::string error;
  };
  struct Pending {
    VerifyLine line;
    std::shared_ptr<const Key> key;
    std::vector<std::byte> message;
    std::vector<std::byte> signature;
  };
  static constexpr std::size_t kMaxKeys = 4096;

  [[nodiscard]] Pending parse(std::string_view line);
  [[nodiscard]] std::shared_ptr<const Key> key_of(crypto::Algorithm algorithm,
                                                  const std::string& hex);

  const crypto::KernelTable& kernel_;
  const bool known_;
  crypto::BatchVerifier verifier_;
  std::uint64_t lines_ = 0;
  std::vector<Pending> pending_;
  std::map<std::string, std::shared_ptr<const Key>> keys_;  ///< by algorithm and hex
};

}  // namespace controlplane::ctl
