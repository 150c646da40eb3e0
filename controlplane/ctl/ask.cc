// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/ask.h"

#include "controlplane/ctl/admin_client.h"

namespace controlplane::ctl {

nlohmann::json ask(const Context& context, std::string_view method, std::string_view target,
                   const nlohmann::json& body) {
  AdminReply reply;
  try {
    reply = AdminClient(context.admin_path())
                .call(method, target, body.is_null() ? std::string() : body.dump());
  } catch (const AdminError& error) {
    fail(error.what());
  }
  if (!reply.ok()) fail(reply.error());
  auto answer = nlohmann::json::parse(reply.body, nullptr, false);
  if (answer.is_discarded()) fail("the control plane's answer is no JSON: " + reply.body);
  return answer;
}

nlohmann::json ask_if_running(const Context& context, std::string_view target) {
  try {
    const AdminReply reply = AdminClient(context.admin_path()).call("GET", target);
    auto answer = nlohmann::json::parse(reply.body, nullptr, false);
    if (reply.ok() && answer.is_object()) return answer;
  } catch (const AdminError&) {
  }
  return nullptr;
}

}  // namespace controlplane::ctl
