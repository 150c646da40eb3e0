// SPDX-License-Identifier: Apache-2.0
// Applies what the control plane commands to the tables and settings of the dataplane. Main lcore
// only.

#pragma once

#include <cstdint>
#include <string>

#include "dataplane/keyed_tables.h"
#include "wire/shm/commands.h"
#include "wire/shm/region.h"

namespace dataplane {

/// What a command does outside the keyed tables: neighbours, trace, capture.
class CommandEffects {
 public:
  virtual ~CommandEffects() = default;
  /// Before the link becomes visible to the workers. False with @p why when it cannot be served (no
  /// such port, no room for its next hop): the command is then refused.
  [[nodiscard]] virtual bool prepare_link(const wire::shm::LinkRecord& link, std::string& why) = 0;
  /// After links were changed or removed: what only they needed may go.
  virtual void links_changed() = 0;
  virtual void set_trace(const wire::shm::TraceSetting& setting) = 0;
  /// Replaces a running capture. False with @p why when the file cannot be made.
  [[nodiscard]] virtual bool start_capture(const wire::shm::CaptureSetting& setting,
                                           std::string& why) = 0;
  virtual void stop_capture() = 0;
};

/// Every command may be repeated; applying it twice is applying it once. Between kResyncBegin and
/// kResyncEnd links and signers that are not repeated stay in service, and go at kResyncEnd. A
/// control plane that dies in between leaves everything in service until the next one has finished.
class CommandApplier {
 public:
  CommandApplier(LinkTable& links, SignerTable& signers, CommandEffects& effects,
                 wire::shm::DataplaneStatus& status) noexcept
      : links_(links), signers_(signers), effects_(effects), status_(status) {}

  /// Counts in DataplaneStatus::commands or command_errors; last_error() says why.
  void apply(const wire::shm::Command& command);
  /// Takes up to @p most commands from the ring, then frees what quiescence allows and publishes
  /// the table sizes. Every housekeeping turn. Returns commands taken; their slots are wiped, since
  /// they may hold keys.
  /// @param now_ns  CLOCK_MONOTONIC
  std::size_t turn(wire::shm::CommandRing& ring, std::size_t most, std::uint64_t now_ns);
  [[nodiscard]] const std::string& last_error() const noexcept { return last_error_; }

 private:
  [[nodiscard]] bool apply_one(const wire::shm::Command& command);

  LinkTable& links_;
  SignerTable& signers_;
  CommandEffects& effects_;
  wire::shm::DataplaneStatus& status_;
  bool resyncing_ = false;
  std::uint64_t now_ns_ = 0;
  std::string last_error_;
};

}  // namespace dataplane
