// SPDX-License-Identifier: Apache-2.0
#include "bench/verify_report.h"

#include <openssl/crypto.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "bench/line_plot.h"
#include "bench/ticks.h"

namespace bench {
namespace {

constexpr std::size_t kPlotBytes = 200;
constexpr std::size_t kPlotBatch = 32;
constexpr std::size_t kPlotSigners = 256;
constexpr std::size_t kPlotRsaSigners = 8;

std::string cpu_name() {
  std::ifstream cpus("/proc/cpuinfo");
  for (std::string line; std::getline(cpus, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

const char* path_name(const VerifyCase& what) { return what.known ? "known" : "cold"; }

/// One line for each algorithm, path and kernel, and one for OpenSSL.
std::vector<PlotLine> lines_over(const std::vector<VerifyResult>& results,
                                 const std::function<bool(const VerifyCase&)>& wanted,
                                 const std::function<std::size_t(const VerifyCase&)>& x_of) {
  std::vector<PlotLine> lines;
  std::map<std::string, std::size_t> places;
  const auto add = [&](const std::string& name, double x, double y, bool dashed) {
    const auto [place, fresh] = places.try_emplace(name, lines.size());
    if (fresh) lines.push_back({name, {}, dashed});
    lines[place->second].points.emplace_back(x, y);
  };
  for (const VerifyResult& one : results) {
    if (one.what.bytes != kPlotBytes || !wanted(one.what)) continue;
    const auto x = static_cast<double>(x_of(one.what));
    const std::string kernel = one.what.kernel == "avx512ifma" ? "" : " " + one.what.kernel;
    const bool rsa = one.what.algorithm.starts_with("rsa");
    add(one.what.algorithm + (rsa ? "" : std::string(" ") + path_name(one.what)) + kernel, x,
        one.per_second, false);
    if (one.what.known || rsa) {
      add(one.what.algorithm + " OpenSSL", x, cycles_per_second() / one.openssl.median, true);
    }
  }
  return lines;
}

}  // namespace

std::string table_head() {
  return "algorithm path  signers bytes batch kernel       verify/s   cycles (p10)     OpenSSL "
         "cycles "
         "(p10)      ratio (p10)\n";
}

std::string table_line(const VerifyResult& result) {
  std::array<char, 256> text;
  const VerifyCase& what = result.what;
  std::snprintf(text.data(), text.size(),
                "%-9s %-5s %7zu %5zu %5zu %-11s %9.0f %8.0f (%7.0f) %9.0f (%8.0f) %8.1f (%5.1f)\n",
                what.algorithm.c_str(), path_name(what), what.signers, what.bytes, what.batch,
                what.kernel.c_str(), result.per_second, result.kernel.median, result.kernel.p10,
                result.openssl.median, result.openssl.p10, result.ratio, result.ratio_p10);
  return text.data();
}

std::string json_document(const std::vector<VerifyResult>& results) {
  nlohmann::ordered_json document;
  document["machine"] = {{"cpu", cpu_name()},
                         {"tsc_hz", cycles_per_second()},
                         {"openssl", OpenSSL_version(OPENSSL_VERSION)},
                         {"compiler", __VERSION__}};
  auto& list = document["results"] = nlohmann::ordered_json::array();
  for (const VerifyResult& one : results) {
    list.push_back({{"algorithm", one.what.algorithm},
                    {"path", path_name(one.what)},
                    {"signers", one.what.signers},
                    {"bytes", one.what.bytes},
                    {"batch", one.what.batch},
                    {"kernel", one.what.kernel},
                    {"per_second", one.per_second},
                    {"cycles", one.kernel.median},
                    {"cycles_p10", one.kernel.p10},
                    {"openssl_cycles", one.openssl.median},
                    {"openssl_cycles_p10", one.openssl.p10},
                    {"ratio", one.ratio},
                    {"ratio_p10", one.ratio_p10},
                    {"table_bytes", one.table_bytes},
                    {"huge_pages", one.huge_pages}});
  }
  return document.dump(1) + "\n";
}

std::string plot_over_signers(const std::vector<VerifyResult>& results) {
  return svg({"200-byte messages, batches of 32", "signers", "verifications a second, one core",
              lines_over(
                  results, [](const VerifyCase& what) { return what.batch == kPlotBatch; },
                  [](const VerifyCase& what) { return what.signers; })});
}

std::string plot_over_batch(const std::vector<VerifyResult>& results) {
  return svg({"200-byte messages, 256 signers (RSA: 8)", "signatures a call",
              "verifications a second, one core",
              lines_over(
                  results,
                  [](const VerifyCase& what) {
                    return what.signers ==
                           (what.algorithm.starts_with("rsa") ? kPlotRsaSigners : kPlotSigners);
                  },
                  [](const VerifyCase& what) { return what.batch; })});
}

}  // namespace bench
