// SPDX-License-Identifier: Apache-2.0
#include "dataplane/verify_batch.h"

#include <bit>
#include <cassert>
#include <cstring>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

#include "wire/reload/security_block.h"

namespace dataplane {

using crypto::Verdict;
using wire::shm::LcoreCounters;
using wire::shm::LinkClassPolicy;
using wire::shm::PolicyTable;

VerifyBatch::VerifyBatch(const crypto::KernelTable& kernel, crypto::KeyTablePool* tables,
                         std::uint32_t lcore, std::unique_ptr<DigestCache> cache)
    : tables_(tables), lcore_(lcore), verifier_(kernel), cache_(std::move(cache)) {}

std::unique_ptr<VerifyBatch> VerifyBatch::create(const crypto::KernelTable& kernel,
                                                 crypto::KeyTablePool* tables, std::uint32_t lcore,
                                                 std::uint32_t digest_cache_entries,
                                                 std::uint64_t tsc_hz) {
  auto cache = DigestCache::create(digest_cache_entries, tsc_hz);
  if (cache == nullptr) return nullptr;
  return std::unique_ptr<VerifyBatch>(new (std::nothrow)
                                          VerifyBatch(kernel, tables, lcore, std::move(cache)));
}

void VerifyBatch::follow(const PolicyTable& policy, const Turn& turn) noexcept {
  static_assert(std::has_unique_object_representations_v<LinkClassPolicy>);
  if (!cache_->on() || (policy.overlay == seen_overlay_ &&
                        std::memcmp(&policy.classes, &seen_classes_, sizeof policy.classes) == 0)) {
    return;
  }
  seen_overlay_ = policy.overlay;
  seen_classes_ = policy.classes;
  cache_->clear(cache_->milliseconds_at(turn.tsc));
}

void VerifyBatch::add(const CheckedMessage& message, const SignerEntry& signer, rte_mbuf* mbuf,
                      unsigned slot) noexcept {
  assert(size_ < kMaxJobs);
  crypto::VerifyJob& job = jobs_[size_];
  job.signed_parts =
      wire::reload::signed_parts(message.message, message.contents, message.identity);
  job.key = signer.key.get();
  job.signature = message.signature;
  subjects_[size_] = {mbuf, slot, message.message_code, message.message, &signer};
  ++size_;
}

/// The jobs that the cache cannot answer move up.
void VerifyBatch::recall(std::uint64_t now_ms, LcoreCounters& counters) noexcept {
  for (std::size_t k = 0; k < size_; ++k) {
    const auto& part = jobs_[k].signed_parts;
    const std::span<const std::byte> message = subjects_[k].message;
    // The contents begin right behind the forwarding header.
    const auto header_bytes = static_cast<std::size_t>(part[2].data() - message.data());
    digests_[k] = cache_->digest_of(part[0], part[1], subjects_[k].signer->epoch,
                                    message.subspan(header_bytes));
    cache_->prefetch(digests_[k]);
  }
  asked_count_ = 0;
  for (std::size_t k = 0; k < size_; ++k) {
    if (cache_->has(digests_[k], now_ms)) {
      answers_[k] = Answer::kRecalled;
      counters.digest_cache_hits.add(1);
      continue;
    }
    asked_[asked_count_] = static_cast<std::uint8_t>(k);
    if (asked_count_ != k) jobs_[asked_count_] = jobs_[k];
    ++asked_count_;
  }
}

void VerifyBatch::answer(const Turn& turn, LcoreCounters& counters) noexcept {
  const bool caches = cache_->on();
  const std::uint64_t now_ms = caches ? cache_->milliseconds_at(turn.tsc) : 0;
  if (caches) {
    recall(now_ms, counters);
  } else {
    for (std::size_t k = 0; k < size_; ++k) asked_[k] = static_cast<std::uint8_t>(k);
    asked_count_ = size_;
  }
  if (asked_count_ == 0) return;
  for (std::size_t n = 0; tables_ != nullptr && n < asked_count_; ++n) {
    jobs_[n].table = tables_->table(subjects_[asked_[n]].signer->table_id, lcore_);
  }
  verifier_.verify(std::span<const crypto::VerifyJob>(jobs_).first(asked_count_),
                   std::span(verdicts_).first(asked_count_));
  counters.verify_batch[static_cast<std::size_t>(std::bit_width(asked_count_ - 1))].add(1);
  for (std::size_t n = 0; n < asked_count_; ++n) {
    const std::size_t k = asked_[n];
    switch (verdicts_[n]) {
      case Verdict::kValid:
        answers_[k] = Answer::kVerified;
        counters.verified.add(1);
        if (caches) cache_->add(digests_[k], now_ms);
        break;
      case Verdict::kBadSignature:
        answers_[k] = Answer::kBadSignature;
        break;
      case Verdict::kTooLong:
        answers_[k] = Answer::kTooLong;
        break;
    }
  }
}

void VerifyBatch::publish(LcoreCounters& counters) const noexcept {
  const crypto::BatchStatistics& made = verifier_.statistics();
  static_assert(std::tuple_size_v<decltype(made.paths)> == wire::shm::kVerifyAlgorithms);
  static_assert(crypto::BatchStatistics::kLanes == wire::shm::kVerifyLanes);
  for (std::size_t a = 0; a < made.paths.size(); ++a) {
    counters.verify_paths[a].known.set(made.paths[a].known);
    counters.verify_paths[a].cold.set(made.paths[a].cold);
    counters.verify_paths[a].openssl.set(made.paths[a].openssl);
  }
  for (std::size_t lanes = 0; lanes < made.occupancy.size(); ++lanes) {
    counters.lanes_filled[lanes].set(made.occupancy[lanes]);
  }
}

}  // namespace dataplane
