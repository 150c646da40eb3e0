// SPDX-License-Identifier: Apache-2.0
// What is checked, how, and how well the vector lanes are used. All lcores together; show lcores
// --json has each.

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "controlplane/ctl/node_view.h"
#include "controlplane/ctl/show.h"
#include "controlplane/ctl/text_table.h"

namespace controlplane::ctl {
namespace {

using wire::shm::Counter;
using wire::shm::DataplaneStatus;
using wire::shm::DropReason;
using wire::shm::LcoreCounters;
using wire::shm::LinkClassPolicy;
using Align = TextTable::Align;

/// Calls @p of for each lcore's counters and adds up.
template <class Of>
std::uint64_t sum(const NodeView& view, Of of) {
  std::uint64_t total = 0;
  for (std::size_t lcore = 0; lcore < view.lcore_count(); ++lcore) {
    total += of(view.region().dataplane.counters[lcore]).get();
  }
  return total;
}

template <class Array>
Document histogram(const NodeView& view, Array LcoreCounters::*member) {
  Document counts = Document::array();
  for (std::size_t k = 0; k < std::tuple_size_v<Array>; ++k) {
    counts.push_back(sum(
        view, [&](const LcoreCounters& lcore) -> const Counter& { return (lcore.*member)[k]; }));
  }
  return counts;
}

Document policy_json(const NodeView& view) {
  const auto policy = NodeView::copy(view.region().tables.policy);
  Document classes;
  for (std::size_t c = 0; c < policy->classes.size(); ++c) {
    const LinkClassPolicy& each = policy->classes[c];
    classes[wire::shm::kLinkClassNames[c]] = {
        {"verify", wire::shm::kVerifyPolicyNames[static_cast<std::size_t>(each.verify)]},
        {"sample_one_in", each.sample_one_in},
        {"fragments", wire::shm::kFragmentPolicyNames[static_cast<std::size_t>(each.fragments)]}};
  }
  return classes;
}

Document messages_json(const NodeView& view) {
  Document json;
  for (const wire::shm::CounterInfo& counter : wire::shm::kCounters) {
    constexpr std::array kOfVerify = {
        &LcoreCounters::verified, &LcoreCounters::digest_cache_hits, &LcoreCounters::verify_off,
        &LcoreCounters::verify_not_sampled, &LcoreCounters::fragments_passed};
    if (std::ranges::find(kOfVerify, counter.member) == kOfVerify.end()) continue;
    json[counter.name] =
        sum(view, [&](const LcoreCounters& l) -> const Counter& { return l.*counter.member; });
  }
  json["bad_signature"] = sum(view, [](const LcoreCounters& l) -> const Counter& {
    return l.drops[static_cast<std::size_t>(DropReason::kBadSignature)];
  });
  return json;
}

/// Share of @p part in percent, or null of nothing.
Document percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? Document(nullptr)
                    : Document(100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

Document checks_json(const NodeView& view) {
  Document checks = Document::array();
  for (std::size_t a = 0; a < wire::shm::kVerifyAlgorithms; ++a) {
    Document json;
    json["algorithm"] = wire::shm::kVerifyAlgorithmNames[a];
    std::uint64_t all = 0;
    for (const wire::shm::VerifyPathInfo& path : wire::shm::kVerifyPaths) {
      const std::uint64_t count = sum(view, [&](const LcoreCounters& l) -> const Counter& {
        return l.verify_paths[a].*path.member;
      });
      json[path.name] = count;
      all += count;
    }
    json["known_percent"] = percent(json["known"].get<std::uint64_t>(), all);
    checks.push_back(std::move(json));
  }
  return checks;
}

Document tables_json(const DataplaneStatus& status) {
  return {{"count", status.tables.load()},
          {"bytes_used", status.table_bytes_used.load()},
          {"bytes", status.table_bytes.load()},
          {"builds", status.table_builds.load()},
          {"evictions", status.table_evictions.load()},
          {"builds_abandoned", status.table_builds_abandoned.load()},
          {"huge_pages", status.table_huge_pages.load() != 0}};
}

std::string cell(const Document& json, const char* key) {
  return grouped(json[key].get<std::uint64_t>());
}

std::string percent_text(const Document& value) {
  if (value.is_null()) return "-";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value.get<double>());
  return text.data();
}

void print_policy(const Document& policy) {
  TextTable table({{"link class", {}}, {"messages checked", {}}, {"fragments", {}}});
  for (const auto& [name, each] : policy.items()) {
    std::string verify = each["verify"].get<std::string>();
    if (verify == "sample") verify = "one in " + each["sample_one_in"].dump();
    table.add({name, verify, each["fragments"].get<std::string>()});
  }
  table.print();
}

void print_messages(const Document& messages) {
  TextTable table({{"messages", Align::kRight}, {"what became of them", {}}});
  for (const auto& [name, count] : messages.items()) {
    table.add({grouped(count.get<std::uint64_t>()), name});
  }
  table.print();
}

void print_checks(const Document& checks) {
  TextTable table({{"checks by algorithm", {}},
                   {"with table", Align::kRight},
                   {"in lanes, no table", Align::kRight},
                   {"by OpenSSL", Align::kRight},
                   {"with table %", Align::kRight}});
  for (const Document& each : checks) {
    table.add({each["algorithm"].get<std::string>(), cell(each, "known"), cell(each, "cold"),
               cell(each, "openssl"), percent_text(each["known_percent"])});
  }
  table.print();
}

/// @param names  of the buckets
template <class Names>
void print_histogram(const char* heading, const char* counted, const Names& names,
                     const Document& counts) {
  std::uint64_t all = 0;
  for (const Document& count : counts) all += count.get<std::uint64_t>();
  TextTable table({{heading, {}}, {counted, Align::kRight}, {"share %", Align::kRight}});
  std::size_t bucket = 0;
  for (const Document& count : counts) {
    table.add({names[bucket++], grouped(count.get<std::uint64_t>()),
               percent_text(percent(count.get<std::uint64_t>(), all))});
  }
  table.print();
}

}  // namespace

std::string known_signers_text(const DataplaneStatus& status) {
  constexpr double kMiB = 1 << 20;
  const auto mib = [](std::uint64_t bytes) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f", static_cast<double>(bytes) / kMiB);
    return std::string(text.data());
  };
  if (status.table_bytes.load() == 0)
    return "no tables: the kernel has none, or no memory for them";
  return grouped(status.tables.load()) + " with tables, " + mib(status.table_bytes_used.load()) +
         " of " + mib(status.table_bytes.load()) + " MiB in " +
         (status.table_huge_pages.load() != 0 ? "huge" : "plain") + " pages; " +
         grouped(status.table_builds.load()) + " built, " + grouped(status.table_evictions.load()) +
         " evicted";
}

void show_verify(const Context& context) {
  const NodeView view(context);
  const DataplaneStatus& status = view.region().dataplane.status;
  Document json;
  json["kernel"] = text_of(status.kernel);
  json["policy"] = policy_json(view);
  json["messages"] = messages_json(view);
  json["checks"] = checks_json(view);
  json["lanes_filled"] = histogram(view, &LcoreCounters::lanes_filled);
  json["verify_batch"] = histogram(view, &LcoreCounters::verify_batch);
  json["tables"] = tables_json(status);
  if (context.json) return print(json);

  std::printf("Verify kernel %s. Known signers: %s.\n\n", json["kernel"].get<std::string>().c_str(),
              known_signers_text(status).c_str());
  print_policy(json["policy"]);
  std::printf("\n");
  print_messages(json["messages"]);
  std::printf("\n");
  print_checks(json["checks"]);
  std::printf("\n");
  print_histogram("lanes filled", "passes", wire::shm::kVerifyLaneNames, json["lanes_filled"]);
  std::printf("\n");
  print_histogram("checks in a burst", "bursts", wire::shm::kVerifyBatchNames,
                  json["verify_batch"]);
  if (const std::string warning = view.warning(); !warning.empty()) {
    std::printf("\n%s\n", warning.c_str());
  }
}

}  // namespace controlplane::ctl
