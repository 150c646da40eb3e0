// SPDX-License-Identifier: Apache-2.0
// Readers on threads of their own while the writer adds, removes, builds and evicts. What the
// tables contain shows a wrong reuse; ThreadSanitizer shows one that happened to be harmless.

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <thread>

#include "crypto/key_table_pool.h"
#include "tests/crypto/key_table_pool_rig.h"

namespace crypto::test {
namespace {

constexpr std::uint32_t kReaders = 2;
constexpr std::size_t kSlots = 6;
constexpr std::uint32_t kSigners = 40;
constexpr std::size_t kMembers = 24;

/// What the dataplane's signer table has: an entry that never changes once it is visible.
struct Entry {
  KeyTablePool::SignerId id;
  std::shared_ptr<const PublicKey> key;
};

struct Overlay {
  KeyMaker keys{Algorithm::kEd25519};
  TableMemory memory{kSlots};
  Epochs epochs{kReaders};
  KeyTablePool pool{{rig_kernel(), memory.span(), kSigners, kReaders, epochs}};
  std::array<std::atomic<const Entry*>, kMembers> members{};
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> wrong{0};
  std::atomic<std::uint64_t> with_table{0};

  void read(std::uint32_t reader) {
    std::mt19937 random(reader);
    std::uint64_t found = 0;
    while (!stop.load(std::memory_order_relaxed)) {
      // One burst: everything is looked up first and used afterwards, as the verify stage does.
      std::array<std::pair<const Entry*, const std::byte*>, 16> burst{};
      for (auto& [entry, table] : burst) {
        // Squared, so that some members are heard much more than others.
        const double place = static_cast<double>(random()) / 0x1p32;
        entry = members[static_cast<std::size_t>(place * place * kMembers)].load(
            std::memory_order_acquire);
        table = entry == nullptr ? nullptr : pool.table(entry->id, reader);
      }
      for (const auto& [entry, table] : burst) {
        if (table == nullptr) continue;
        ++found;
        if (!is_table_of(*entry->key, table)) wrong.fetch_add(1);
      }
      epochs.quiescent(reader);
      std::this_thread::yield();
    }
    with_table.fetch_add(found);
  }
};

TEST(KeyTablePoolThreads, ReadersOnlyEverSeeCompleteTablesOfTheirSigner) {
  Overlay overlay;
  std::vector<std::unique_ptr<const Entry>>
      entries;  // kept to the end: their reuse is not the test
  const auto join = [&](std::size_t member) {
    auto key = overlay.keys.make();
    const KeyTablePool::SignerId id = overlay.pool.add(key);
    entries.push_back(std::make_unique<const Entry>(Entry{id, std::move(key)}));
    overlay.members[member].store(entries.back().get(), std::memory_order_release);
  };
  for (std::size_t member = 0; member < kMembers; ++member) join(member);
  std::vector<std::thread> readers;
  for (std::uint32_t reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([&overlay, reader] { overlay.read(reader); });
  }
  std::mt19937 random(1);
  std::uint64_t now_ms = 0;
  // Two seconds, and longer where readers get so little of a busy machine that nobody was evicted.
  const auto begin = std::chrono::steady_clock::now();
  const auto goes_on = [&] {
    const auto spent = std::chrono::steady_clock::now() - begin;
    const auto seen = overlay.pool.statistics();
    return spent < std::chrono::seconds(2) ||
           (spent < std::chrono::seconds(60) && (seen.evictions == 0 || seen.builds <= 20));
  };
  for (int turn = 0; goes_on(); ++turn) {
    if (turn % 64 == 0) {
      const std::size_t member = random() % kMembers;
      const Entry* const old = overlay.members[member].load(std::memory_order_relaxed);
      overlay.members[member].store(nullptr, std::memory_order_release);
      overlay.pool.remove(old->id);
      join(member);
    }
    now_ms += 7;
    (void)overlay.pool.step(now_ms);
    if (turn % 16 == 0) std::this_thread::yield();
  }
  overlay.stop.store(true);
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(overlay.wrong.load(), 0U);
  EXPECT_GT(overlay.with_table.load(), 100U);
  EXPECT_GT(overlay.pool.statistics().builds, 20U);
  EXPECT_GT(overlay.pool.statistics().evictions, 0U);
  EXPECT_LE(overlay.pool.statistics().used_bytes, overlay.pool.statistics().capacity_bytes);
}

}  // namespace
}  // namespace crypto::test
