// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/drop.h"

namespace dataplane {

void drop(Burst& burst, Doors& doors) noexcept {
  assert(burst.live == 0);
  for (std::uint64_t left = burst.dropped; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    doors.drop(burst.mbufs[i], burst.reason[i]);
  }
  for (std::uint64_t left = burst.absorbed; left != 0; left &= left - 1) {
    doors.absorb(burst.mbufs[static_cast<unsigned>(std::countr_zero(left))]);
  }
  for (std::uint64_t left = burst.delivered; left != 0; left &= left - 1) {
    doors.delivered(burst.mbufs[static_cast<unsigned>(std::countr_zero(left))]);
  }
  burst.clear();
}

}  // namespace dataplane
