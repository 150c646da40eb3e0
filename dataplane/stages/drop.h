// SPDX-License-Identifier: Apache-2.0
// The drop stage: empties a burst of what its stages dropped, absorbed or delivered.

#pragma once

#include "dataplane/burst.h"
#include "dataplane/doors.h"

namespace dataplane {

/// Brings every dropped, absorbed and delivered packet of @p burst to its door: counted, traced,
/// captured, freed in bulk. Nothing else frees a packet of a burst.
///
/// Position  last, for every burst of the turn
/// Reads     Burst::dropped, reason, absorbed, delivered
/// @pre      burst.live == 0
void drop(Burst& burst, Doors& doors) noexcept;

}  // namespace dataplane
