// SPDX-License-Identifier: Apache-2.0
// JSON answers of the operator's API.

#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "controlplane/admin/http_server.h"

namespace controlplane::admin {

/// Keeps the order in which members are written.
using Json = nlohmann::ordered_json;

[[nodiscard]] inline HttpResponse respond(const Json& body, unsigned status = 200) {
  return {status, "application/json",
          body.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"};
}

[[nodiscard]] inline HttpResponse refuse(unsigned status, std::string_view why) {
  return respond({{"error", why}}, status);
}

}  // namespace controlplane::admin
