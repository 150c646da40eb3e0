// SPDX-License-Identifier: Apache-2.0
// Messages that a node must refuse, by name. Where there is a drop reason of that name, the message
// is one that earns it; tests/scenario/bad_input_over_the_wire.py says what is expected of each.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/support/identity.h"

namespace tests::support {

/// What a crafted message is made from.
struct CraftSetting {
  Identity identity;  ///< a good one, in the overlay
  std::string overlay;
  std::uint16_t configuration_sequence = 1;
  std::uint8_t initial_ttl = 100;
  wire::reload::NodeId destination;  ///< a node somewhere behind the neighbour
  wire::reload::NodeId sender;       ///< the Node-ID the neighbour knows this end by
  std::string ca_certificate_path;   ///< the overlay's authority, for what only it can issue
  std::string ca_key_path;
  std::function<std::uint64_t()> random;
};

struct Crafted {
  std::vector<wire::reload::Bytes> messages;  ///< to be sent in this order
  bool framed = true;                         ///< false: datagrams to be sent as they are
};

/// Throws std::runtime_error when there is no message of that name.
[[nodiscard]] Crafted craft(const std::string& name, const CraftSetting& setting);
[[nodiscard]] std::vector<std::string> crafted_names();

/// A valid Ping request, the clay of most of them.
[[nodiscard]] wire::reload::MessageBuilder ping_to(const CraftSetting& setting);

}  // namespace tests::support
