// SPDX-License-Identifier: Apache-2.0
// What handshakes count, for those who show it; the list is handshake_counter.def.

#pragma once

#include <cstdint>

#include "controlplane/links/handshakes.h"

namespace controlplane::links {

struct HandshakeCounterText {
  const char* name;
  const char* help;
  std::uint64_t HandshakeCounters::*member;
};
inline constexpr HandshakeCounterText kHandshakeCounters[] = {
#define HANDSHAKE_COUNTER(name, help) {#name, help, &HandshakeCounters::name},
#include "controlplane/links/handshake_counter.def"
#undef HANDSHAKE_COUNTER
};

}  // namespace controlplane::links
