// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdio>

#include "controlplane/ctl/node_view.h"
#include "controlplane/ctl/show.h"
#include "controlplane/ctl/text_table.h"

namespace controlplane::ctl {
namespace {

Document counts_json(std::uint64_t packets, std::uint64_t cycles) {
  Document json;
  json["packets"] = packets;
  json["cycles"] = cycles;
  json["cycles_per_packet"] =
      packets == 0 ? Document(nullptr)
                   : Document(static_cast<double>(cycles) / static_cast<double>(packets));
  return json;
}

std::string one_decimal(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

}  // namespace

void show_stages(const Context& context, const ShowOptions& options) {
  const NodeView view(context);
  const auto& counters = view.region().dataplane.counters;
  Document stages = Document::array();
  std::uint64_t all_cycles = 0;
  for (std::size_t stage = 0; stage < wire::shm::kStageCount; ++stage) {
    Document lcores = Document::array();
    std::uint64_t packets = 0;
    std::uint64_t cycles = 0;
    for (std::size_t lcore = 0; lcore < view.lcore_count(); ++lcore) {
      const wire::shm::StageCounters& here = counters[lcore].stages[stage];
      lcores.push_back(counts_json(here.packets.get(), here.cycles.get()));
      packets += here.packets.get();
      cycles += here.cycles.get();
    }
    all_cycles += cycles;
    if (packets == 0 && cycles == 0 && !options.all) continue;
    Document json;
    json["stage"] = wire::shm::kStages[stage].name;
    json.update(counts_json(packets, cycles));
    json["lcores"] = std::move(lcores);
    json["text"] = wire::shm::kStages[stage].text;
    stages.push_back(std::move(json));
  }
  if (context.json) {
    Document json;
    json["tsc_hz"] = view.region().dataplane.status.tsc_hz.load();
    json["stages"] = std::move(stages);
    return print(json);
  }
  using Align = TextTable::Align;
  TextTable table({{"stage", {}},
                   {"packets", Align::kRight},
                   {"cycles", Align::kRight},
                   {"cycles/packet", Align::kRight},
                   {"share %", Align::kRight},
                   {"what it does", {}}});
  for (const Document& stage : stages) {
    const auto cycles = stage["cycles"].get<std::uint64_t>();
    const Document& each = stage["cycles_per_packet"];
    const double share =
        all_cycles == 0 ? 0.0
                        : 100.0 * static_cast<double>(cycles) / static_cast<double>(all_cycles);
    table.add({stage["stage"].get<std::string>(), grouped(stage["packets"].get<std::uint64_t>()),
               grouped(cycles), each.is_null() ? "-" : one_decimal(each.get<double>()),
               one_decimal(share), stage["text"].get<std::string>()});
  }
  if (table.empty()) {
    std::printf("No packet has come to any stage.\n");
  } else {
    table.print();
  }
  if (const std::string warning = view.warning(); !warning.empty()) {
    std::printf("%s\n", warning.c_str());
  }
}

}  // namespace controlplane::ctl
