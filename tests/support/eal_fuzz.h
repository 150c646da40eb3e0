// SPDX-License-Identifier: Apache-2.0
// An EAL for fuzz targets: plain pages, one lcore, no devices, started once.

#pragma once

namespace tests {

/// Aborts the program when the EAL does not start.
void start_eal_for_fuzzing();

}  // namespace tests
