// SPDX-License-Identifier: Apache-2.0
// Two nodes with a secure link between them, and somebody on the wire who has all keys: every
// record that flies is opened, and no two may share key and number.

#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/association_pair.h"
#include "tests/support/link_rig.h"

namespace tests {

/// What the eavesdropper makes of a frame.
struct SeenRecord {
  std::uint32_t association = 0;
  bool by_a = false;
  std::uint8_t content_type = 0;
  std::uint64_t sequence = 0;
  Bytes plaintext;
};

class SecureWire {
 public:
  explicit SecureWire(unsigned seed = 1, double loss = 0, bool shares_buffers = false,
                      std::uint8_t family = 4);

  /// Makes keys; install_a() and install_b() give them to the nodes.
  const AssociationPair& make(std::uint32_t number,
                              wire::dtls::Aead aead = wire::dtls::Aead::kAes128Gcm,
                              std::uint64_t first_sequence = 1);
  void install_a(const AssociationPair& pair) { EXPECT_EQ(a.install(pair.for_a()), ""); }
  void install_b(const AssociationPair& pair) { EXPECT_EQ(b.install(pair.for_b()), ""); }
  void install(const AssociationPair& pair) {
    install_a(pair);
    install_b(pair);
  }

  /// What @p from has sent, opened; for each, that its key and number are new.
  [[nodiscard]] std::optional<SeenRecord> look(const Bytes& frame);
  /// One millisecond: frames fly that long; on a wire that loses some also up to three, so that
  /// they overtake each other.
  void step();
  /// A datagram with these payloads one behind the other, for node b.
  [[nodiscard]] Bytes datagram_to_b(const std::vector<Bytes>& payloads) const;
  /// A record as a would have sealed it, outside of a's own count.
  [[nodiscard]] Bytes record_of_a(const AssociationPair& pair, std::uint64_t sequence,
                                  const Bytes& plaintext, std::uint8_t content_type = 23) const;

  LinkRig a, b;
  std::vector<Bytes> messages_at_b;
  std::uint64_t records = 0;

 private:
  using Air = std::multimap<std::uint64_t, Bytes>;
  void fly(LinkRig& from, Air& air);
  std::vector<Bytes> land(Air& air);

  std::unique_ptr<crypto::LinkCipher> cipher_;
  std::vector<std::unique_ptr<AssociationPair>> pairs_;
  std::set<std::tuple<std::uint32_t, bool, std::uint64_t>> used_;
  std::mt19937 random_;
  double loss_;
  Air to_a_, to_b_;
};

[[nodiscard]] Bytes data_frame(std::uint32_t sequence, const Bytes& message);
[[nodiscard]] Bytes payload_of(const Bytes& frame);

}  // namespace tests
