// SPDX-License-Identifier: Apache-2.0
// Single DTLS 1.2 records sealed and opened with OpenSSL, for what the control plane says and hears
// in epoch 1. The packets of a link are the dataplane's (crypto/link_cipher.h).
//
// AAD and nonces: RFC 5246 section 6.2.3.3, RFC 5288 section 3, RFC 7905 section 2. As GCM's
// explicit nonce we write epoch and sequence; on receipt any is taken.

#pragma once

#include <optional>
#include <span>

#include "controlplane/links/io.h"
#include "wire/dtls/record.h"
#include "wire/shm/association.h"

struct ssl_st;

namespace controlplane::links {

/// Both directions of an association. Wiped on destruction.
struct AssociationKeys {
  wire::dtls::Aead aead{};
  wire::shm::DirectionKeys write;
  wire::shm::DirectionKeys read;

  AssociationKeys() = default;
  AssociationKeys(const AssociationKeys&) = default;
  AssociationKeys& operator=(const AssociationKeys&) = default;
  ~AssociationKeys();
};

/// The key block of the handshake @p ssl is in (RFC 5246 section 6.3), from the moment its master
/// secret is known. False when there is none yet, or the suite is none of ours.
[[nodiscard]] bool derive_keys(ssl_st* ssl, Role role, AssociationKeys& out);

/// Appends the record that protects @p plaintext to @p datagram. @p header gives type, version,
/// epoch and sequence; its length is ignored. False when OpenSSL fails: nothing was appended.
[[nodiscard]] bool seal_record(wire::dtls::Aead aead, const wire::shm::DirectionKeys& keys,
                               const wire::dtls::RecordHeader& header,
                               std::span<const std::byte> plaintext, Bytes& datagram);

/// The plaintext of @p record, which is the whole record that @p header was read from; nullopt when
/// it is not authentic.
[[nodiscard]] std::optional<Bytes> open_record(wire::dtls::Aead aead,
                                               const wire::shm::DirectionKeys& keys,
                                               const wire::dtls::RecordHeader& header,
                                               std::span<const std::byte> record);

}  // namespace controlplane::links
