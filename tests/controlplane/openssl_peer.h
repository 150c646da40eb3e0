// SPDX-License-Identifier: Apache-2.0
// A DTLS peer that is OpenSSL and nothing of ours but the BIO: the second opinion on alerts.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controlplane/links/datagram_bio.h"
#include "tests/controlplane/links_rig.h"

struct ssl_st;
struct ssl_ctx_st;

namespace tests {

struct OpensslWish {
  controlplane::links::Role role = controlplane::links::Role::kClient;
  std::optional<LinkIdentity> identity;  ///< whose certificate it shows, if any
  std::string ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
  std::string groups = "X25519:P-256";
  std::uint64_t options = 0;  ///< SSL_OP_...
  int max_version = 0;        ///< 0: DTLS 1.2
};

class OpensslPeer {
 public:
  explicit OpensslPeer(const OpensslWish& wish);
  ~OpensslPeer();
  OpensslPeer(const OpensslPeer&) = delete;
  OpensslPeer& operator=(const OpensslPeer&) = delete;

  /// Goes on with a datagram, or begins with an empty one. What it has to say is in take_out().
  void step(std::span<const std::byte> datagram);
  [[nodiscard]] std::vector<controlplane::links::Bytes> take_out();
  /// A record of application data, or close_notify.
  void write(std::span<const std::byte> data);
  void close();

  bool done = false;
  int alert_sent = controlplane::links::kNoAlert;
  int alert_received = controlplane::links::kNoAlert;
  bool close_received = false;
  std::vector<controlplane::links::Bytes> data;  ///< what it read
  [[nodiscard]] std::string cipher() const;

 private:
  controlplane::links::DatagramPort port_;
  ssl_ctx_st* context_;
  ssl_st* ssl_;
};

/// Carries datagrams between @p node and the peer at @p address until both are silent.
void talk(LinkNode& node, OpensslPeer& peer, unsigned address, const controlplane::links::Now& now);

}  // namespace tests
