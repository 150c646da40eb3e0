// SPDX-License-Identifier: Apache-2.0
// Each role can write its own sections; a store anywhere else kills the process that tries.

#include "tests/wire/shm_region_fixture.h"

namespace wire::shm {
namespace {

enum class Part { kHeader, kTables, kDataplane, kRings };

void write_into(NodeRegion& region, Part part) {
  switch (part) {
    case Part::kHeader:
      region.header.dataplane.heartbeat.store(1);
      break;
    case Part::kTables:
      region.tables.routes.generation.store(1);
      break;
    case Part::kDataplane:
      region.dataplane.traces[kMaxLcores - 1].write(TraceRecord{});
      break;
    case Part::kRings:
      (void)region.rings.lcores[0].urgent.push(PacketRecord{});
      break;
  }
}

struct Case {
  Role role;
  Part part;
  bool allowed;
};

class RegionProtection : public RegionTest, public ::testing::WithParamInterface<Case> {
 protected:
  RegionProtection() {
    // The name of a parametrised test has a slash in it.
    path_ = path_.substr(0, path_.rfind("hopseal_")) + "hopseal_" + std::to_string(::getpid()) +
            "_protection";
    std::filesystem::remove(path_);
  }
};

TEST_P(RegionProtection, LetsARoleWriteItsOwnSectionsOnly) {
  if (GetParam().role == Role::kObserver) attach(Role::kDataplane).reset();
  const auto region = attach(GetParam().role);
  Child writer([&] {
    std::signal(SIGSEGV, SIG_DFL);  // a sanitizer would turn it into an exit
    write_into(**region, GetParam().part);
    return 0;
  });
  const int expected = GetParam().allowed ? 0 : -1;
  EXPECT_EQ(writer.wait(), expected);
}

INSTANTIATE_TEST_SUITE_P(AllRolesAndSections, RegionProtection,
                         ::testing::Values(Case{Role::kDataplane, Part::kHeader, true},
                                           Case{Role::kDataplane, Part::kTables, false},
                                           Case{Role::kDataplane, Part::kDataplane, true},
                                           Case{Role::kDataplane, Part::kRings, true},
                                           Case{Role::kControlplane, Part::kHeader, true},
                                           Case{Role::kControlplane, Part::kTables, true},
                                           Case{Role::kControlplane, Part::kDataplane, false},
                                           Case{Role::kControlplane, Part::kRings, true},
                                           Case{Role::kObserver, Part::kHeader, false},
                                           Case{Role::kObserver, Part::kTables, false},
                                           Case{Role::kObserver, Part::kDataplane, false},
                                           Case{Role::kObserver, Part::kRings, false}));

}  // namespace
}  // namespace wire::shm
