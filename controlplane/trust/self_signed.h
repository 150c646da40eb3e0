// SPDX-License-Identifier: Apache-2.0
// Overlays without an authority: a node signs its own certificate, and its Node-ID is the digest of
// its key, so that nobody can take another's (RFC 6940 sections 11.3.1 and 13.4; requirement E-23).

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/reload/ids.h"

namespace controlplane::trust {

/// The self-signed-permitted element of an overlay.
enum class SelfSigned : std::uint8_t { kRefused, kSha1, kSha256 };

/// The high-order 128 bits of the digest of a DER SubjectPublicKeyInfo.
/// @pre digest is not kRefused
[[nodiscard]] wire::reload::NodeId self_signed_node_id(SelfSigned digest,
                                                       std::span<const std::byte> spki);

}  // namespace controlplane::trust
