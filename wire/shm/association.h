// SPDX-License-Identifier: Apache-2.0
// A secure association of a link, as the control plane hands it over when its handshake is done.

#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "wire/dtls/aead.h"
#include "wire/shm/layout.h"

namespace wire::shm {

/// One direction's share of the key block (RFC 5246 section 6.3). Bytes beyond what the cipher uses
/// are zero.
struct DirectionKeys {
  std::array<std::byte, dtls::kMaxKeyBytes> key{};
  std::array<std::byte, dtls::kMaxIvBytes> iv{};
};

/// Names the keys of a link that are to go; see CommandKind::kForgetAssociations.
struct AssociationsOfLink {
  std::uint16_t slot = kNoLink;
  std::uint8_t generation = 0;
};

/// Keys of one association, both directions. Secret: whoever holds a copy wipes it after use, and
/// it is in no log, trace or core dump. Valid for one run of the dataplane: installed again, it
/// would repeat sequence numbers.
struct AssociationRecord {
  std::uint16_t slot = kNoLink;  ///< of the link; generation as in its LinkRecord
  std::uint8_t generation = 0;
  dtls::Aead aead = dtls::Aead::kAes128Gcm;
  std::uint32_t association = 0;  ///< this node's number for it, never 0, not used before
  /// Sequence number of the first record the dataplane sends in epoch 1. The handshake used those
  /// below.
  std::uint64_t write_sequence = 0;
  DirectionKeys write;
  DirectionKeys read;
};
static_assert(std::is_trivially_copyable_v<AssociationRecord>);

}  // namespace wire::shm
