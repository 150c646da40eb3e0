// SPDX-License-Identifier: Apache-2.0
// A RELOAD forwarding node as one would write it in a day: one thread, the kernel's sockets,
// OpenSSL for records and signatures. What Hopseal is compared with.
//
// It does what a Hopseal node does with a message and its acks: open the record, read the frame,
// acknowledge it (RFC 6940 section 6.6.2, C-06), read the forwarding header and the contents, check
// overlay and TTL, check the signature (section 6.3.4, E-02), choose the link by the destination
// (sections 6.1 and 10.3), push the Via entry, pop own entries of the Destination List, take one
// hop (B-29, B-32), frame, seal and send. It leaves out what a node in service also needs: kept
// messages and their retransmission, a replay filter, rate limits, fragments, counters for each
// reason, tracing. So it is the faster for it, and a ratio to it says too little rather than too
// much.

#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "bench/baseline/dtls_end.h"
#include "bench/baseline/udp_socket.h"
#include "wire/reload/forwarding_header.h"
#include "wire/reload/link_framing.h"
#include "wire/reload/security_block.h"

namespace bench::baseline {

/// Used by one thread.
class SocketForwarder {
 public:
  struct Setting {
    wire::reload::NodeId self;
    wire::reload::OverlayHash overlay{};
    bool verify = true;
  };
  struct Counters {
    std::uint64_t datagrams = 0;
    std::uint64_t bad_records = 0;
    std::uint64_t malformed = 0;  ///< also a message too long to be sent on
    std::uint64_t wrong_overlay = 0, ttl_exceeded = 0;
    std::uint64_t signer_unknown = 0, bad_signature = 0;
    std::uint64_t no_route = 0;  ///< also of messages for this node, which has no use for them
    std::uint64_t window_full = 0;
    std::uint64_t acks = 0;  ///< received
    std::uint64_t forwarded = 0;
  };
  /// Messages a link may have unacknowledged: as many as a link of Hopseal.
  static constexpr std::uint32_t kWindow = 512;

  explicit SocketForwarder(const Setting& setting);

  /// A link to @p peer, connected both ways. Its slot is how many there were before. Without
  /// @p dtls frames go in the clear, as on a lab link.
  void add_link(const wire::reload::NodeId& peer, std::unique_ptr<UdpSocket> socket,
                std::unique_ptr<DtlsEnd> dtls);
  /// An Ed25519 key as DER SubjectPublicKeyInfo. False when it is none.
  [[nodiscard]] bool add_signer(const wire::reload::SignerKey& id, std::span<const std::byte> spki);
  /// Handles what has come on every link, a batch at most of each. How many datagrams.
  std::size_t turn();
  /// Waits until something comes, but no longer than @p most_ms.
  void wait(int most_ms) const;

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  [[nodiscard]] UdpSocket& socket(std::size_t link) noexcept { return *links_[link].socket; }

 private:
  struct Link {
    wire::reload::NodeId peer;
    std::unique_ptr<UdpSocket> socket;
    std::unique_ptr<DtlsEnd> dtls;
    wire::reload::AckWindow received;
    std::uint32_t sent = 0;   // sequence number of the newest data frame
    std::uint32_t acked = 0;  // the newest of them that an ack named
  };
  struct Route {
    wire::reload::NodeId id;
    std::size_t link;
  };
  /// Where a message goes, and what changes at the front of its Destination List.
  struct Hop {
    std::size_t link;
    std::size_t pop_bytes;
    bool push_node;  ///< the Node-ID of the link, which a compact ID of ours stood for (B-28)
  };
  struct KeyHash {
    std::size_t operator()(const wire::reload::SignerKey& key) const noexcept {
      return static_cast<std::size_t>(wire::load_be64(key.hash.data()));
    }
  };
  using Check = OpensslPointer<EVP_MD_CTX, EVP_MD_CTX_free>;

  void take_datagram(std::size_t from, std::span<const std::byte> datagram);
  void take_message(std::size_t from, std::span<const std::byte> message);
  [[nodiscard]] bool signature_holds(std::span<const std::byte> message,
                                     std::span<const std::byte> contents);
  [[nodiscard]] std::optional<Hop> route(std::span<const std::byte> destinations) const;
  [[nodiscard]] std::optional<std::size_t> link_towards(const wire::reload::NodeId& target) const;
  /// @param via  the entry for the Via List; none for a response
  void forward(const Hop& hop, std::span<const std::byte> via, std::span<const std::byte> message,
               const wire::reload::ForwardingHeader& header);
  void send(Link& link, std::span<const std::byte> frame);

  Setting setting_;
  Counters counters_;
  std::vector<Link> links_;
  std::vector<Route> routes_;  // by rising Node-ID
  /// A context that has its key already, which saves EVP_DigestVerifyInit.
  std::unordered_map<wire::reload::SignerKey, Check, KeyHash> signers_;
  /// What a record adds to a frame, and some.
  static constexpr std::size_t kRecordRoom = 64;
  std::array<std::byte, UdpSocket::kMaxDatagram> opened_, signed_;
  std::array<std::byte, UdpSocket::kMaxDatagram - kRecordRoom> framed_;
};

}  // namespace bench::baseline
