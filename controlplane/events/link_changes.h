// SPDX-License-Identifier: Apache-2.0
// What happened on links, for the core and the log.

#pragma once

#include <vector>

#include "controlplane/overlay/io.h"

namespace controlplane::events {

/// Whoever carries it out empties it.
struct LinkChanges {
  /// The beginning of a message that nobody will read to its end.
  struct TooLarge {
    overlay::Ingress from;
    wire::reload::Bytes header;
  };
  std::vector<overlay::LinkKeys> keys;
  std::vector<TooLarge> too_large;
  std::vector<overlay::Note> notes;
};

}  // namespace controlplane::events
