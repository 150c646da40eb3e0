// SPDX-License-Identifier: Apache-2.0
// A message extension that this node adds to what it sends (RFC 6940 section 6.3.3). None of ours
// is critical: whoever does not know it passes it over.

#pragma once

#include <cstdint>

#include "wire/reload/bytes.h"

namespace controlplane::overlay {

struct Extension {
  std::uint16_t type = 0;
  wire::reload::Bytes contents;
};

}  // namespace controlplane::overlay
