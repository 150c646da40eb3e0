// SPDX-License-Identifier: Apache-2.0
// hopseal-bench verify: what a signature check costs, beside OpenSSL in the same run.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bench/verify_measure.h"
#include "bench/verify_report.h"
#include "crypto/kernels/select.h"

namespace {

using bench::VerifyResult;

const std::vector<std::size_t> kAllSigners = {1, 8, 64, 256, 1000, 4000};
const std::vector<std::size_t> kAllBytes = {64, 200, 600, 1200};
const std::vector<std::size_t> kAllBatches = {1, 2, 4, 8, 16, 32, 64};
// What is varied one at a time unless --full asks for all combinations.
constexpr std::size_t kUsualSigners = 256;
constexpr std::size_t kUsualBytes = 200;
constexpr std::size_t kUsualBatch = 32;

struct Arguments {
  std::vector<std::string> algorithms = {"ed25519", "p256", "rsa2048"};
  std::vector<std::string> kernels;
  std::vector<std::string> paths = {"known", "cold"};
  std::vector<std::size_t> signers;
  std::vector<std::size_t> bytes;
  std::vector<std::size_t> batches;
  std::size_t rounds = 41;
  bool full = false;
  std::string json_file;
  std::string svg_prefix;
};

struct Point {
  std::size_t signers, bytes, batch;
  auto operator<=>(const Point&) const = default;
};

/// What to measure of one algorithm, with at most @p max_signers signers.
std::set<Point> points_of(const Arguments& arguments, std::size_t max_signers) {
  const bool chosen =
      !arguments.signers.empty() || !arguments.bytes.empty() || !arguments.batches.empty();
  const auto or_else = [&](const std::vector<std::size_t>& given,
                           const std::vector<std::size_t>& all, std::size_t usual) {
    if (!given.empty()) return given;
    return arguments.full ? all : std::vector<std::size_t>{usual};
  };
  std::set<Point> points;
  const auto add = [&](const std::vector<std::size_t>& signers,
                       const std::vector<std::size_t>& bytes,
                       const std::vector<std::size_t>& batches) {
    for (const std::size_t s : signers) {
      for (const std::size_t b : bytes) {
        for (const std::size_t n : batches) points.insert({std::min(s, max_signers), b, n});
      }
    }
  };
  if (chosen || arguments.full) {
    add(or_else(arguments.signers, kAllSigners, kUsualSigners),
        or_else(arguments.bytes, kAllBytes, kUsualBytes),
        or_else(arguments.batches, kAllBatches, kUsualBatch));
    return points;
  }
  add(kAllSigners, {kUsualBytes}, {kUsualBatch});
  add({kUsualSigners}, kAllBytes, {kUsualBatch});
  add({kUsualSigners}, {kUsualBytes}, kAllBatches);
  return points;
}

/// The kernels to measure; empty when a name is wrong, which is then said.
std::vector<const crypto::KernelTable*> kernels_of(const Arguments& arguments) {
  if (arguments.kernels.empty()) return {&crypto::best_kernel()};
  std::vector<const crypto::KernelTable*> kernels;
  for (const std::string& name : arguments.kernels) {
    if (name == "all") {
      for (const crypto::KernelTable* kernel : crypto::all_kernels()) {
        if (crypto::runs_here(*kernel)) kernels.push_back(kernel);
      }
      continue;
    }
    std::string why;
    kernels.push_back(crypto::find_kernel(name, why));
    if (kernels.back() == nullptr) {
      std::fprintf(stderr, "hopseal-bench verify: --kernel: %s\n", why.c_str());
      return {};
    }
  }
  return kernels;
}

void measure_algorithm(const bench::Signature& signature, const Arguments& arguments,
                       const std::vector<const crypto::KernelTable*>& kernels,
                       std::vector<VerifyResult>& results) {
  bench::Signers signers(signature);
  std::unique_ptr<bench::Traffic> traffic;
  Point made{};
  for (const Point& point : points_of(arguments, signature.max_signers)) {
    signers.grow(point.signers);
    if (traffic == nullptr || made.signers != point.signers || made.bytes != point.bytes) {
      traffic = std::make_unique<bench::Traffic>(signers, point.signers, point.bytes);
      made = point;
    }
    for (const crypto::KernelTable* kernel : kernels) {
      for (const std::string& path : arguments.paths) {
        const bool known = path == "known";
        if (known && kernel->table_bytes(signature.algorithm) == 0) continue;
        std::unique_ptr<bench::Tables> tables;
        if (known) tables = std::make_unique<bench::Tables>(*kernel, signers, point.signers);
        results.push_back(bench::measure(
            {signature.name, kernel->name, known, point.signers, point.bytes, point.batch}, *kernel,
            signers, *traffic, tables.get(), arguments.rounds));
        std::fputs(bench::table_line(results.back()).c_str(), stdout);
        std::fflush(stdout);
      }
    }
  }
}

bool write(const std::string& file, const std::string& text) {
  if (std::ofstream(file) << text << std::flush) return true;
  std::fprintf(stderr, "hopseal-bench: cannot write %s\n", file.c_str());
  return false;
}

int verify(const Arguments& arguments) {
  const auto kernels = kernels_of(arguments);
  if (kernels.empty()) return 2;
  std::vector<VerifyResult> results;
  std::fputs(bench::table_head().c_str(), stdout);
  try {
    for (const bench::Signature& signature : bench::signatures()) {
      if (std::ranges::count(arguments.algorithms, signature.name) != 0) {
        measure_algorithm(signature, arguments, kernels, results);
      }
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hopseal-bench verify: %s\n", error.what());
    return 1;
  }
  bool written = true;
  if (!arguments.json_file.empty()) {
    written = write(arguments.json_file, bench::json_document(results));
  }
  if (!arguments.svg_prefix.empty()) {
    const std::string over_signers = bench::plot_over_signers(results);
    const std::string over_batch = bench::plot_over_batch(results);
    if (!over_signers.empty()) {
      written = write(arguments.svg_prefix + "signers.svg", over_signers) && written;
    }
    if (!over_batch.empty()) {
      written = write(arguments.svg_prefix + "batch.svg", over_batch) && written;
    }
  }
  return written ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures parts of Hopseal.", "hopseal-bench");
  app.require_subcommand(1);
  Arguments arguments;
  CLI::App* const command =
      app.add_subcommand("verify", "Signature checks of each kernel, beside OpenSSL");
  command->footer(
      "Without filters signers, message bytes and batch sizes are varied one at a time around 256\n"
      "signers, 200 bytes and batches of 32. RSA has at most 8 signers.");
  std::vector<std::string> names;
  for (const bench::Signature& one : bench::signatures()) names.emplace_back(one.name);
  command->add_option("--algorithm", arguments.algorithms, "Which algorithms")
      ->delimiter(',')
      ->check(CLI::IsMember(names))
      ->capture_default_str();
  command->add_option("--kernel", arguments.kernels, "Kernels by name, or all; the best one here")
      ->delimiter(',');
  command->add_option("--path", arguments.paths, "Signers with tables, or without")
      ->delimiter(',')
      ->check(CLI::IsMember({"known", "cold"}))
      ->capture_default_str();
  command->add_option("--signers", arguments.signers, "How many signers")
      ->delimiter(',')
      ->check(CLI::Range(1, 100'000));
  command->add_option("--bytes", arguments.bytes, "Bytes of a message")
      ->delimiter(',')
      ->check(CLI::Range(1, 65536));
  command->add_option("--batch", arguments.batches, "Signatures a call")
      ->delimiter(',')
      ->check(CLI::Range(std::size_t{1}, crypto::BatchVerifier::kMaxJobs));
  command->add_option("--rounds", arguments.rounds, "Rounds of 1.5 ms for each line")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->add_flag("--full", arguments.full, "All combinations: many minutes");
  command->add_option("--json", arguments.json_file, "Write the results here as well");
  command->add_option("--svg", arguments.svg_prefix,
                      "Write plots to this and signers.svg, this and batch.svg");
  int status = 0;
  command->callback([&] { status = verify(arguments); });
  CLI11_PARSE(app, argc, argv);
  return status;
}
