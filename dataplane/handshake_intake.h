// SPDX-License-Identifier: Apache-2.0
// Datagrams of DTLS handshakes on their way to the control plane: metered, then copied into a ring.
//
// A datagram costs the control plane a thousand times what it costs here, and anybody can send one.
// So links and strangers have buckets of their own: a flood from forged addresses empties the
// strangers' bucket, and configured neighbours still complete their handshakes.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/packet_context.h"
#include "dataplane/port_table.h"
#include "dataplane/token_bucket.h"
#include "wire/shm/policy_table.h"
#include "wire/shm/region.h"

namespace dataplane {

/// True when the datagram could be the first of a handshake: a ClientHello in a record of epoch 0.
/// All else from a stranger is noise, since an association begins with nothing else.
[[nodiscard]] bool is_client_hello(std::span<const std::byte> datagram) noexcept;

/// Of one worker.
class HandshakeIntake {
 public:
  /// @param ring  to the control plane; must outlive this
  HandshakeIntake(wire::shm::HandshakeRing& ring, std::uint64_t tsc_hz) noexcept
      : ring_(ring), tsc_hz_(tsc_hz) {}

  /// Copies @p datagram up, with endpoints and port of @p context. False with @p why
  /// (handshake_rate, handshake_ring_full) when it must be dropped.
  /// Cost: a copy of the record into the ring, two of the bytes.
  ///
  /// @param context  link_in and link_generation set
  /// @param bucket   the link's
  [[nodiscard]] bool from_link(const PacketContext& context, std::span<const std::byte> datagram,
                               TokenBucket& bucket, const wire::shm::PolicyTable& policy,
                               std::uint64_t now_tsc, wire::shm::DropReason& why) noexcept;
  /// The same for an address pair that no link has; also false with unknown_link, for what is no
  /// ClientHello.
  /// @param frame  the Ethernet frame the datagram came in
  [[nodiscard]] bool from_stranger(const PacketContext& context, std::span<const std::byte> frame,
                                   std::span<const std::byte> datagram,
                                   const wire::shm::PolicyTable& policy, std::uint64_t now_tsc,
                                   wire::shm::DropReason& why) noexcept;

 private:
  /// @param mac  of who sent the frame
  [[nodiscard]] bool push(const PacketContext& context, std::span<const std::byte> datagram,
                          const MacAddress& mac, std::uint64_t now_tsc,
                          wire::shm::DropReason& why) noexcept;

  wire::shm::HandshakeRing& ring_;
  std::uint64_t tsc_hz_;
  TokenBucket strangers_;
};

}  // namespace dataplane
