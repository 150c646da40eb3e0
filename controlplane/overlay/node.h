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
  void take(const Now& now, const Request& request, Outputs& out);
  void take(const Now& now, const Cancel& cancel, Outputs& out);
  void take(const Now& now, const Tick& tick, Outputs& out);

  void take_message(const Now& now, std::span<const std::byte> bytes, const Ingress& from,
                    bool verified, Outputs& out);
  void serve(const Now& now, const ParsedMessage& request, const Ingress& from, Outputs& out);
  /// The accepted signer whose signature the message carries, or nullptr.
  [[nodiscard]] const trust::Signer* attribute(const Now& now, const ParsedMessage& message,
                                               bool verified, Outputs& out);
  void follow_link(const Now& now, std::uint16_t slot, Outputs& out);
  /// What the topology asked for in the call just made.
  void carry_out(Outputs& out);
  void probe_failed_links(const Now& now, Outputs& out);

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
  ErrorMeter error_meter_;
  std::map<std::uint16_t, std::uint64_t> next_probe_ns_;  // by slot of a failed link
  std::set<std::uint16_t> keyless_;                       // slots of secure links without keys
  std::uint64_t next_sweep_ns_ = 0;
};

}  // namespace controlplane::overlay
