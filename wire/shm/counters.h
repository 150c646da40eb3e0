// SPDX-License-Identifier: Apache-2.0
// What each lcore counts: one block per lcore, written by that lcore alone with relaxed stores,
// read by anybody (control plane, hopsealctl, exporters) at any time.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "wire/shm/layout.h"

namespace wire::shm {

enum class DropReason : std::uint8_t {
#define DROP(Name, counter, stage, text, answer) k##Name,
#include "wire/shm/drop_reason.def"
#undef DROP
};
struct DropReasonInfo {
  const char* name;
  const char* stage;
  const char* text;
  const char* answer;  ///< the RFC 6940 error the control plane sends, or "-"
};
inline constexpr DropReasonInfo kDropReasons[] = {
#define DROP(Name, counter, stage, text, answer) {counter, #stage, text, answer},
#include "wire/shm/drop_reason.def"
#undef DROP
};
inline constexpr std::size_t kDropReasonCount = std::size(kDropReasons);
static_assert(kDropReasonCount < 256);

enum class Stage : std::uint8_t {
#define STAGE(Name, name, text) k##Name,
#include "wire/shm/stage.def"
#undef STAGE
};
struct StageInfo {
  const char* name;
  const char* text;
};
inline constexpr StageInfo kStages[] = {
#define STAGE(Name, name, text) {name, text},
#include "wire/shm/stage.def"
#undef STAGE
};
inline constexpr std::size_t kStageCount = std::size(kStages);

/// A number with one writer. Readers may be behind, never torn.
class Counter {
 public:
  void add(std::uint64_t n) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t get() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};
static_assert(sizeof(Counter) == 8);

/// Packets that entered a stage and TSC cycles spent there.
struct StageCounters {
  Counter packets;
  Counter cycles;
};

/// Signature checks of one algorithm, by how they were made. Copied at housekeeping turns.
struct VerifyPathCounters {
  Counter known;    ///< in vector lanes, with the signer's table
  Counter cold;     ///< in vector lanes, without a table (RSA: always)
  Counter openssl;  ///< by OpenSSL: too few jobs for lanes, or none that lanes can take
};
inline constexpr std::size_t kVerifyAlgorithms = 3;
/// By SignatureAlgorithm.
inline constexpr const char* kVerifyAlgorithmNames[kVerifyAlgorithms] = {
    "rsa-pkcs1-sha256", "ecdsa-p256-sha256", "ed25519"};
struct VerifyPathInfo {
  const char* name;
  Counter VerifyPathCounters::*member;
};
inline constexpr VerifyPathInfo kVerifyPaths[] = {{"known", &VerifyPathCounters::known},
                                                  {"cold", &VerifyPathCounters::cold},
                                                  {"openssl", &VerifyPathCounters::openssl}};
inline constexpr const char* kVerifyLaneNames[] = {"1", "2", "3", "4", "5", "6", "7", "8"};
inline constexpr std::size_t kVerifyLanes = std::size(kVerifyLaneNames);
inline constexpr const char* kVerifyBatchNames[] = {"1",    "2",     "3-4",  "5-8",
                                                    "9-16", "17-32", "33-64"};

struct alignas(kCacheLine) LcoreCounters {
#define COUNTER(name, kind, help) Counter name;
#include "wire/shm/counter.def"
#undef COUNTER
  std::array<Counter, kDropReasonCount> drops;
  std::array<StageCounters, kStageCount> stages;
  /// Jobs per verify call, in powers of two: 1, 2, 3-4, 5-8, ... 33-64.
  std::array<Counter, std::size(kVerifyBatchNames)> verify_batch;
  std::array<VerifyPathCounters, kVerifyAlgorithms> verify_paths;
  /// [k]: passes of a vector kernel that had k + 1 lanes filled. Copied at housekeeping turns.
  std::array<Counter, kVerifyLanes> lanes_filled;
};

struct CounterInfo {
  const char* name;
  bool gauge;
  const char* help;
  Counter LcoreCounters::*member;
};
enum class CounterKind : bool { counter = false, gauge = true };
inline constexpr CounterInfo kCounters[] = {
#define COUNTER(name, kind, help) \
  {#name, CounterKind::kind == CounterKind::gauge, help, &LcoreCounters::name},
#include "wire/shm/counter.def"
#undef COUNTER
};

/// What the ledger does not explain; 0 in a sound dataplane. Exact only when the lcore is between
/// two turns, which is when it calls this itself for LcoreCounters::unaccounted.
[[nodiscard]] std::int64_t ledger_difference(const LcoreCounters& counters) noexcept;

}  // namespace wire::shm
