// SPDX-License-Identifier: Apache-2.0
// What checking every message costs a worker, beside what it should cost.
//
//   verified/bytes:300/signers:256/kernel:avx512ifma
//
// Three things are measured by turns in one loop, so that the machine's mood is the same for all:
// the whole pipeline of a node with verify off (`forward`), the batch verifier alone on the same
// messages with the same tables (`check`), and the whole pipeline of a node with verify all
// (`cycles`). All are medians of cycles per message, in bursts of 32. `share` is what forward and
// check predict over what the pipeline takes: 1 when verification costs the pipeline nothing but
// itself. `per_second` is messages at this machine's TSC clock. All messages are signed with
// Ed25519 by signers that have tables where the kernel has such; the digest cache is off.

#include <benchmark/benchmark.h>
#include <rte_cycles.h>

#include <array>
#include <cstdio>
#include <deque>
#include <string>
#include <vector>

#include "bench/bench_eal.h"
#include "bench/bench_node.h"
#include "bench/samples.h"
#include "crypto/batch_verify.h"
#include "crypto/kernels/select.h"
#include "dataplane/signer_lookup.h"
#include "dataplane/verify_parts.h"

namespace {

using namespace bench;
using tests::dataplane::TestSigner;
using wire::shm::VerifyPolicy;

/// The jobs of @p node's messages, with its own keys and tables.
std::vector<crypto::VerifyJob> jobs_of(BenchNode& node) {
  std::vector<crypto::VerifyJob> jobs;
  for (const Bytes& message : node.messages()) {
    wire::reload::ForwardingHeader header;
    dataplane::CheckedMessage parts;
    dataplane::DropReason why{};
    if (!wire::reload::parse_forwarding_header(message, header).ok() ||
        !dataplane::find_parts(message, header.size(), parts, why)) {
      return {};
    }
    const wire::reload::SignerKey key = dataplane::signer_key(parts.identity);
    const wire::reload::SignerKey* const pointer = &key;
    const dataplane::SignerEntry* signer = nullptr;
    node.shared().signers.find(std::span(&pointer, 1), std::span(&signer, 1));
    if (signer == nullptr) return {};
    jobs.push_back(
        {.signed_parts = wire::reload::signed_parts(message, parts.contents, parts.identity),
         .key = signer->key.get(),
         .signature = parts.signature,
         .table = node.shared().tables.table(signer->table_id, 0)});
  }
  return jobs;
}

void verified(benchmark::State& state, std::size_t bytes, std::size_t signer_count,
              const crypto::KernelTable& kernel) {
  std::deque<TestSigner> signers;
  for (std::size_t n = 0; n < signer_count; ++n) signers.emplace_back(static_cast<unsigned>(n + 1));
  BenchNode forwards(signers, bytes, kernel.name, VerifyPolicy::kOff);
  BenchNode verifies(signers, bytes, kernel.name, VerifyPolicy::kAll);
  const bool has_tables = kernel.table_bytes(crypto::Algorithm::kEd25519) != 0;
  if (!forwards.warm_up(0) || !verifies.warm_up(has_tables ? signer_count : 0)) {
    state.SkipWithError("tables are not built in time");
    return;
  }
  const std::vector<crypto::VerifyJob> jobs = jobs_of(verifies);
  if (jobs.empty()) {
    state.SkipWithError("a message does not parse");
    return;
  }
  crypto::BatchVerifier verifier(kernel);
  std::array<crypto::Verdict, kPerTurn> verdicts;
  Samples off, check, all;
  std::size_t at = 0;
  for (auto _ : state) {
    forwards.turn(off);
    const std::uint64_t before = rte_rdtsc();
    verifier.verify(std::span(jobs).subspan(at, kPerTurn), verdicts);
    check.add(rte_rdtsc() - before, kPerTurn);
    at = (at + kPerTurn) % (jobs.size() / kPerTurn * kPerTurn);
    for (const crypto::Verdict verdict : verdicts) {
      if (verdict != crypto::Verdict::kValid) state.SkipWithError("a signature is refused");
    }
    state.SetIterationTime(verifies.turn(all) / static_cast<double>(rte_get_tsc_hz()));
  }
  report(state, all);
  const double predicted = off.quantile(0.5) + check.quantile(0.5);
  state.counters["forward"] = off.quantile(0.5);
  state.counters["check"] = check.quantile(0.5);
  state.counters["share"] = predicted / all.quantile(0.5);
  state.counters["per_second"] = static_cast<double>(rte_get_tsc_hz()) / all.quantile(0.5);
}

void register_all() {
  for (const std::size_t bytes : {200U, 300U, 1200U}) {
    for (const std::size_t signers : {1U, 64U, 256U}) {
      for (const crypto::KernelTable* kernel : crypto::all_kernels()) {
        if (!crypto::runs_here(*kernel)) continue;
        benchmark::RegisterBenchmark(
            ("verified/bytes:" + std::to_string(bytes) + "/signers:" + std::to_string(signers) +
             "/kernel:" + kernel->name)
                .c_str(),
            [=](benchmark::State& state) { verified(state, bytes, signers, *kernel); })
            ->UseManualTime();
      }
    }
  }
  benchmark::RegisterBenchmark("openssl_ed25519/bytes:300",
                               [](benchmark::State& state) { openssl_ed25519(state, 300); });
}

}  // namespace

int main(int argc, char** argv) { return run_benchmarks(argc, argv, register_all); }
