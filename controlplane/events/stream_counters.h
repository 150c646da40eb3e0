// SPDX-License-Identifier: Apache-2.0
// What TLS links count, for those who show it; the lists are stream_counter.def and
// links/tls_socket_counter.def.

#pragma once

#include <cstdint>

#include "controlplane/events/stream_links.h"

namespace controlplane::events {

struct StreamCounterText {
  const char* name;
  const char* help;
  std::uint64_t StreamCounters::*member;
};
inline constexpr StreamCounterText kStreamCounters[] = {
#define STREAM_COUNTER(name, help) {#name, help, &StreamCounters::name},
#include "controlplane/events/stream_counter.def"
#undef STREAM_COUNTER
};

struct TlsSocketCounterText {
  const char* name;
  const char* help;
  std::uint64_t links::TlsSocketCounters::*member;
};
inline constexpr TlsSocketCounterText kTlsSocketCounters[] = {
#define TLS_SOCKET_COUNTER(name, help) {#name, help, &links::TlsSocketCounters::name},
#include "controlplane/links/tls_socket_counter.def"
#undef TLS_SOCKET_COUNTER
};

}  // namespace controlplane::events
