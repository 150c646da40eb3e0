// SPDX-License-Identifier: Apache-2.0
// hopseal-enroll certificate and audit: what was issued, and who did what.

#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "controlplane/enroll/commands.h"
#include "controlplane/enroll/sql_store.h"

namespace controlplane::enroll {
namespace {

struct Arguments {
  std::string user;
  std::string serial;
  std::uint32_t most = 100;
};

void run_list(const Arguments& arguments, const Context& context) {
  const config::EnrollConfig config = context.config();
  const auto store = open_store(config.store, config.overlay);
  const std::int64_t now_s = std::time(nullptr);
  nlohmann::json all = nlohmann::json::array();
  for (const StoredCertificate& each : store->certificates(arguments.user, arguments.most)) {
    const char* const state = each.revoked_unix_s             ? "revoked"
                              : each.not_after_unix_s < now_s ? "expired"
                                                              : "valid";
    nlohmann::json ids = nlohmann::json::array();
    for (const auto& id : each.node_ids) ids.push_back(config::to_string(id));
    if (context.json) {
      all.push_back({{"serial", each.serial},
                     {"user", each.user},
                     {"state", state},
                     {"node_ids", ids},
                     {"issued_unix_s", each.issued_unix_s},
                     {"not_after_unix_s", each.not_after_unix_s}});
      continue;
    }
    std::printf("%s  %-7s  %s  until %s\n", each.serial.c_str(), state, each.user.c_str(),
                utc_text(each.not_after_unix_s).c_str());
    for (const auto& id : each.node_ids) {
      std::printf("    Node-ID %s\n", config::to_string(id).c_str());
    }
  }
  if (context.json) std::printf("%s\n", all.dump().c_str());
}

void run_revoke(const Arguments& arguments, const Context& context) {
  const config::EnrollConfig config = context.config();
  const auto store = open_store(config.store, config.overlay);
  const auto found = store->find_certificate(arguments.serial);
  if (!found) fail("there is no certificate with serial " + arguments.serial);
  if (!store->revoke(found->serial, {.at_unix_s = std::time(nullptr),
                                     .action = "revoke",
                                     .user = found->user,
                                     .source = "operator",
                                     .detail = "serial " + found->serial})) {
    fail("the certificate is revoked already");
  }
}

void run_audit(const Arguments& arguments, const Context& context) {
  const config::EnrollConfig config = context.config();
  const auto store = open_store(config.store, config.overlay);
  nlohmann::json all = nlohmann::json::array();
  for (const AuditEntry& each : store->audit_log(arguments.most)) {
    if (context.json) {
      all.push_back({{"at_unix_s", each.at_unix_s},
                     {"action", each.action},
                     {"user", each.user},
                     {"source", each.source},
                     {"detail", each.detail}});
      continue;
    }
    std::printf("%s  %-13s  %s  from %s  %s\n", utc_text(each.at_unix_s).c_str(),
                each.action.c_str(), each.user.c_str(), each.source.c_str(), each.detail.c_str());
  }
  if (context.json) std::printf("%s\n", all.dump().c_str());
}

}  // namespace

void add_certificate(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<Arguments>();
  const auto with_most = [&](CLI::App* command) {
    command->add_option("--most", arguments->most, "How many to print, newest first")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000))
        ->type_name("N");
  };
  CLI::App* const certificate = app.add_subcommand("certificate", "What was issued");
  certificate->require_subcommand(1);
  CLI::App* const list = certificate->add_subcommand("list", "Lists certificates");
  list->add_option("--user", arguments->user, "Of this user only")->type_name("NAME");
  with_most(list);
  list->callback([arguments, &context] { run_list(*arguments, context); });
  CLI::App* const revoke =
      certificate->add_subcommand("revoke", "Puts a certificate on the revocation list");
  revoke->add_option("serial", arguments->serial, "Its serial number, as list prints it")
      ->required();
  revoke->callback([arguments, &context] { run_revoke(*arguments, context); });
  CLI::App* const audit = app.add_subcommand("audit", "Who did what, newest first");
  with_most(audit);
  audit->callback([arguments, &context] { run_audit(*arguments, context); });
}

}  // namespace controlplane::enroll
