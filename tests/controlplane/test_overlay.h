// SPDX-License-Identifier: Apache-2.0
// An overlay in memory for tests of the core: an authority, identities, nodes on a virtual clock.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/overlay/node.h"
#include "controlplane/topology/static_topology.h"
#include "controlplane/trust/certificate_checker.h"
#include "wire/reload/message_builder.h"

namespace tests {

inline constexpr std::uint64_t kSecond = 1'000'000'000;
inline constexpr std::uint64_t kUnixMs = 1'790'000'000'000;  // certificates are valid around it

/// A Node-ID whose first byte is @p first and whose others are @p rest.
[[nodiscard]] wire::reload::NodeId node_id(unsigned first, unsigned rest = 0);

/// The list of one node entry.
[[nodiscard]] wire::reload::Bytes to_node(const wire::reload::NodeId& id);
[[nodiscard]] wire::reload::Bytes to_resource(const wire::reload::NodeId& point);

[[nodiscard]] controlplane::overlay::Now at(std::uint64_t ns);

class TestOverlay {
 public:
  static constexpr const char* kName = "test.hopseal.example";

  TestOverlay();
  /// A certificate of this overlay's authority and its key.
  [[nodiscard]] controlplane::overlay::SigningName identity(
      const wire::reload::NodeId& id,
      crypto::Algorithm algorithm = crypto::Algorithm::kEd25519) const;
  [[nodiscard]] controlplane::overlay::Settings settings(const wire::reload::NodeId& self) const;
  [[nodiscard]] std::shared_ptr<const controlplane::trust::CertificateChecker> checker() const {
    return checker_;
  }
  [[nodiscard]] std::string root_pem() const;
  /// What identity() would give, as PEM files.
  void write_identity(const wire::reload::NodeId& id, const std::string& certificate_path,
                      const std::string& key_path) const;

 private:
  struct Issued;
  [[nodiscard]] Issued issue(const wire::reload::NodeId& id, crypto::Algorithm algorithm) const;
  std::shared_ptr<void> authority_;
  std::shared_ptr<const controlplane::trust::CertificateChecker> checker_;
};

/// One node of the overlay with its neighbours at slots 0, 1, … (generation 3).
struct TestNode {
  static constexpr std::uint8_t kGeneration = 3;

  TestNode(const TestOverlay& overlay, const wire::reload::NodeId& self,
           const std::vector<wire::reload::NodeId>& neighbours);
  TestNode(const TestOverlay& overlay, const controlplane::overlay::Settings& settings,
           const std::vector<wire::reload::NodeId>& neighbours);

  /// Steps with an emptied Outputs.
  const controlplane::overlay::Outputs& step(std::uint64_t ns,
                                             const controlplane::overlay::Input& input);
  /// Hands @p message to the node as delivered over @p slot.
  const controlplane::overlay::Outputs& deliver(std::uint64_t ns,
                                                std::span<const std::byte> message,
                                                std::uint16_t slot = 0, bool verified = true);

  controlplane::topology::StaticTopology topology;
  controlplane::overlay::Outputs out;
  std::unique_ptr<controlplane::overlay::Node> node;
};

/// The message, taken apart; fails the test when it does not parse. Borrows @p message.
[[nodiscard]] controlplane::overlay::ParsedMessage parsed(std::span<const std::byte> message);
/// The error code of an error response; 0 for anything else.
[[nodiscard]] std::uint16_t error_code(std::span<const std::byte> message);

}  // namespace tests
