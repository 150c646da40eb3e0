// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "controlplane/ctl/node_view.h"
#include "controlplane/ctl/show.h"
#include "controlplane/ctl/text_table.h"

namespace controlplane::ctl {
namespace {

using wire::shm::Counter;
using wire::shm::LcoreCounters;

/// The ledger's remainder may go below zero for a moment; a counter stores it as it is.
std::int64_t as_signed(std::uint64_t value) { return static_cast<std::int64_t>(value); }

std::uint64_t all_drops(const LcoreCounters& lcore) {
  std::uint64_t sum = 0;
  for (const Counter& drop : lcore.drops) sum += drop.get();
  return sum;
}

bool is_unaccounted(const wire::shm::CounterInfo& counter) {
  return counter.member == &LcoreCounters::unaccounted;
}

void add_counters(Document& json, const LcoreCounters& lcore) {
  Document counters;
  for (const wire::shm::CounterInfo& counter : wire::shm::kCounters) {
    const std::uint64_t value = (lcore.*counter.member).get();
    counters[counter.name] = is_unaccounted(counter) ? Document(as_signed(value)) : Document(value);
  }
  counters["dropped"] = all_drops(lcore);
  json["counters"] = std::move(counters);
  Document batches = Document::array();
  for (const Counter& batch : lcore.verify_batch) batches.push_back(batch.get());
  json["verify_batch"] = std::move(batches);
  Document checks;
  for (std::size_t a = 0; a < lcore.verify_paths.size(); ++a) {
    for (const wire::shm::VerifyPathInfo& path : wire::shm::kVerifyPaths) {
      checks[wire::shm::kVerifyAlgorithmNames[a]][path.name] =
          (lcore.verify_paths[a].*path.member).get();
    }
  }
  json["checks"] = std::move(checks);
  Document lanes = Document::array();
  for (const Counter& passes : lcore.lanes_filled) lanes.push_back(passes.get());
  json["lanes_filled"] = std::move(lanes);
}

Document sum_json(const Document& lcores) {
  Document sum = Document::object();
  for (const Document& lcore : lcores) {
    for (const auto& [name, value] : lcore["counters"].items()) {
      const std::int64_t before = sum.contains(name) ? sum[name].get<std::int64_t>() : 0;
      sum[name] = before + value.get<std::int64_t>();
    }
  }
  return sum;
}

void add_row(TextTable& table, const Document& lcores, const Document& total, const char* name,
             const char* help, bool all) {
  if (!all && total.value(name, std::int64_t{0}) == 0) return;
  std::vector<std::string> cells = {name};
  const auto cell = [&](const Document& counts) {
    const auto value = counts[name].get<std::int64_t>();
    return value < 0 ? "-" + grouped(static_cast<std::uint64_t>(-value))
                     : grouped(static_cast<std::uint64_t>(value));
  };
  for (const Document& lcore : lcores) cells.push_back(cell(lcore["counters"]));
  if (lcores.size() > 1) cells.push_back(cell(total));
  cells.emplace_back(help);
  table.add(std::move(cells));
}

}  // namespace

void show_lcores(const Context& context, const ShowOptions& options) {
  const NodeView view(context);
  Document lcores = Document::array();
  for (std::size_t lcore = 0; lcore < view.lcore_count(); ++lcore) {
    Document json;
    json["lcore"] = lcore;
    add_counters(json, view.region().dataplane.counters[lcore]);
    lcores.push_back(std::move(json));
  }
  const Document total = sum_json(lcores);
  if (context.json) {
    Document json;
    json["lcores"] = std::move(lcores);
    json["total"] = total;
    return print(json);
  }
  if (lcores.empty()) {
    std::printf("No lcores: %s\n", view.warning().c_str());
    return;
  }
  std::vector<TextTable::Column> columns = {{"counter", {}}};
  for (const Document& lcore : lcores) {
    columns.push_back({"lcore " + lcore["lcore"].dump(), TextTable::Align::kRight});
  }
  if (lcores.size() > 1) columns.push_back({"all", TextTable::Align::kRight});
  columns.push_back({"what it counts (packets, unless it says otherwise)", {}});
  TextTable table(std::move(columns));
  for (const wire::shm::CounterInfo& counter : wire::shm::kCounters) {
    add_row(table, lcores, total, counter.name, counter.help,
            options.all || is_unaccounted(counter));
    if (is_unaccounted(counter)) {
      add_row(table, lcores, total, "dropped", "for any reason; see hopsealctl show drops", true);
    }
  }
  table.print();
  if (const std::string warning = view.warning(); !warning.empty()) {
    std::printf("%s\n", warning.c_str());
  }
}

}  // namespace controlplane::ctl
