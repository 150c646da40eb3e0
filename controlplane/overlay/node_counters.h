// SPDX-License-Identifier: Apache-2.0
// What the core counts; the list is node_counter.def.

#pragma once

#include <cstdint>
#include <iterator>

namespace controlplane::overlay {

struct NodeCounters {
#define COUNTER(name, help) std::uint64_t name = 0;
#include "controlplane/overlay/node_counter.def"
#undef COUNTER
};

struct NodeCounterText {
  const char* name;
  const char* help;
  std::uint64_t NodeCounters::*member;
};
inline constexpr NodeCounterText kNodeCounters[] = {
#define COUNTER(name, help) {#name, help, &NodeCounters::name},
#include "controlplane/overlay/node_counter.def"
#undef COUNTER
};

}  // namespace controlplane::overlay
