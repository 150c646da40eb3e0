// SPDX-License-Identifier: Apache-2.0
// The deterministic core of one node: what it does with every message, timer and wish.
//
// No sockets, threads, clocks or randomness of its own, so a test, a simulation or a fuzzer can run
// it by calling step(); the same inputs give the same outputs. One thread at a time.

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "controlplane/overlay/attaches.h"
#include "controlplane/overlay/configuration_document.h"
#include "controlplane/overlay/errors.h"
#include "controlplane/overlay/io.h"
#include "controlplane/overlay/message_transport.h"
#include "controlplane/overlay/node_counters.h"
#include "controlplane/overlay/reassembly.h"
#include "controlplane/overlay/settings.h"
#include "controlplane/overlay/transactions.h"
#include "controlplane/topology/topology_plugin.h"
#include "controlplane/trust/evidence.h"
#include "controlplane/trust/signer_directory.h"

namespace controlplane::overlay {

class Node {
 public:
  /// @param names     at least one; the first is the node's own
  /// @param topology  outlives the node
  Node(const Settings& settings, std::vector<SigningName> names,
       std::vector<Connection> connections, topology::TopologyPlugin& topology,
       trust::JudgeSigner judge, RandomSource random);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Takes one input and adds to @p out what is to be done about it. Never fails: what the network
  /// or an operator gets wrong is counted, noted or given back as a refused result.
  void step(const Now& now, const Input& input, Outputs& out);

  /// When a Tick is due next, whatever else comes.
  [[nodiscard]] std::uint64_t next_deadline() const noexcept;

  /// From now on @p document is in force, and replaced by newer ones that are good. Call before the
  /// first step; it outlives this object.
  void follow(ConfigurationDocument& document);
  /// A signer known from the start, by its checked certificate.
  void add_signer(const wire::shm::SignerRecord& record) { signers_.add_configured(record); }

  [[nodiscard]] const Settings& settings() const noexcept { return settings_; }
  [[nodiscard]] const std::vector<SigningName>& names() const noexcept { return names_; }
  [[nodiscard]] const Connections& connections() const noexcept { return connections_; }
  [[nodiscard]] const NodeCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] const Transactions& transactions() const noexcept { return transactions_; }
  [[nodiscard]] const trust::SignerDirectory& signers() const noexcept { return signers_; }
  [[nodiscard]] const trust::EvidenceBook& evidence() const noexcept { return evidence_; }

 private:
  void take(const Now& now, const Delivery& delivery, Outputs& out);
  void take(const Now& now, const Refusal& refusal, Outputs& out);
  void take(const Now& now, const UnknownSigner& unknown, Outputs& out);
  void take(const Now& now, const TooLarge& message, Outputs& out);
  void take(const Now& now, const wire::shm::Event& event, Outputs& out);
  void take(const Now& now, const LinkKeys& keys, Outputs& out);
  void take(const Now& now, const LinkOpened& link, Outputs& out);
  void take(const Now& now, const LinkClosed& link, Outputs& out);
  void take(const Now& now, const LinkNotOpened& link, Outputs& out);
  void take(const Now& now, const Bootstrapped& bootstrapped, Outputs& out);
  void take(const Now& now, const MembershipWish& wish, Outputs& out);
  void take(const Now& now, const NewDocument& offer, Outputs& out);
  void take(const Now& now, const Request& request, Outputs& out);
  void take(const Now& now, const Cancel& cancel, Outputs& out);
  void take(const Now& now, const Tick& tick, Outputs& out);

  void take_message(const Now& now, std::span<const std::byte> bytes, const Ingress& from,
                    bool verified, Outputs& out);
  void serve(const Now& now, const ParsedMessage& request, const wire::reload::NodeId& signer,
             const Ingress& from, Outputs& out);
  /// The accepted signer whose signature the message carries, or nullptr.
  [[nodiscard]] const trust::Signer* attribute(const Now& now, const ParsedMessage& message,
                                               bool verified, Outputs& out);
  /// False for a link that is known to carry nothing.
  [[nodiscard]] bool is_usable(std::uint16_t slot) const noexcept {
    return !next_probe_ns_.contains(slot) && !keyless_.contains(slot);
  }
  void follow_link(const Now& now, std::uint16_t slot);

  // node_wishes.cc
  void forget_state(std::uint16_t slot);
  [[nodiscard]] bool is_linked(const wire::reload::NodeId& peer) const noexcept;
  /// Carries out what the topology asked for, and hands it what of that ended, until nothing is
  /// left. @p first_result  of this step
  void settle(const Now& now, std::size_t first_result, Outputs& out);
  void carry_out(const Now& now, topology::Wishes wishes, Outputs& out);
  void attach(const Now& now, const topology::Wishes::Attach& wish, Outputs& out);
  void hand_back(const Now& now, const RequestResult& result, Outputs& out);
  [[nodiscard]] Answer serve_attach(const Now& now, const ParsedMessage& request,
                                    const wire::reload::NodeId& signer, Outputs& out);
  [[nodiscard]] Answer serve_topology(const Now& now, const ParsedMessage& request,
                                      const wire::reload::NodeId& signer, const Ingress& from);
  void probe_failed_links(const Now& now, Outputs& out);

  // node_configuration.cc
  [[nodiscard]] bool is_banned(const wire::reload::NodeId& id) const noexcept;
  [[nodiscard]] Answer serve_config_update(const Now& now, const ParsedMessage& request,
                                           Outputs& out);
  void adopted(const Now& now, Outputs& out);
  void tell_configuration(const Now& now, const wire::reload::NodeId& node, Outputs& out);
  void compare_documents(const Now& now, const RequestResult& result, Outputs& out);

  Settings settings_;
  std::vector<SigningName> names_;
  Connections connections_;
  topology::TopologyPlugin& topology_;
  topology::Wishes wishes_;
  RandomSource random_;
  NodeCounters counters_;
  trust::SignerDirectory signers_;
  trust::EvidenceBook evidence_;
  Transactions transactions_;
  MessageTransport transport_;
  Reassembly reassembly_;
  Attaches attaches_;
  ConfigurationDocument* document_ = nullptr;
  std::map<wire::reload::NodeId, std::uint64_t> told_;  // the document; until when not again
  std::uint64_t next_asking_ns_ = 0;
  std::vector<Attaches::Ended> ended_;            // of this step, for the topology
  std::map<std::uint64_t, std::uint64_t> asked_;  // own ticket of a transaction: topology's
  std::uint64_t next_own_ticket_ = kOwnTickets;
  ErrorMeter error_meter_;
  std::map<std::uint16_t, std::uint64_t> next_probe_ns_;  // by slot of a failed link
  std::set<std::uint16_t> keyless_;                       // slots of secure links without keys
  std::uint64_t next_sweep_ns_ = 0;
};

}  // namespace controlplane::overlay
