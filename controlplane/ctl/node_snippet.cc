// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/node_snippet.h"

#include <cstdint>

#include "controlplane/ctl/toml_string.h"

namespace controlplane::ctl {
namespace {

/// "key = value", or a comment when node.toml takes least to most only.
std::string number(const char* key, std::uint64_t value, std::uint64_t least, std::uint64_t most) {
  const bool fits = least <= value && value <= most;
  return (fits ? "" : "# not within the limits of node.toml: ") + std::string(key) + " = " +
         std::to_string(value) + "\n";
}

}  // namespace

std::string node_snippet(const EnrolledPaths& paths,
                         const configuration::OverlayConfiguration& configuration) {
  // The limits are those of config/overlay_section.cc.
  std::string text =
      "[overlay]\nname = " + toml_string(configuration.instance_name) + "\n" +
      number("configuration_sequence", configuration.sequence.value_or(0), 0, 65535) +
      "root_certificates = [" +
      (configuration.root_certs.empty() ? std::string() : toml_string(paths.roots)) + "]\n" +
      (configuration.self_signed_permitted
           ? "self_signed = " +
                 toml_string(configuration::digest_name(configuration.self_signed_digest)) + "\n"
           : std::string()) +
      number("initial_ttl", configuration.initial_ttl, 1, 255) +
      number("max_message_size", configuration.max_message_size, 512, 65535) +
      number("reliability_timer_ms", configuration.overlay_reliability_timer_ms, 200, 60'000) +
      "\n[[identity]]\nname = \"node\"\ncertificate = " + toml_string(paths.certificate) +
      "\nkey = " + toml_string(paths.key) + "\n";
  // Of a quicker overlay, node.toml refuses the default of replay_window_ms.
  constexpr std::uint32_t kDefaultReplayWindowMs = 2000;
  const std::uint32_t timer_ms = configuration.overlay_reliability_timer_ms;
  if (timer_ms <= kDefaultReplayWindowMs) {
    text += "\n[admission]\nreplay_window_ms = " + std::to_string(timer_ms / 2) + "\n";
  }
  if (configuration.shared_secret) {
    text += "\n# The overlay has a shared secret: links.shared_secret names a file with it.\n";
  }
  return text;
}

}  // namespace controlplane::ctl
