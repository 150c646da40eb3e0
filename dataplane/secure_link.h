// SPDX-License-Identifier: Apache-2.0
// What a secure (DTLS) link needs beside LinkRuntime, on the worker that owns it.

#pragma once

#include <cstdint>

#include "dataplane/mbuf_queue.h"
#include "dataplane/token_bucket.h"

namespace dataplane {

/// All zeros: nothing known, nothing waits.
struct SecureLink {
  TokenBucket handshakes;  ///< datagrams for the control plane
  MbufQueue datagrams;     ///< of the control plane, which wait for the next hop's MAC address
};

}  // namespace dataplane
