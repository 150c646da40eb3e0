// SPDX-License-Identifier: Apache-2.0
// Two nodes with secure links in one process: certificates, a model of what the dataplane does with
// the outputs of the handshakes, and a network that loses, repeats, delays and reorders.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "controlplane/links/handshakes.h"
#include "controlplane/links/record_cipher.h"
#include "controlplane/links/secure_context.h"
#include "controlplane/trust/issue.h"
#include "crypto/signing_key.h"

namespace tests {

inline constexpr std::int64_t kLinksUnixS = 1'790'000'000;  // when the tests happen

/// A certificate with its key.
struct LinkIdentity {
  wire::reload::NodeId node_id;
  std::string pem;
  controlplane::links::Bytes der;
  std::shared_ptr<crypto::SigningKey> key;
};

/// What is special about a certificate.
struct IdentityWish {
  crypto::Algorithm algorithm = crypto::Algorithm::kEd25519;
  std::string overlay;  ///< empty: this one
  controlplane::trust::Validity validity{kLinksUnixS - 3600, kLinksUnixS + 864'000};
};

/// An authority and what it gives out.
class LinkOverlay {
 public:
  static constexpr const char* kName = "links.hopseal.example";
  /// @param validity  of the root
  explicit LinkOverlay(controlplane::trust::Validity validity = {kLinksUnixS - 864'000,
                                                                 kLinksUnixS + 8'640'000});
  [[nodiscard]] LinkIdentity identity(const wire::reload::NodeId& id,
                                      const IdentityWish& wish = {}) const;
  [[nodiscard]] controlplane::links::ContextSettings context_settings(
      const LinkIdentity& identity) const;
  [[nodiscard]] std::string root_pem() const { return authority_->certificate_pem(); }

 private:
  std::unique_ptr<controlplane::trust::Authority> authority_;
  std::shared_ptr<const controlplane::trust::CertificateChecker> checker_;
};

/// Fails the test when the context cannot be made.
[[nodiscard]] std::shared_ptr<const controlplane::links::SecureContext> make_context(
    const controlplane::links::ContextSettings& settings);

[[nodiscard]] controlplane::links::Now links_at(std::uint64_t ns);
/// IPv4 10.0.0.@p last, port 6084.
[[nodiscard]] wire::shm::Endpoint link_endpoint(unsigned last);

/// The handshakes of a node with the dataplane below them.
class LinkNode {
 public:
  LinkNode(const wire::reload::NodeId& id, unsigned address,
           std::shared_ptr<const controlplane::links::SecureContext> context,
           controlplane::links::HandshakeSettings settings = {});

  /// The one link of this node, slot 5 generation 2, to the node at @p address.
  void link_to(
      const controlplane::links::Now& now, const wire::reload::NodeId& peer, unsigned address,
      std::uint16_t mtu = 1500,
      controlplane::links::Initiative initiative = controlplane::links::Initiative::kLowerNodeId);
  /// A UDP payload from the wire.
  void receive(const controlplane::links::Now& now, unsigned from,
               std::span<const std::byte> datagram);
  void tick(const controlplane::links::Now& now);
  /// Sends one record of application data under the newest keys; false without keys.
  bool send_data(std::span<const std::byte> data);
  /// Carries out what outputs ask for; done by the steps above too.
  void carry_out();
  /// The dataplane loses everything, as after a restart.
  void restart_dataplane(const controlplane::links::Now& now);

  /// Whether its one link may go to whoever comes, as long as it has none.
  bool admits_strangers = false;

  static constexpr std::uint16_t kSlot = 5;
  static constexpr std::uint8_t kGeneration = 2;
  wire::reload::NodeId id;
  unsigned address;
  std::unique_ptr<controlplane::links::Handshakes> handshakes;
  controlplane::links::Outputs out;
  std::vector<controlplane::links::LinkReport> reports;
  std::vector<std::string> key_log;
  std::vector<controlplane::links::Bytes> to_wire;
  std::vector<controlplane::links::Bytes> data;  ///< application data that could be opened

  struct Keys {
    controlplane::links::AssociationKeys keys;
    std::uint64_t first_sequence = 0;
    std::uint64_t next_sequence = 0;
  };
  std::map<std::uint32_t, Keys> ever;    ///< all keys this node ever had, by association
  std::vector<std::uint32_t> installed;  ///< newest last
  /// Every record sent in epoch 1, to look for repeated numbers.
  std::vector<controlplane::links::Bytes> protected_records;

  [[nodiscard]] bool is_secure() const { return !installed.empty(); }
  [[nodiscard]] const controlplane::links::HandshakeCounters& counters() const {
    return handshakes->counters();
  }

 private:
  void seal(std::uint32_t association, wire::dtls::ContentType type,
            std::span<const std::byte> plaintext);
  void send(controlplane::links::Bytes datagram);
  unsigned peer_address_ = 0;
  std::vector<controlplane::links::Admission> admissions_;
};

/// Fails the test unless every protected record @p node sent opens under exactly one of its write
/// keys, and no key has a sequence number twice. Returns how many records there were.
std::size_t expect_no_number_twice(const LinkNode& node);
/// Fails the test unless the two have each other's keys.
void expect_same_keys(const LinkNode& a, const LinkNode& b);

/// What the handshakes of @p node reported, for failure messages.
[[nodiscard]] std::string reports_of(const LinkNode& node);

/// What the network does to datagrams, in percent.
struct Weather {
  unsigned loss = 0;
  unsigned repeat = 0;
  unsigned delay_ms = 1;   ///< of every datagram
  unsigned jitter_ms = 0;  ///< up to so much more: reorders
};

/// Two nodes and time.
class LinkNetwork {
 public:
  LinkNetwork(LinkNode& a, LinkNode& b, std::uint32_t seed, Weather weather = {});

  /// Lets time pass until @p done says so; false when @p limit_ns from now on passes first.
  bool run_until(const std::function<bool()>& done, std::uint64_t limit_ns);
  void run_for(std::uint64_t ns);
  /// Takes what the nodes have to send on its way.
  void collect();
  [[nodiscard]] controlplane::links::Now now() const { return links_at(now_ns); }

  std::uint64_t now_ns = controlplane::links::kSecond;
  Weather weather;
  /// True: the datagram to the node at this address never arrives. May be empty.
  std::function<bool(unsigned to, std::span<const std::byte>)> swallow;
  std::size_t largest_datagram = 0;

 private:
  struct OnTheWay {
    std::uint64_t at_ns;
    unsigned from;
    LinkNode* to;
    controlplane::links::Bytes bytes;
  };
  void post(LinkNode& from, LinkNode& to);
  LinkNode& a_;
  LinkNode& b_;
  std::mt19937 random_;
  std::vector<OnTheWay> on_the_way_;
};

}  // namespace tests
