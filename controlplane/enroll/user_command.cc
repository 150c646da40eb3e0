// SPDX-License-Identifier: Apache-2.0
// hopseal-enroll user: who may enroll.

#include <openssl/crypto.h>

#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "controlplane/enroll/authority.h"
#include "controlplane/enroll/commands.h"
#include "controlplane/enroll/enroll_request.h"
#include "controlplane/enroll/password_input.h"
#include "controlplane/enroll/sql_store.h"

namespace controlplane::enroll {
namespace {

constexpr std::uint32_t kPage = 500;

struct Arguments {
  std::string name;
  std::string password_file;
  std::uint32_t node_ids = 0;  // 0: as the configuration says
};

/// The hash of a password that is asked for.
std::string hash_of_password(const Arguments& arguments, const config::EnrollConfig& config) {
  std::string why;
  std::optional<std::string> password = read_password(arguments.password_file, why);
  if (!password) fail(why);
  if (password->size() < config.shortest_password) {
    fail("a password has " + std::to_string(config.shortest_password) + " to " +
         std::to_string(kMostPasswordBytes) + " bytes");
  }
  std::string hash =
      hash_password(*password, {config.scrypt_log2_n, config.scrypt_r, config.scrypt_p});
  OPENSSL_cleanse(password->data(), password->size());
  return hash;
}

AuditEntry entry(const std::string& action, const std::string& user, std::string detail = "") {
  return {.at_unix_s = std::time(nullptr),
          .action = action,
          .user = user,
          .source = "operator",
          .detail = std::move(detail)};
}

void run_add(const Arguments& arguments, const Context& context) {
  const config::EnrollConfig config = context.config();
  if (!is_user_name(arguments.name)) {
    fail("\"" + arguments.name + "\": a user name is like \"alice@" + config.overlay +
         "\", of at most 254 letters, digits and the marks that addresses may have");
  }
  User user{.name = arguments.name,
            .password_hash = hash_of_password(arguments, config),
            .node_id_cap = arguments.node_ids == 0 ? config.node_ids_per_user : arguments.node_ids,
            .created_unix_s = std::time(nullptr)};
  const auto store = open_store(config.store, config.overlay);
  if (store->add_user(
          user, entry("user add", user.name, "Node-IDs " + std::to_string(user.node_id_cap)))) {
    return;
  }
  const auto there = store->find_user(user.name);
  fail(user.name + (there && there->state == UserState::kRemoved
                        ? " was removed; a name is not given to somebody else"
                        : " is there already"));
}

void run_list(const Context& context) {
  const config::EnrollConfig config = context.config();
  const auto store = open_store(config.store, config.overlay);
  nlohmann::json all = nlohmann::json::array();
  if (!context.json) {
    std::printf("%-40s %-9s %8s %5s %12s  %s\n", "USER", "STATE", "NODE-IDS", "CAP", "CERTIFICATES",
                "SINCE");
  }
  std::string after;
  for (auto page = store->users(after, kPage); !page.empty(); page = store->users(after, kPage)) {
    for (const User& user : page) {
      if (context.json) {
        all.push_back({{"name", user.name},
                       {"state", user_state_name(user.state)},
                       {"node_ids", user.node_ids},
                       {"node_id_cap", user.node_id_cap},
                       {"certificates", user.certificates},
                       {"created_unix_s", user.created_unix_s}});
        continue;
      }
      std::printf("%-40s %-9s %8u %5u %12u  %s\n", user.name.c_str(), user_state_name(user.state),
                  user.node_ids, user.node_id_cap, user.certificates,
                  utc_text(user.created_unix_s).c_str());
    }
    after = page.back().name;
  }
  if (context.json) std::printf("%s\n", all.dump().c_str());
}

void run_state(const Arguments& arguments, const Context& context, UserState state,
               const std::string& action) {
  const config::EnrollConfig config = context.config();
  const auto store = open_store(config.store, config.overlay);
  if (!store->set_state(arguments.name, state, entry(action, arguments.name))) {
    fail("there is no user " + arguments.name);
  }
}

void run_password(const Arguments& arguments, const Context& context) {
  const config::EnrollConfig config = context.config();
  const std::string hash = hash_of_password(arguments, config);
  const auto store = open_store(config.store, config.overlay);
  if (!store->set_password(arguments.name, hash, entry("user password", arguments.name))) {
    fail("there is no user " + arguments.name);
  }
}

void run_node_ids(const Arguments& arguments, const Context& context) {
  const config::EnrollConfig config = context.config();
  const auto store = open_store(config.store, config.overlay);
  if (!store->set_node_id_cap(
          arguments.name, arguments.node_ids,
          entry("user node-ids", arguments.name, std::to_string(arguments.node_ids)))) {
    fail("there is no user " + arguments.name);
  }
}

}  // namespace

void add_user(CLI::App& app, Context& context) {
  CLI::App* const user = app.add_subcommand("user", "Who may enroll");
  user->require_subcommand(1);
  const auto arguments = std::make_shared<Arguments>();
  const auto command = [&](const char* name, const char* about) {
    CLI::App* const added = user->add_subcommand(name, about);
    added->add_option("name", arguments->name, "The user name, alice@example.org")->required();
    return added;
  };
  const auto with_password = [&](CLI::App* added) {
    added
        ->add_option("--password-file", arguments->password_file,
                     "File with the password on one line, mode 0600; else standard input has it")
        ->type_name("FILE");
  };
  CLI::App* const add = command("add", "Adds a user");
  with_password(add);
  add->add_option("--node-ids", arguments->node_ids, "How many Node-IDs the user may have")
      ->check(CLI::Range(1, 64))
      ->type_name("N");
  add->callback([arguments, &context] { run_add(*arguments, context); });
  user->add_subcommand("list", "Lists users")->callback([&context] { run_list(context); });
  command("disable", "Refuses a user until he is enabled; his certificates stay valid")
      ->callback([arguments, &context] {
        run_state(*arguments, context, UserState::kDisabled, "user disable");
      });
  command("enable", "Lets a disabled user enroll again")->callback([arguments, &context] {
    run_state(*arguments, context, UserState::kActive, "user enable");
  });
  command("remove", "Removes a user for good and revokes his certificates")
      ->callback([arguments, &context] {
        run_state(*arguments, context, UserState::kRemoved, "user remove");
      });
  CLI::App* const password = command("password", "Gives a user another password");
  with_password(password);
  password->callback([arguments, &context] { run_password(*arguments, context); });
  CLI::App* const node_ids = command("node-ids", "Changes how many Node-IDs a user may have");
  node_ids->add_option("count", arguments->node_ids, "How many")
      ->required()
      ->check(CLI::Range(1, 64));
  node_ids->callback([arguments, &context] { run_node_ids(*arguments, context); });
}

}  // namespace controlplane::enroll
