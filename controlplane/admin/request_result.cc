// SPDX-License-Identifier: Apache-2.0
#include "controlplane/admin/request_result.h"

#include <array>
#include <cstdio>

#include "config/node_config.h"

namespace controlplane::admin {

using overlay::Outcome;

namespace {

const char* status_name(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::kAnswered:
      return "ok";
    case Outcome::kError:
      return "error";
    case Outcome::kTimedOut:
      return "timeout";
    case Outcome::kRefused:
      break;
  }
  return "refused";
}

std::string hex64(std::uint64_t value) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
  return text.data();
}

}  // namespace

void add_result(Json& line, const overlay::RequestResult& result) {
  line["transaction_id"] = hex64(static_cast<std::uint64_t>(result.transaction));
  line["status"] = status_name(result.outcome);
  line["rtt_us"] = result.rtt_ns / 1000;
  line["sends"] = result.sends;
  if (result.outcome == Outcome::kAnswered || result.outcome == Outcome::kError) {
    line["responder"] = config::to_string(result.responder);
  }
  if (result.outcome == Outcome::kError) {
    const char* name = wire::reload::error_code_name(result.error_code);
    line["error_code"] = result.error_code;
    line["error"] = name != nullptr ? name : "unassigned";
  }
  if (!result.text.empty()) line["text"] = result.text;
}

std::string one_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace controlplane::admin
