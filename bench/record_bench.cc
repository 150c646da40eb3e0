// SPDX-License-Identifier: Apache-2.0
// What a record costs through the record layer, beside what the cipher library takes by itself.
//
//   record/aead:aes128-gcm/bytes:300/sessions:16384
//
// Three things are measured by turns in one loop, so that the machine's mood is the same for all:
// ipsec-mb's direct calls with 64 sessions (`hot`), the same calls with as many sessions as the
// line says and no prefetch (`library`), and the record layer with those sessions (`layer`). A turn
// is a batch of 64 records of 64 sessions in random order: all are sealed, then all are opened with
// the tags compared. A session has a key for each direction, as a node has. Figures are medians of
// cycles for one seal and one open together. `of_hot` is hot over layer, `of_library` is library
// over layer: 1 when headers, nonces, windows and counters cost nothing.

#include <benchmark/benchmark.h>
#include <intel-ipsec-mb.h>
#include <sys/mman.h>
#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "bench/samples.h"
#include "dataplane/record_layer.h"

namespace {

using bench::Samples;
using crypto::AeadCipher;
using dataplane::RecordKeys;
using dataplane::RecordState;
using wire::dtls::Aead;

constexpr std::size_t kBatch = crypto::LinkCipher::kMaxJobs;
constexpr std::size_t kHotSessions = 64;
/// Turns of one measurement before the next has its turns: the first ones bring its keys back into
/// the caches, and the median does not see them.
constexpr unsigned kTurns = 8;
constexpr std::size_t kNonceAndAadBytes = 12 + 13;

/// Objects in huge pages where enough are free, in plain pages otherwise.
template <class T>
class Pages {
 public:
  explicit Pages(std::size_t count) : count_(count) {
    constexpr std::size_t kHugePage = std::size_t{2} << 20U;
    bytes_ = (count * sizeof(T) + kHugePage - 1) / kHugePage * kHugePage;
    void* memory = map(MAP_HUGETLB);
    huge_ = memory != MAP_FAILED;
    if (!huge_) memory = map(0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    items_ = static_cast<T*>(memory);
    std::uninitialized_default_construct_n(items_, count);
  }
  ~Pages() {
    std::destroy_n(items_, count_);
    munmap(static_cast<void*>(items_), bytes_);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  T& operator[](std::size_t i) { return items_[i]; }
  [[nodiscard]] bool huge() const { return huge_; }

 private:
  void* map(int flags) const {
    return mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | flags, -1, 0);
  }
  std::size_t count_;
  std::size_t bytes_ = 0;
  bool huge_ = false;
  T* items_ = nullptr;
};

/// 64 sessions a batch, each once while there are so many.
class Order {
 public:
  explicit Order(std::size_t sessions) : order_(sessions) {
    for (std::size_t i = 0; i < sessions; ++i) order_[i] = static_cast<std::uint32_t>(i);
  }
  std::span<const std::uint32_t> next() {
    if (at_ == 0) std::shuffle(order_.begin(), order_.end(), random_);
    const auto batch = std::span(order_).subspan(at_, kBatch);
    at_ = (at_ + kBatch) % (order_.size() / kBatch * kBatch);
    return batch;
  }

 private:
  std::vector<std::uint32_t> order_;
  std::size_t at_ = 0;
  std::mt19937 random_{11};
};

/// Records of a batch, each in a buffer of an mbuf's size, shifted as frames are.
class Buffers {
 public:
  std::span<std::byte> record(std::size_t i, std::size_t bytes) {
    return {storage_.data() + i * kStride + kHeadroom, bytes};
  }

 private:
  static constexpr std::size_t kStride = 2048 + 128;
  static constexpr std::size_t kHeadroom = 128 + 42;
  std::vector<std::byte> storage_ = std::vector<std::byte>(kBatch * kStride, std::byte{0x3c});
};

/// ipsec-mb alone: keys, and nonces and additional data that lie ready.
class Library {
 public:
  Library(IMB_MGR* manager, std::size_t sessions, std::size_t bytes)
      : manager_(manager), keys_(sessions * 2), order_(sessions), bytes_(bytes) {
    std::mt19937_64 random(3);
    for (std::size_t i = 0; i < sessions; ++i) {
      const std::uint64_t key[2] = {random(), random()};
      IMB_AES128_GCM_PRE(manager_, key, &keys_[2 * i]);
      IMB_AES128_GCM_PRE(manager_, key, &keys_[2 * i + 1]);
    }
    for (std::size_t i = 0; i < kBatch * kNonceAndAadBytes; ++i) {
      bound_.push_back(static_cast<std::uint8_t>(random()));
    }
  }
  /// Cycles of a batch; 0 when a tag was wrong.
  std::uint64_t turn() {
    const std::span<const std::uint32_t> sessions = order_.next();
    gcm_context_data context;
    bool good = true;
    const std::uint64_t before = __rdtsc();
    for (std::size_t i = 0; i < kBatch; ++i) {
      std::uint8_t* const text = text_of(i);
      IMB_AES128_GCM_ENC(manager_, &keys_[2 * sessions[i]], &context, text, text, bytes_, nonce(i),
                         nonce(i) + 12, 13, text + bytes_, 16);
    }
    for (std::size_t i = 0; i < kBatch; ++i) {
      std::uint8_t* const text = text_of(i);
      std::array<std::uint8_t, 16> tag;
      IMB_AES128_GCM_DEC(manager_, &keys_[2 * sessions[i] + 1], &context, text, text, bytes_,
                         nonce(i), nonce(i) + 12, 13, tag.data(), 16);
      good &= std::memcmp(tag.data(), text + bytes_, 16) == 0;
    }
    const std::uint64_t spent = __rdtsc() - before;
    return good ? spent : 0;
  }
  [[nodiscard]] bool huge() const { return keys_.huge(); }

 private:
  std::uint8_t* text_of(std::size_t i) {
    return reinterpret_cast<std::uint8_t*>(buffers_.record(i, bytes_ + 16).data());
  }
  const std::uint8_t* nonce(std::size_t i) const { return &bound_[i * kNonceAndAadBytes]; }

  IMB_MGR* manager_;
  Pages<gcm_key_data> keys_;
  Order order_;
  Buffers buffers_;
  std::vector<std::uint8_t> bound_;
  std::size_t bytes_;
};

/// The record layer. A session's two keys are the same key twice, so that it opens what it seals.
class Layer {
 public:
  Layer(crypto::LinkCipher& cipher, Aead aead, std::size_t sessions, std::size_t bytes)
      : cipher_(cipher),
        keys_(sessions),
        states_(sessions),
        order_(sessions),
        record_bytes_(wire::dtls::record_overhead(aead) + bytes) {
    std::mt19937_64 random(5);
    for (std::size_t i = 0; i < sessions; ++i) {
      wire::shm::AssociationRecord record;
      record.aead = aead;
      for (std::size_t k = 0; k < wire::dtls::key_bytes(aead); ++k) {
        record.write.key[k] = static_cast<std::byte>(random());
      }
      record.read = record.write;
      if (!keys_[i].expand(cipher, record)) throw std::bad_alloc();
      states_[i] = RecordState(keys_[i], 1);
    }
  }
  /// As Library::turn().
  std::uint64_t turn() {
    const std::span<const std::uint32_t> sessions = order_.next();
    std::array<dataplane::SealJob, kBatch> seals;
    std::array<dataplane::OpenJob, kBatch> opens;
    for (std::size_t i = 0; i < kBatch; ++i) {
      RecordState* const state = &states_[sessions[i]];
      const std::span<std::byte> record = buffers_.record(i, record_bytes_);
      seals[i] = {state, wire::dtls::ContentType::kApplicationData, record};
      opens[i] = {record, state, nullptr};
    }
    std::array<dataplane::SealVerdict, kBatch> sealed;
    std::array<dataplane::OpenedRecord, kBatch> opened;
    const std::uint64_t before = __rdtsc();
    dataplane::seal_records(cipher_, seals, sealed);
    dataplane::open_records(cipher_, opens, opened);
    const std::uint64_t spent = __rdtsc() - before;
    for (const dataplane::OpenedRecord& record : opened) {
      if (record.verdict != dataplane::OpenVerdict::kOpened) return 0;
    }
    return spent;
  }
  [[nodiscard]] bool huge() const { return keys_.huge(); }

 private:
  crypto::LinkCipher& cipher_;
  Pages<RecordKeys> keys_;
  Pages<RecordState> states_;
  Order order_;
  Buffers buffers_;
  std::size_t record_bytes_;
};

/// The EAL is not up here, so DPDK does not know.
double tsc_hz() {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const std::uint64_t first = __rdtsc();
  while (Clock::now() - start < std::chrono::milliseconds(50)) {
  }
  return static_cast<double>(__rdtsc() - first) /
         std::chrono::duration<double>(Clock::now() - start).count();
}

template <class Subject>
std::uint64_t take_turns(benchmark::State& state, Subject& subject, Samples& samples) {
  std::uint64_t all = 0;
  for (unsigned i = 0; i < kTurns; ++i) {
    const std::uint64_t spent = subject.turn();
    if (spent == 0) state.SkipWithError("a record does not open");
    samples.add(spent, kBatch);
    all += spent;
  }
  return all;
}

void record(benchmark::State& state, crypto::LinkCipher& cipher, IMB_MGR* manager, Aead aead,
            std::size_t bytes, std::size_t sessions) {
  const bool has_library = aead == Aead::kAes128Gcm;
  Layer layer(cipher, aead, sessions, bytes);
  Library hot(manager, kHotSessions, bytes);
  Library library(manager, sessions, bytes);
  Samples with_layer, with_hot, with_library;
  static const double hz = tsc_hz();
  for (auto _ : state) {
    if (has_library) {
      take_turns(state, hot, with_hot);
      take_turns(state, library, with_library);
    }
    state.SetIterationTime(static_cast<double>(take_turns(state, layer, with_layer)) / hz);
  }
  const double cycles = with_layer.quantile(0.5);
  bench::report(state, with_layer);
  state.counters["per_second"] = hz / cycles;
  if (has_library) {
    state.counters["hot"] = with_hot.quantile(0.5);
    state.counters["library"] = with_library.quantile(0.5);
    state.counters["of_hot"] = with_hot.quantile(0.5) / cycles;
    state.counters["of_library"] = with_library.quantile(0.5) / cycles;
  }
  state.SetLabel(layer.huge() && library.huge() ? "huge pages" : "plain pages");
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  std::string error;
  const std::unique_ptr<crypto::LinkCipher> cipher = crypto::LinkCipher::create(error);
  const std::unique_ptr<IMB_MGR, decltype(&free_mb_mgr)> manager(alloc_mb_mgr(0), &free_mb_mgr);
  if (cipher == nullptr || manager == nullptr) {
    std::fprintf(stderr, "record_bench: %s\n", error.c_str());
    return 1;
  }
  IMB_ARCH chosen = IMB_ARCH_NONE;
  init_mb_mgr_auto(manager.get(), &chosen);
  for (const Aead aead : {Aead::kAes128Gcm, Aead::kAes256Gcm, Aead::kChaCha20Poly1305}) {
    for (const std::size_t bytes : {300U, 1200U}) {
      for (const std::size_t sessions : {64U, 1024U, 4096U, 16384U}) {
        const std::string name =
            std::string("record/aead:") + wire::dtls::kAeadNames[static_cast<std::size_t>(aead)] +
            "/bytes:" + std::to_string(bytes) + "/sessions:" + std::to_string(sessions);
        benchmark::RegisterBenchmark(name.c_str(), [=, &cipher, &manager](benchmark::State& state) {
          record(state, *cipher, manager.get(), aead, bytes, sessions);
        })->UseManualTime();
      }
    }
  }
  benchmark::RunSpecifiedBenchmarks();
}
