// SPDX-License-Identifier: Apache-2.0
#include "crypto/key_table_pool.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace crypto {
namespace {

/// A score counts uses in 256ths and loses a 256th of itself in each sweep.
constexpr std::uint32_t kOneUse = 256;
constexpr std::uint32_t kDecay = 256;
/// More uses than this in one sweep count as this many, so that a score stays below 2^32.
constexpr std::uint32_t kMaxUses = 1U << 15U;
constexpr std::uint32_t kAdmitScore = KeyTablePool::kAdmitUses * kOneUse;

constexpr std::array<Algorithm, kAlgorithmCount> kAlgorithms = {
    Algorithm::kRsaPkcs1Sha256, Algorithm::kEcdsaP256Sha256, Algorithm::kEd25519};

std::size_t largest_table(const KernelTable& kernel) {
  std::size_t largest = 0;
  for (const Algorithm algorithm : kAlgorithms) {
    largest = std::max(largest, kernel.table_bytes(algorithm));
  }
  return largest;
}

bool clearly_beats(std::uint32_t candidate, std::uint32_t victim) noexcept {
  return candidate > 2 * std::uint64_t{victim} + kAdmitScore;
}

/// Keeps the @p limit elements that come first by @p before, in a heap whose front comes last.
template <class Element, class Before>
void keep_first(std::vector<Element>& heap, const Element& element, std::size_t limit,
                Before before) {
  if (heap.size() == limit) {
    if (!before(element, heap.front())) return;
    std::ranges::pop_heap(heap, before);
    heap.pop_back();
  }
  heap.push_back(element);
  std::ranges::push_heap(heap, before);
}

constexpr auto kHigherScore = [](const auto& a, const auto& b) { return a.score > b.score; };
constexpr auto kLowerScore = [](const auto& a, const auto& b) { return a.score < b.score; };

}  // namespace

KeyTablePool::KeyTablePool(const Setup& setup)
    : setup_(setup),
      slot_bytes_(largest_table(setup.kernel)),
      tables_(new std::atomic<const std::byte*>[setup.max_signers]()),
      signers_(setup.max_signers) {
  for (std::uint32_t reader = 0; reader < setup.readers; ++reader) {
    uses_.emplace_back(new std::atomic<std::uint32_t>[setup.max_signers]());
  }
  // Names and slots are taken from the back: the lowest first.
  free_ids_.reserve(setup.max_signers);
  for (SignerId id = setup.max_signers; id > 0; --id) free_ids_.push_back(id - 1);
  const std::size_t slots = slot_bytes_ == 0 ? 0 : setup.memory.size() / slot_bytes_;
  for (std::size_t slot = slots; slot > 0; --slot) {
    free_slots_.push_back(static_cast<std::uint32_t>(slot - 1));
  }
  candidates_.reserve(kMaxQueued);
  victims_.reserve(kMaxQueued);
  statistics_.capacity_bytes = slots * slot_bytes_;
}

KeyTablePool::~KeyTablePool() = default;

std::uint32_t KeyTablePool::uses_of(SignerId id) const noexcept {
  std::uint32_t sum = 0;
  for (const auto& uses : uses_) sum += uses[id].load(std::memory_order_relaxed);
  return sum;
}

std::byte* KeyTablePool::slot_memory(std::uint32_t slot) const noexcept {
  return setup_.memory.data() + slot * slot_bytes_;
}

void KeyTablePool::free_slot(std::uint32_t slot) {
  free_slots_.push_back(slot);
  statistics_.used_bytes -= slot_bytes_;
}

KeyTablePool::SignerId KeyTablePool::add(std::shared_ptr<const PublicKey> key) {
  if (statistics_.capacity_bytes == 0 || !setup_.kernel.takes_table(*key)) return kNoSigner;
  reclaim();
  if (free_ids_.empty()) return kNoSigner;
  const SignerId id = free_ids_.back();
  free_ids_.pop_back();
  highest_ = std::max(highest_, id + 1);
  signers_[id] = {std::move(key), 0, uses_of(id), kNoSlot, State::kCold};
  return id;
}

/// Readers get no table from now on; the slot waits for them.
void KeyTablePool::take_table_from(SignerId id) {
  tables_[id].store(nullptr, std::memory_order_release);
  --statistics_.tables;
}

void KeyTablePool::remove(SignerId id) {
  if (id == kNoSigner) return;
  Signer& signer = signers_[id];
  assert(signer.state != State::kFree && signer.state != State::kLeaving);
  std::uint32_t slot = kNoSlot;
  if (signer.state == State::kKnown) {
    take_table_from(id);
    slot = signer.slot;
  } else if (signer.state == State::kBuilding) {
    free_slot(signer.slot);  // no reader ever saw it
    ++statistics_.abandoned;
  }
  std::erase(queue_, id);
  signer = {nullptr, 0, 0, kNoSlot, State::kLeaving};
  retired_.push_back({setup_.grace.start(), slot, id});
}

void KeyTablePool::reclaim() {
  while (!retired_.empty() && setup_.grace.passed(retired_.front().token)) {
    const Retired& done = retired_.front();
    if (done.slot != kNoSlot) free_slot(done.slot);
    if (done.id != kNoSigner) {
      signers_[done.id].state = State::kFree;
      free_ids_.push_back(done.id);
    }
    retired_.pop_front();
  }
}

void KeyTablePool::visit(SignerId id) {
  Signer& signer = signers_[id];
  if (signer.key == nullptr) return;
  const std::uint32_t count = uses_of(id);
  const std::uint32_t uses = std::min(count - signer.seen, kMaxUses);
  signer.seen = count;
  signer.score -= (signer.score + kDecay - 1) / kDecay;
  signer.score += uses * kOneUse;
  if (signer.state == State::kCold && signer.score >= kAdmitScore) {
    keep_first(candidates_, Scored{signer.score, id}, kMaxQueued, kHigherScore);
  } else if (signer.state == State::kKnown) {
    keep_first(victims_, Scored{signer.score, id}, kMaxQueued, kLowerScore);
  }
}

void KeyTablePool::sweep_some() {
  const SignerId end = std::min(sweep_at_ + kSignersPerStep, highest_);
  for (; sweep_at_ < end; ++sweep_at_) visit(sweep_at_);
  if (sweep_at_ < highest_) return;
  sweeping_ = false;
  admit();
}

/// Queues the best candidates: for slots that are or get free, then for those of the worst tables.
void KeyTablePool::admit() {
  std::ranges::sort(candidates_, kHigherScore);
  std::ranges::sort(victims_, kLowerScore);
  const auto still_is = [this](const Scored& scored, State state) {
    // Removed since the visit; perhaps the name is somebody else's by now.
    return signers_[scored.id].state == state && signers_[scored.id].score == scored.score;
  };
  std::size_t coming =
      free_slots_.size() + static_cast<std::size_t>(std::ranges::count_if(
                               retired_, [](const Retired& r) { return r.slot != kNoSlot; }));
  std::size_t promised = static_cast<std::size_t>(std::ranges::count_if(
      queue_, [this](SignerId id) { return signers_[id].state == State::kQueued; }));
  auto victim = victims_.begin();
  for (const Scored& candidate : candidates_) {
    if (queue_.size() >= kMaxQueued) break;
    if (!still_is(candidate, State::kCold)) continue;
    if (promised >= coming) {
      while (victim != victims_.end() && !still_is(*victim, State::kKnown)) ++victim;
      if (victim == victims_.end() || !clearly_beats(candidate.score, victim->score)) break;
      Signer& loser = signers_[victim->id];
      take_table_from(victim->id);
      retired_.push_back({setup_.grace.start(), loser.slot, kNoSigner});
      loser.slot = kNoSlot;
      loser.state = State::kCold;
      ++statistics_.evictions;
      ++victim;
      ++coming;
    }
    signers_[candidate.id].state = State::kQueued;
    queue_.push_back(candidate.id);
    ++promised;
  }
}

/// One slice for the signer in front; with the last one readers get the table.
void KeyTablePool::build_some() {
  const SignerId id = queue_.front();
  Signer& signer = signers_[id];
  if (signer.state == State::kQueued) {
    signer.slot = free_slots_.back();
    free_slots_.pop_back();
    statistics_.used_bytes += slot_bytes_;
    signer.state = State::kBuilding;
    next_slice_ = 0;
  }
  std::byte* const table = slot_memory(signer.slot);
  setup_.kernel.build_slice(*signer.key, table, next_slice_++);
  if (next_slice_ < setup_.kernel.table_slices(signer.key->algorithm())) return;
  queue_.pop_front();
  signer.state = State::kKnown;
  ++statistics_.builds;
  ++statistics_.tables;
  tables_[id].store(table, std::memory_order_release);
}

bool KeyTablePool::step(std::uint64_t now_ms) {
  reclaim();
  if (!sweeping_ && (!swept_once_ || now_ms - sweep_began_ms_ >= kSweepMs)) {
    sweeping_ = swept_once_ = true;
    sweep_began_ms_ = now_ms;
    sweep_at_ = 0;
    candidates_.clear();
    victims_.clear();
  }
  const bool can_build = !queue_.empty() && (signers_[queue_.front()].state == State::kBuilding ||
                                             !free_slots_.empty());
  // By turns, so that neither a long sweep nor a long queue keeps the other waiting.
  build_next_ = can_build && (build_next_ || !sweeping_);
  if (build_next_) {
    build_some();
    build_next_ = false;
    return true;
  }
  build_next_ = true;
  if (!sweeping_) return false;
  sweep_some();
  return true;
}

}  // namespace crypto
