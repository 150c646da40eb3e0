// SPDX-License-Identifier: Apache-2.0
// hopseal-dataplane: checks everything, starts the EAL, attaches the node's region, runs until a
// signal. Start it before, after or without its control plane.

#include <getopt.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "config/node_config.h"
#include "crypto/kernels/select.h"
#include "dataplane/dataplane.h"
#include "dataplane/eal_arguments.h"
#include "wire/shm/region.h"

namespace {

constexpr const char* kUsage =
    "usage: hopseal-dataplane --config node.toml [--kernel NAME] [--check] [-- EAL arguments]\n"
    "  --config FILE  the node to run (docs/reference/node.toml)\n"
    "  --kernel NAME  verify kernel instead of the best one that runs here\n"
    "  --check        only check the configuration\n"
    "  --version\n";

struct Options {
  std::string config;
  std::string kernel;
  bool check = false;
  std::vector<std::string> eal;
};

/// An exit status instead when there is nothing to run.
struct Command {
  std::optional<Options> options;
  int status = 0;
};

Command read_command_line(int argc, char** argv) {
  static const option kOptions[] = {
      {"config", required_argument, nullptr, 'c'}, {"kernel", required_argument, nullptr, 'k'},
      {"check", no_argument, nullptr, 'n'},        {"help", no_argument, nullptr, 'h'},
      {"version", no_argument, nullptr, 'v'},      {nullptr, 0, nullptr, 0}};
  Options options;
  for (int given = 0; (given = ::getopt_long(argc, argv, "+c:h", kOptions, nullptr)) != -1;) {
    switch (given) {
      case 'c':
        options.config = optarg;
        break;
      case 'k':
        options.kernel = optarg;
        break;
      case 'n':
        options.check = true;
        break;
      case 'h':
        std::fputs(kUsage, stdout);
        return {};
      case 'v':
        std::puts("hopseal-dataplane " HOPSEAL_VERSION);
        return {};
      default:
        std::fputs(kUsage, stderr);
        return {.options = std::nullopt, .status = 2};
    }
  }
  const bool eal_follows = optind > 1 && std::strcmp(argv[optind - 1], "--") == 0;
  if (options.config.empty() || (optind < argc && !eal_follows)) {
    std::fputs(kUsage, stderr);
    return {.options = std::nullopt, .status = 2};
  }
  options.eal.assign(argv + optind, argv + argc);
  return {.options = std::move(options), .status = 0};
}

int fail(const std::string& what) {
  std::fprintf(stderr, "hopseal-dataplane: %s\n", what.c_str());
  return 1;
}

std::optional<config::NodeConfig> load(const Options& options) {
  config::LoadResult loaded = config::load_node_config(options.config);
  for (const config::ConfigError& error : loaded.errors) {
    std::fprintf(stderr, "%s\n", error.text().c_str());
  }
  if (!loaded.config) return std::nullopt;
  if (!options.kernel.empty()) loaded.config->dataplane.kernel = options.kernel;
  std::string why;
  const std::string& kernel = loaded.config->dataplane.kernel;
  if (!kernel.empty() && crypto::find_kernel(kernel, why) == nullptr) {
    fail(why);
    return std::nullopt;
  }
  return std::move(loaded.config);
}

bool start_eal(const config::NodeConfig& node, const std::vector<std::string>& extra) {
  static std::vector<std::string> arguments;  // the EAL keeps pointers into them
  arguments = dataplane::eal_arguments(node, dataplane::this_machine(), extra);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  return rte_eal_init(static_cast<int>(pointers.size()), pointers.data()) >= 0;
}

std::string attach_failure(const std::string& path, const wire::shm::AttachResult& attached) {
  std::string text = path + ": " + wire::shm::attach_state_text(attached.state);
  if (attached.state == wire::shm::AttachState::kRoleTaken) {
    text += " by process " + std::to_string(attached.holder_pid);
  }
  if (attached.error != 0) text += std::string(": ") + std::strerror(attached.error);
  return text;
}

std::atomic<dataplane::Dataplane*> running{nullptr};  // for the signal handler

extern "C" void on_signal(int) {
  if (dataplane::Dataplane* const plane = running.load()) plane->stop();
}

void stop_on_signals() {
  struct sigaction action;
  std::memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

int run(const config::NodeConfig& node, const std::vector<std::string>& eal) {
  if (::mkdir(node.runtime_directory.c_str(), 0750) != 0 && errno != EEXIST) {
    return fail(node.runtime_directory + ": " + std::strerror(errno));
  }
  // First, because another dataplane of this node must be left alone.
  wire::shm::AttachResult attached =
      wire::shm::Region::attach(node.region_path(), wire::shm::Role::kDataplane);
  if (attached.region == nullptr) return fail(attach_failure(node.region_path(), attached));
  const wire::shm::Region& region = *attached.region;
  // Short sleeps end on time: 1 us instead of 50. The lcores' threads inherit it.
  ::prctl(PR_SET_TIMERSLACK, 1000UL);
  if (!start_eal(node, eal)) {
    return fail(std::string("the EAL does not start: ") + rte_strerror(rte_errno) +
                "; run with `-- --log-level=info` to see why");
  }
  std::string why;
  auto plane = dataplane::Dataplane::create(
      node, *region, [&region] { return region.role_is_held(wire::shm::Role::kControlplane); },
      why);
  if (plane == nullptr) {
    rte_eal_cleanup();
    return fail(why);
  }
  running = plane.get();
  stop_on_signals();
  std::fprintf(stderr, "hopseal-dataplane: %s is up: %u workers, %zu ports, verify kernel %s\n",
               node.name.c_str(), plane->workers(), node.dataplane.ports.size(),
               region->dataplane.status.kernel.data());
  const bool ran = plane->run();
  running = nullptr;
  plane.reset();
  rte_eal_cleanup();
  std::fprintf(stderr, "hopseal-dataplane: %s is down\n", node.name.c_str());
  return ran ? 0 : fail("the EAL has too few lcores for dataplane.workers");
}

}  // namespace

int main(int argc, char** argv) {
  const Command command = read_command_line(argc, argv);
  if (!command.options) return command.status;
  const std::optional<config::NodeConfig> node = load(*command.options);
  if (!node) return 1;
  if (command.options->check) return 0;
  return run(*node, command.options->eal);
}
