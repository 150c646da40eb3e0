// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/node_view.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "controlplane/ctl/text_table.h"

namespace controlplane::ctl {

using wire::shm::AttachState;
using wire::shm::Region;
using wire::shm::Role;

NodeView::NodeView(const Context& context) {
  const std::string path = context.region_path();
  wire::shm::AttachResult result = Region::attach(path, Role::kObserver);
  switch (result.state) {
    case AttachState::kAttached:
      region_ = std::move(result.region);
      return;
    case AttachState::kAbsent:
      fail("there is no " + path +
           ": this node has not been started. Start hopseal-dataplane and hopseal-controlplane "
           "with --config, or check the runtime directory.");
    case AttachState::kNotReady:
      fail(path + " is being created at this moment. Try again.");
    case AttachState::kWrongLayout:
      fail(path +
           " belongs to another build of Hopseal (its layout hash differs). Use the "
           "hopsealctl of that build.");
    case AttachState::kRoleTaken:
    case AttachState::kSystemError:
      break;
  }
  fail(path + " cannot be read: " + std::strerror(result.error) +
       (result.error == EACCES ? ". Run hopsealctl as the user or group of the node." : "."));
}

bool NodeView::dataplane_runs() const { return region_->role_is_held(Role::kDataplane); }
bool NodeView::controlplane_runs() const { return region_->role_is_held(Role::kControlplane); }

std::size_t NodeView::lcore_count() const noexcept {
  return std::min<std::size_t>(region().dataplane.status.worker_count.load(),
                               wire::shm::kMaxLcores);
}

std::string NodeView::warning() const {
  if (dataplane_runs()) return "";
  if (region().header.dataplane.incarnation.load() == 0) {
    return "No dataplane has been started on this node yet.";
  }
  return "The dataplane does not run; these are the last figures of the one that ended " +
         duration(seconds_since(region().header.dataplane.heartbeat.load())) + " ago.";
}

std::uint64_t monotonic_ns() noexcept {
  return static_cast<std::uint64_t>(
      std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

double seconds_since(std::uint64_t then_ns) noexcept {
  const std::uint64_t now = monotonic_ns();
  return now <= then_ns ? 0.0 : static_cast<double>(now - then_ns) / 1e9;
}

}  // namespace controlplane::ctl
