// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/link_send.h"

namespace dataplane {

namespace {

void hand_to_owners(Burst& burst, const LinkSurroundings& around) noexcept {
  std::array<std::uint8_t, kBurstSize> wanted;
  bool foreign = false;
  for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    wanted[i] = static_cast<std::uint8_t>(burst.context(i).next_hop % around.workers);
    foreign = foreign || wanted[i] != around.worker;
  }
  if (!foreign) return;
  hand_over(burst, wanted, Resume::kLinkSend, around.worker, around.hand_off, around.counters);
}

}  // namespace

void link_send(Burst& burst, LinkLayer& links, const wire::shm::PolicyTable& policy,
               std::uint64_t now_tsc) noexcept {
  const LinkSurroundings& around = links.around();
  if (around.workers > 1) hand_to_owners(burst, around);
  for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    const LinkEntry* const entry = around.table.by_slot(burst.context(i).next_hop);
    if (entry == nullptr || !may_serve(entry->record.protocol, policy)) {
      burst.drop(i, DropReason::kLinkDown);
      continue;
    }
    LinkRuntime& link = links.open(*entry);
    if (link.protocol == wire::shm::LinkProtocol::kVirtual) {
      links.pass_to_stream(link, burst.take(i));
    } else {
      links.submit(link, burst.take(i), policy, now_tsc);
    }
  }
  links.serve_ready(policy, now_tsc);
}

}  // namespace dataplane
