// SPDX-License-Identifier: Apache-2.0
// hopseal-enroll: an overlay's enrollment server, and the tool for its users and certificates.

#include <cstdio>
#include <ctime>
#include <exception>

#include "controlplane/enroll/commands.h"

namespace controlplane::enroll {

void fail(const std::string& text) {
  std::fflush(stdout);
  std::fprintf(stderr, "hopseal-enroll: %s\n", text.c_str());
  throw CLI::RuntimeError(1);
}

config::EnrollConfig Context::config() const {
  if (config_file.empty()) fail("which server? Pass --config enroll.toml");
  config::EnrollLoadResult result = config::load_enroll_config(config_file);
  for (const config::ConfigError& error : result.errors) {
    std::fprintf(stderr, "%s\n", error.text().c_str());
  }
  if (!result.config) throw CLI::RuntimeError(2);
  return std::move(*result.config);
}

std::string utc_text(std::int64_t unix_s) {
  const std::time_t time = unix_s;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, size};
}

}  // namespace controlplane::enroll

int main(int argc, char** argv) {
  using namespace controlplane::enroll;
  Context context;
  CLI::App app("Enrollment authority of a RELOAD overlay: gives its users certificates.",
               "hopseal-enroll");
  app.require_subcommand(1);
  app.fallthrough();  // --config and --json also behind the command
  app.add_option("--config", context.config_file, "The server's enroll.toml")->type_name("FILE");
  app.add_flag("--json", context.json, "Print JSON instead of text");
  add_serve(app, context);
  add_user(app, context);
  add_certificate(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError& error) {
    return error.get_exit_code();  // whoever threw it has said why
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hopseal-enroll: %s\n", error.what());
    return 1;
  }
  return context.exit_status;
}
