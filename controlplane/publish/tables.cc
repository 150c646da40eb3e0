// SPDX-License-Identifier: Apache-2.0

#include "controlplane/publish/tables.h"

namespace controlplane::publish {

Tables::Tables(wire::shm::Region& region)
    : route_writer_(region->tables.routes, region->dataplane.routes_progress),
      policy_writer_(region->tables.policy, region->dataplane.policy_progress),
      routes_(std::make_unique<wire::shm::RouteTable>()) {}

void Tables::set_routes(const wire::shm::RouteTable& routes) {
  *routes_ = routes;
  routes_pending_ = true;
}

void Tables::set_policy(const wire::shm::PolicyTable& policy) {
  policy_ = policy;
  policy_pending_ = true;
}

bool Tables::turn(bool dataplane_alive) {
  if (routes_pending_) {
    if (wire::shm::RouteTable* spare = route_writer_.try_begin(dataplane_alive)) {
      *spare = *routes_;
      route_writer_.publish();
      routes_pending_ = false;
    }
  }
  if (policy_pending_) {
    if (wire::shm::PolicyTable* spare = policy_writer_.try_begin(dataplane_alive)) {
      *spare = policy_;
      policy_writer_.publish();
      policy_pending_ = false;
    }
  }
  return !routes_pending_ && !policy_pending_;
}

}  // namespace controlplane::publish
