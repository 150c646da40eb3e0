// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "controlplane/ctl/node_view.h"
#include "controlplane/ctl/show.h"
#include "controlplane/ctl/text_table.h"

namespace controlplane::ctl {

void show_drops(const Context& context, const ShowOptions& options) {
  const NodeView view(context);
  const auto& counters = view.region().dataplane.counters;
  Document drops = Document::array();
  std::uint64_t total = 0;
  for (std::size_t reason = 0; reason < wire::shm::kDropReasonCount; ++reason) {
    Document lcores = Document::array();
    std::uint64_t count = 0;
    for (std::size_t lcore = 0; lcore < view.lcore_count(); ++lcore) {
      const std::uint64_t here = counters[lcore].drops[reason].get();
      lcores.push_back(here);
      count += here;
    }
    total += count;
    if (count == 0 && !options.all) continue;
    const wire::shm::DropReasonInfo& about = wire::shm::kDropReasons[reason];
    drops.push_back({{"reason", about.name},
                     {"stage", about.stage},
                     {"count", count},
                     {"lcores", std::move(lcores)},
                     {"answer", about.answer},
                     {"text", about.text}});
  }
  if (context.json) {
    Document json;
    json["total"] = total;
    json["drops"] = std::move(drops);
    return print(json);
  }
  TextTable table({{"dropped", TextTable::Align::kRight},
                   {"reason", {}},
                   {"stage", {}},
                   {"what happened", {}},
                   {"RFC 6940 answer", {}}});
  for (const Document& drop : drops) {
    table.add({grouped(drop["count"].get<std::uint64_t>()), drop["reason"].get<std::string>(),
               drop["stage"].get<std::string>(), drop["text"].get<std::string>(),
               drop["answer"].get<std::string>()});
  }
  if (table.empty()) {
    std::printf("Nothing was dropped.\n");
  } else {
    table.print();
  }
  if (const std::string warning = view.warning(); !warning.empty()) {
    std::printf("%s\n", warning.c_str());
  }
}

}  // namespace controlplane::ctl
