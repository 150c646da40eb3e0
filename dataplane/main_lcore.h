// SPDX-License-Identifier: Apache-2.0
// What the EAL main lcore does between its short sleeps: commands, heartbeat, headless state,
// captures, tables of known signers. It never touches a packet on its way.

#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "dataplane/capture.h"
#include "dataplane/commands.h"
#include "dataplane/known_signers.h"
#include "dataplane/neighbors.h"
#include "dataplane/port_table.h"
#include "dataplane/tracer.h"
#include "wire/shm/region.h"

namespace dataplane {

class MainLcore final : public CommandEffects {
 public:
  /// @param control_plane_lives  asked every kLifeSignMs; a system call
  MainLcore(wire::shm::NodeRegion& region, const PortTable& ports, LinkTable& links,
            SignerTable& signers, NeighborTable& neighbors, TraceSwitch& trace, Capture& capture,
            KnownSigners& known_signers, std::function<bool()> control_plane_lives);

  /// One housekeeping turn. Returns commands applied.
  std::size_t turn();
  /// Of the last command that was refused.
  [[nodiscard]] const std::string& last_error() const noexcept { return applier_.last_error(); }

  [[nodiscard]] bool prepare_link(const wire::shm::LinkRecord& link, std::string& why) override;
  void links_changed() override { sweep_neighbors_ = true; }
  void set_trace(const wire::shm::TraceSetting& setting) override { trace_.set(setting); }
  [[nodiscard]] bool start_capture(const wire::shm::CaptureSetting& setting,
                                   std::string& why) override {
    return capture_.start(setting, why);
  }
  void stop_capture() override;

 private:
  static constexpr std::size_t kCommandsPerTurn = 256;
  static constexpr std::uint64_t kLifeSignMs = 50;
  /// Of each turn, for the tables of known signers: a quarter of a CPU while there is much to do.
  static constexpr std::uint64_t kTablesUs = 300;
  void look_for_control_plane(std::uint64_t now_ns);

  wire::shm::NodeRegion& region_;
  const PortTable& ports_;
  LinkTable& links_;
  NeighborTable& neighbors_;
  TraceSwitch& trace_;
  Capture& capture_;
  KnownSigners& known_signers_;
  std::function<bool()> control_plane_lives_;
  CommandApplier applier_;
  bool sweep_neighbors_ = false;
  std::uint64_t next_look_ns_ = 0;
};

}  // namespace dataplane
