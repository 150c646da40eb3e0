// SPDX-License-Identifier: Apache-2.0

#include "controlplane/overlay/ping.h"

namespace controlplane::overlay {

Answer answer_ping(const Now& now, const ParsedMessage& request, std::uint64_t response_id) {
  if (!wire::reload::parse_ping_request(request.contents.body).ok()) {
    return Answer::error(wire::reload::ErrorCode::kInvalidMessage,
                         "ping_req: the padding does not fill the body");
  }
  return {wire::reload::MessageCode::kPingAns,
          wire::reload::ping_answer_body(response_id, now.unix_ms)};
}

}  // namespace controlplane::overlay
