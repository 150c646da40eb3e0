// SPDX-License-Identifier: Apache-2.0
// Publishes routes and policy to the lcores. The only place that makes a TableWriter.

#pragma once

#include <memory>

#include "wire/shm/region.h"

namespace controlplane::publish {

/// Keeps the wanted tables and publishes each when the lcores have let go of the spare copy, which
/// is at once unless one of them is stuck in a burst. On the control plane's one thread.
class Tables {
 public:
  /// @p region is attached as Role::kControlplane and outlives this object.
  explicit Tables(wire::shm::Region& region);

  void set_routes(const wire::shm::RouteTable& routes);
  void set_policy(const wire::shm::PolicyTable& policy);
  /// Publishes what is pending. True when nothing is left to publish.
  /// @param dataplane_alive  false: what its lcores had pinned holds nobody up
  bool turn(bool dataplane_alive);

 private:
  wire::shm::TableWriter<wire::shm::RouteTable> route_writer_;
  wire::shm::TableWriter<wire::shm::PolicyTable> policy_writer_;
  std::unique_ptr<wire::shm::RouteTable> routes_;  // 200 KB: not on the stack
  wire::shm::PolicyTable policy_;
  bool routes_pending_ = false;
  bool policy_pending_ = false;
};

}  // namespace controlplane::publish
