// SPDX-License-Identifier: Apache-2.0
// Both ends' keys of one association, and what anybody who has them can do.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/record_layer.h"
#include "wire/shm/association.h"

namespace tests {

using Bytes = std::vector<std::byte>;

/// The keys follow from the number.
struct AssociationPair {
  std::uint32_t number = 1;
  wire::dtls::Aead aead = wire::dtls::Aead::kAes128Gcm;
  std::uint64_t first_sequence = 1;
  wire::shm::DirectionKeys of_a, of_b;

  AssociationPair(std::uint32_t named, wire::dtls::Aead cipher, std::uint64_t first = 1);
  [[nodiscard]] wire::shm::AssociationRecord for_a(std::uint16_t slot = 0) const;
  [[nodiscard]] wire::shm::AssociationRecord for_b(std::uint16_t slot = 0) const;

  /// A record with this number, outside of any count. Empty when the cipher fails.
  [[nodiscard]] Bytes seal_as_a(crypto::LinkCipher& cipher, std::uint64_t sequence,
                                const Bytes& plaintext, std::uint8_t content_type = 23) const;
  [[nodiscard]] Bytes seal_as_b(crypto::LinkCipher& cipher, std::uint64_t sequence,
                                const Bytes& plaintext, std::uint8_t content_type = 23) const;
  /// The plaintext of a datagram that is one record by the other end.
  [[nodiscard]] std::optional<Bytes> opens_as_a(crypto::LinkCipher& cipher, Bytes datagram) const;
  [[nodiscard]] std::optional<Bytes> opens_as_b(crypto::LinkCipher& cipher, Bytes datagram) const;
};

}  // namespace tests
