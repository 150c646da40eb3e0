// SPDX-License-Identifier: Apache-2.0
// A Node-ID as one number: a point of the ring, modulo 2^128 (RFC 6940 section 10.1, I-16).

#pragma once

#include <cstdint>

#include "wire/reload/ids.h"

namespace wire::reload {

/// Two words that compare in two instructions without a branch, and whose overflow is the wrap.
__extension__ using RingPoint = unsigned __int128;

[[nodiscard]] inline RingPoint ring_point(const NodeId& id) noexcept {
  return static_cast<RingPoint>(id.high()) << 64U | id.low();
}

}  // namespace wire::reload
