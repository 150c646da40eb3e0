// SPDX-License-Identifier: Apache-2.0
// What builders give back.

#pragma once

#include <cstddef>
#include <vector>

namespace wire::reload {

using Bytes = std::vector<std::byte>;

}  // namespace wire::reload
