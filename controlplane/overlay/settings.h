// SPDX-License-Identifier: Apache-2.0
// What the core is told about its node and its neighbours when it is made.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "controlplane/overlay/io.h"

namespace controlplane::overlay {

struct Settings {
  wire::reload::NodeId self;
  wire::reload::OverlayHash overlay{};
  std::uint16_t configuration_sequence = 1;
  std::uint8_t initial_ttl = 100;
  std::uint32_t max_message_size = 5000;        ///< bytes
  std::uint32_t reliability_timer_ms = 3000;    ///< F-01
  std::uint32_t reassembly_timeout_ms = 15000;  ///< D-13
  std::size_t max_transactions = 65536;
  std::size_t max_signers = 4096;
  /// Where this node can be connected to; goes into Attach. Empty: it cannot be, and attaches to
  /// nobody.
  std::vector<LinkAddress> addresses;
  std::size_t max_forming_links = 64;  ///< at the same time; more Attaches are refused (G-11)
  std::uint32_t link_wait_ms = 15000;  ///< from AttachAns to a link with keys

  [[nodiscard]] std::uint64_t timer_ns() const noexcept {
    return reliability_timer_ms * kMillisecond;
  }
  [[nodiscard]] std::uint64_t link_wait_ns() const noexcept { return link_wait_ms * kMillisecond; }
  /// The maximum request lifetime (F-04).
  [[nodiscard]] std::uint64_t request_lifetime_ns() const noexcept { return 5 * timer_ns(); }
};

/// One of the names this node signs with. The first is the node's own.
struct SigningName {
  std::string name;
  wire::reload::NodeId node_id;
  wire::reload::SigningIdentity identity;
};

/// A row of the Connection Table.
struct Connection {
  std::uint16_t slot = wire::shm::kNoLink;
  std::uint8_t generation = 0;
  wire::reload::NodeId peer;
};

class Connections {
 public:
  explicit Connections(std::vector<Connection> rows) : rows_(std::move(rows)) {}

  [[nodiscard]] const Connection* by_slot(std::uint16_t slot) const noexcept {
    for (const Connection& row : rows_) {
      if (row.slot == slot) return &row;
    }
    return nullptr;
  }
  /// The node a packet came from; nullptr when the slot has been given to another since.
  [[nodiscard]] const Connection* behind(const Ingress& ingress) const noexcept {
    const Connection* row = by_slot(ingress.slot);
    return row != nullptr && row->generation == ingress.generation ? row : nullptr;
  }
  [[nodiscard]] const Connection* to(const wire::reload::NodeId& peer) const noexcept {
    for (const Connection& row : rows_) {
      if (row.peer == peer) return &row;
    }
    return nullptr;
  }
  [[nodiscard]] const std::vector<Connection>& rows() const noexcept { return rows_; }

  /// Takes the place of any row with the same slot or the same node.
  void add(const Connection& connection) {
    std::erase_if(rows_, [&connection](const Connection& row) {
      return row.slot == connection.slot || row.peer == connection.peer;
    });
    rows_.push_back(connection);
  }
  void remove(std::uint16_t slot) {
    std::erase_if(rows_, [slot](const Connection& row) { return row.slot == slot; });
  }

 private:
  std::vector<Connection> rows_;
};

}  // namespace controlplane::overlay
