// SPDX-License-Identifier: Apache-2.0
// hopsealctl: looks at one node and tells it what to do.

#include <csignal>
#include <cstdio>
#include <exception>

#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/enroll.h"

namespace {

constexpr const char* kAbout =
    "Looks at a Hopseal node and tells it what to do.\n\n"
    "What `show` does not say to ask the control plane for, and `route --here`, reads the node's "
    "shared memory and needs no running process. The other commands that name a node ask its "
    "control plane.";

}  // namespace

int main(int argc, char** argv) {
  using namespace controlplane::ctl;
  std::signal(SIGPIPE,
              SIG_IGN);  // `hopsealctl ... | head` ends with an error of write, not with us
  Context context;
  CLI::App app(kAbout, "hopsealctl");
  app.require_subcommand(1);
  app.fallthrough();  // --json also behind the command
  app.add_option("--config", context.config_file, "The node's node.toml")->type_name("FILE");
  app.add_option("--runtime-directory", context.runtime_directory,
                 "The node's runtime directory, when its node.toml is out of reach")
      ->type_name("DIR");
  app.add_flag("--json", context.json, "Print JSON instead of tables");
  add_show(app, context);
  add_trace(app, context);
  add_capture(app, context);
  add_ping(app, context);
  add_decode(app, context);
  add_verify(app, context);
  add_rekey(app, context);
  add_membership(app, context);
  add_route(app, context);
  add_probe(app, context);
  add_adopt(app, context);
  add_lab(app, context);
  add_overlay(app, context);
  add_overlay_draw(*app.get_subcommand("overlay"), context);
  add_enroll(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError& error) {
    return error.get_exit_code();  // whoever threw it has said why
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hopsealctl: %s\n", error.what());
    return 1;
  }
  return context.exit_status;
}
