// SPDX-License-Identifier: Apache-2.0
// A flight of a DTLS handshake (RFC 6347 section 4.2.4): records that are sent together, and again
// together when no answer comes. Kept in clear, because every time they go out they get new
// sequence numbers.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "controlplane/links/io.h"
#include "controlplane/links/record_cipher.h"
#include "wire/dtls/record.h"

namespace controlplane::links {

struct FlightRecord {
  wire::dtls::RecordHeader header;  ///< sequence as OpenSSL had it, length of the plaintext
  bool starts_datagram = false;
  Bytes plaintext;
};
using Flight = std::vector<FlightRecord>;

/// The next sequence number of each epoch there is.
using Sequences = std::array<std::uint64_t, 2>;

/// Numbers and seals @p flight as datagrams, appended to @p out; advances @p sequences. False when
/// OpenSSL cannot seal.
[[nodiscard]] bool write_flight(const Flight& flight, const AssociationKeys& keys,
                                Sequences& sequences, std::vector<Bytes>& out);

/// The reverse, for what OpenSSL wrote: records of epoch 1 are opened with the write key of
/// @p keys. nullopt when something in it is no record of ours.
[[nodiscard]] std::optional<Flight> read_flight(const std::vector<Bytes>& datagrams,
                                                const AssociationKeys& keys);

/// Does any of @p datagrams hold a record that is protected?
[[nodiscard]] bool has_protected_record(const std::vector<Bytes>& datagrams);

}  // namespace controlplane::links
