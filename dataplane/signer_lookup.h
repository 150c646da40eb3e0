// SPDX-License-Identifier: Apache-2.0
// From the SignerIdentity in a packet to the signer table, a burst at a time.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/burst.h"
#include "dataplane/keyed_tables.h"
#include "wire/reload/security_block.h"

namespace dataplane {

/// The table key in an encoded SignerIdentity that parse has accepted: type(1), length(2), hash
/// algorithm(1), hash length(1), SHA-256 (RFC 6940 section 6.3.4).
[[nodiscard]] wire::reload::SignerKey signer_key(std::span<const std::byte> identity) noexcept;

/// Sets PacketContext::signer of the packets in @p which, null for a signer the table lacks.
/// @pre each is a whole message that parse has accepted
void look_up_signers(Burst& burst, std::uint64_t which, const SignerTable& signers) noexcept;

}  // namespace dataplane
