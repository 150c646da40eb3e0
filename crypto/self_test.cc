// SPDX-License-Identifier: Apache-2.0
#include "crypto/self_test.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include "crypto/known_table.h"

namespace crypto {
namespace {

std::vector<std::byte> from_hex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::vector<std::byte> bytes(hex.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
  }
  return bytes;
}

/// A known answer with the memory its jobs borrow.
struct Case {
  const KnownAnswer* answer = nullptr;
  std::unique_ptr<PublicKey> key;
  std::unique_ptr<KnownTable> table;
  std::vector<std::byte> message;
  std::vector<std::byte> signature;

  /// @p cut  how much of the message goes into the first part; the rest into the third.
  /// @p known  with the signer's table, if there is one
  [[nodiscard]] VerifyJob job(std::size_t cut, bool known) const {
    const std::span<const std::byte> all(message);
    const std::size_t first = std::min(cut, all.size());
    VerifyJob job;
    job.signed_parts[0] = all.first(first);
    job.signed_parts[2] = all.subspan(first);
    job.key = key.get();
    job.signature = signature;
    if (known) job.table = table->get();
    return job;
  }
};

bool make_cases(const KernelTable& kernel, std::vector<Case>& cases, std::string& why) {
  for (const KnownAnswer& answer : known_answers()) {
    Case made;
    made.answer = &answer;
    made.key = PublicKey::from_spki(from_hex(answer.spki), why);
    if (made.key == nullptr) {
      why = std::string(answer.name) + ": " + why;
      return false;
    }
    made.table = std::make_unique<KnownTable>(kernel, *made.key);
    made.message = from_hex(answer.message);
    made.signature = from_hex(answer.signature);
    cases.push_back(std::move(made));
  }
  return true;
}

/// Which of a batch's jobs bring their signer's table.
enum class Tables { kNone, kAll, kEverySecond };

bool all_right(BatchVerifier& verifier, const std::vector<Case>& cases, Tables tables,
               std::string& why) {
  // Sizes below, at and above any lane count, each starting at another case, so that every case
  // meets different neighbours and different lanes.
  std::vector<VerifyJob> jobs;
  std::vector<Verdict> verdicts;
  std::size_t start = 0;
  for (const std::size_t size : {std::size_t{1}, std::size_t{3}, std::size_t{8}, std::size_t{17},
                                 cases.size(), BatchVerifier::kMaxJobs}) {
    for (std::size_t covered = 0; covered < cases.size(); covered += size) {
      jobs.clear();
      for (std::size_t i = 0; i < size; ++i) {
        const bool known =
            tables == Tables::kAll || (tables == Tables::kEverySecond && (start + i) % 2 == 0);
        jobs.push_back(cases[(start + i) % cases.size()].job(i % 4, known));
      }
      verdicts.assign(size, Verdict::kTooLong);
      verifier.verify(jobs, verdicts);
      for (std::size_t i = 0; i < size; ++i) {
        const KnownAnswer& answer = *cases[(start + i) % cases.size()].answer;
        if (verdicts[i] == answer.verdict) continue;
        why = std::string("wrong verdict on \"") + answer.name + "\" in a batch of " +
              std::to_string(size) + (jobs[i].table != nullptr ? ", with a table" : "");
        return false;
      }
      start += size;
    }
  }
  return true;
}

}  // namespace

bool self_test(const KernelTable& kernel, std::string& why) {
  why.clear();
  std::vector<Case> cases;
  if (!make_cases(kernel, cases, why)) return false;
  BatchVerifier verifier(kernel);
  if (!all_right(verifier, cases, Tables::kNone, why)) return false;
  const bool has_tables =
      std::ranges::any_of(cases, [](const Case& one) { return one.table->get() != nullptr; });
  return !has_tables || (all_right(verifier, cases, Tables::kAll, why) &&
                         all_right(verifier, cases, Tables::kEverySecond, why));
}

}  // namespace crypto
