// SPDX-License-Identifier: Apache-2.0
// Commands on their way to the dataplane, and the replay after either process started anew.

#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "controlplane/trust/signer_directory.h"
#include "wire/shm/region.h"

namespace controlplane::publish {

/// What tells the dataplane of a link, or takes it from there.
[[nodiscard]] wire::shm::Command upsert(const wire::shm::LinkRecord& link);
[[nodiscard]] wire::shm::Command removal(const wire::shm::LinkRecord& link);

/// The ring is never waited for: what does not fit stays here and is tried again next turn. Keys
/// among the commands are wiped when they leave.
class Commands {
 public:
  explicit Commands(wire::shm::CommandRing& ring) : ring_(ring) {}
  ~Commands() { clear(); }
  Commands(const Commands&) = delete;
  Commands& operator=(const Commands&) = delete;

  /// Takes a copy. Of a command with keys the caller wipes its own.
  void send(const wire::shm::Command& command) { pending_.push_back(command); }

  /// Replaces everything pending by: begin, all links, all signers, end. The dataplane then sweeps
  /// what was not among them. Keys that were pending are gone: they belonged to a dataplane that
  /// ended before it could take them.
  void resync(std::span<const wire::shm::LinkRecord> links, const trust::SignerDirectory& signers);

  /// Pushes as much as the ring takes. Returns what is left.
  std::size_t turn();
  [[nodiscard]] std::size_t pending() const noexcept { return pending_.size(); }

 private:
  void pop() noexcept;
  void clear() noexcept;

  wire::shm::CommandRing& ring_;
  std::deque<wire::shm::Command> pending_;
};

}  // namespace controlplane::publish
