// SPDX-License-Identifier: Apache-2.0
// What happened on links, for the core and the log.

#pragma once

#include <vector>

#include "controlplane/links/io.h"
#include "controlplane/overlay/io.h"

namespace controlplane::events {

/// Whoever carries it out empties it.
struct LinkChanges {
  /// The beginning of a message that nobody will read to its end.
  struct TooLarge {
    overlay::Ingress from;
    wire::reload::Bytes header;
  };
  /// A handshake that gave a link its first keys, which are on their way to the dataplane.
  struct Secured {
    overlay::Ingress link;
    wire::reload::NodeId peer;
  };
  std::vector<overlay::LinkKeys> keys;
  std::vector<Secured> secured;
  std::vector<overlay::Ingress> closed;   ///< the peer took back what keys there were
  std::vector<overlay::Ingress> renewed;  ///< the peer wanted new keys: it may have started anew
  std::vector<overlay::Ingress> not_secured;  ///< a handshake failed
  std::vector<links::Admission> admissions;
  std::vector<TooLarge> too_large;
  std::vector<overlay::Note> notes;
};

}  // namespace controlplane::events
