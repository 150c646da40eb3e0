// SPDX-License-Identifier: Apache-2.0

#include "controlplane/trust/evidence.h"

#include <algorithm>
#include <span>

namespace controlplane::trust {

bool EvidenceBook::add(const overlay::Now& now, const wire::shm::Event& event) {
  if (event.link_slot >= wire::shm::kMaxLinks) return false;
  // Whoever had the slot before is not the node now behind it.
  const auto begin = entries_.lower_bound({event.link_slot, 0, wire::shm::DropReason{}});
  for (auto entry = begin; entry != entries_.end() && entry->first.slot == event.link_slot;) {
    entry = entry->first.generation == event.generation ? std::next(entry) : entries_.erase(entry);
  }
  Evidence& evidence = entries_[{event.link_slot, event.generation, event.reason}];
  const bool first = evidence.count == 0;
  if (first) evidence.first_unix_ms = now.unix_ms;
  evidence.count += event.count;
  evidence.last_unix_ms = now.unix_ms;
  if (event.sample_length != 0) {
    const auto sample = std::span(event.sample)
                            .first(std::min<std::size_t>(event.sample_length, event.sample.size()));
    evidence.sample.assign(sample.begin(), sample.end());
    evidence.transaction_id = event.transaction_id;
  }
  return first;
}

}  // namespace controlplane::trust
