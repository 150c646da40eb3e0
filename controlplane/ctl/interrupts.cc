// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/interrupts.h"

#include <csignal>

namespace controlplane::ctl {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;

}  // namespace

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = [](int) { g_interrupted = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() noexcept { return g_interrupted != 0; }

}  // namespace controlplane::ctl
