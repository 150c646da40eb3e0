// SPDX-License-Identifier: Apache-2.0
// What a secure (DTLS) link needs beside LinkRuntime, on the worker that owns it.

#pragma once

#include <cstdint>

#include "dataplane/mbuf_queue.h"
#include "dataplane/record_layer.h"
#include "dataplane/token_bucket.h"

namespace dataplane {

/// All zeros: no keys, nothing waits.
struct SecureLink {
  RecordState current;       ///< seals all, and opens first; valid when number is not 0
  RecordState previous;      ///< opens what came late; valid when previous_number is not 0
  std::uint32_t number = 0;  ///< Association::number of current
  std::uint32_t previous_number = 0;
  std::uint64_t installed_tsc = 0;  ///< when current was taken into use
  std::uint64_t asked_tsc = 0;      ///< when the control plane was last asked for keys
  std::uint64_t handshake_tsc = 0;  ///< when a handshake datagram last came; 0: never
  std::uint64_t opened_before = 0;  ///< records of associations that are gone
  std::uint64_t sealed_before = 0;
  TokenBucket handshakes;  ///< datagrams for the control plane
  MbufQueue datagrams;     ///< of the control plane, waiting for the next hop's MAC

  /// While new keys may be on their way, a record that no key opens may be sealed with those.
  [[nodiscard]] bool expects_keys(std::uint64_t now_tsc, std::uint64_t tsc_hz) const noexcept {
    return handshake_tsc != 0 && now_tsc - handshake_tsc < kHandshakeS * tsc_hz;
  }
  static constexpr std::uint64_t kHandshakeS = 5;
};

}  // namespace dataplane
