// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "tests/wire/shm_region_fixture.h"

namespace wire::shm {
namespace {

/// Changes bytes of a region's file as another build would have written them.
template <class T>
void patch(const std::string& path, std::size_t offset, T value) {
  const int fd = ::open(path.c_str(), O_RDWR);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(::pwrite(fd, &value, sizeof(value), static_cast<off_t>(offset)),
            static_cast<ssize_t>(sizeof(value)));
  ::close(fd);
}
constexpr std::size_t kHashAt = offsetof(RegionHeader, layout_hash);
constexpr std::size_t kReadyAt = offsetof(RegionHeader, ready);

ino_t inode(const std::string& path) {
  struct stat status = {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_ino;
}

using RegionAttach = RegionTest;

TEST_F(RegionAttach, AnObserverDoesNotCreateARegion) {
  EXPECT_EQ(attach_state(Role::kObserver), AttachState::kAbsent);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(RegionAttach, TheDataplaneMayComeFirst) {
  const auto dataplane = attach(Role::kDataplane);
  (*dataplane)->dataplane.status.worker_count = 3;
  const auto controlplane = attach(Role::kControlplane);
  EXPECT_EQ((*controlplane)->dataplane.status.worker_count, 3U);
}

TEST_F(RegionAttach, TheControlPlaneMayComeFirst) {
  const auto controlplane = attach(Role::kControlplane);
  (*controlplane)->tables.routes.copy[0].peer_count = 5;
  const auto dataplane = attach(Role::kDataplane);
  EXPECT_EQ((*dataplane)->tables.routes.copy[0].peer_count, 5U);
}

TEST_F(RegionAttach, BothMayComeAtTheSameMoment) {
  for (int round = 0; round < 20; ++round) {
    std::filesystem::remove(path_);
    Signal attached;
    Signal seen;
    const auto start = [&](Role role) {
      const AttachResult result = Region::attach(path_, role);
      if (result.state != AttachState::kAttached) return 1;
      attached.give();
      seen.await();
      return 0;
    };
    Child dataplane([&] { return start(Role::kDataplane); });
    Child controlplane([&] { return start(Role::kControlplane); });
    attached.await();
    attached.await();
    {
      const auto observer = attach(Role::kObserver);
      EXPECT_TRUE(observer->role_is_held(Role::kDataplane));
      EXPECT_TRUE(observer->role_is_held(Role::kControlplane));
      EXPECT_EQ((*observer)->header.dataplane.incarnation, 1U);
      EXPECT_EQ((*observer)->header.controlplane.incarnation, 1U);
    }
    seen.give();
    seen.give();
    EXPECT_EQ(dataplane.wait(), 0);
    EXPECT_EQ(controlplane.wait(), 0);
  }
}

TEST_F(RegionAttach, ANewRegionIsInItsFirstState) {
  const auto region = attach(Role::kDataplane);
  const NodeRegion& node = **region;
  EXPECT_EQ(node.tables.routes.generation, 0U);
  EXPECT_TRUE(node.tables.routes.copy[0].self.is_invalid());
  for (const LcoreProgress& lcore : node.dataplane.routes_progress) {
    EXPECT_EQ(lcore.pinned, LcoreProgress::kOffline);
  }
  EXPECT_EQ(node.dataplane.links[kMaxLinks - 1].identity.slot, kNoLink);
  EXPECT_EQ(node.rings.commands.size(), 0U);
  EXPECT_EQ(node.rings.lcores[kMaxLcores - 1].events.size(), 0U);
}

TEST_F(RegionAttach, ARoleIsTakenOnceAndTheHolderNamed) {
  const auto first = attach(Role::kDataplane);
  const AttachResult second = Region::attach(path_, Role::kDataplane);
  EXPECT_EQ(second.state, AttachState::kRoleTaken);
  EXPECT_EQ(second.holder_pid, static_cast<std::uint32_t>(::getpid()));
  EXPECT_EQ(second.region, nullptr);
  EXPECT_EQ((*first)->header.dataplane.incarnation, 1U);  // the refused one left no trace
}

TEST_F(RegionAttach, AnyNumberMayObserve) {
  const auto dataplane = attach(Role::kDataplane);
  const auto one = attach(Role::kObserver);
  const auto other = attach(Role::kObserver);
  EXPECT_FALSE(one->role_is_held(Role::kObserver));
  EXPECT_TRUE(other->role_is_held(Role::kDataplane));
  EXPECT_FALSE(other->role_is_held(Role::kControlplane));
}

TEST_F(RegionAttach, ARoleIsFreeWhenItsRegionIsDestroyed) {
  auto dataplane = attach(Role::kDataplane);
  const auto controlplane = attach(Role::kControlplane);
  EXPECT_TRUE(controlplane->role_is_held(Role::kDataplane));
  dataplane.reset();
  EXPECT_FALSE(controlplane->role_is_held(Role::kDataplane));
  EXPECT_TRUE(controlplane->role_is_held(Role::kControlplane));  // by itself
  EXPECT_EQ(attach_state(Role::kDataplane), AttachState::kAttached);
}

TEST_F(RegionAttach, ADeadOwnerIsSeenAtOnce) {
  const auto controlplane = attach(Role::kControlplane);
  Signal attached;
  Child dataplane([&] {
    const AttachResult result = Region::attach(path_, Role::kDataplane);
    attached.give();
    for (;;) ::pause();
    return 0;
  });
  attached.await();
  EXPECT_TRUE(controlplane->role_is_held(Role::kDataplane));
  EXPECT_EQ((*controlplane)->header.dataplane.pid, static_cast<std::uint32_t>(dataplane.pid()));
  dataplane.kill();
  EXPECT_FALSE(controlplane->role_is_held(Role::kDataplane));
  EXPECT_EQ(attach_state(Role::kDataplane), AttachState::kAttached);
}

TEST_F(RegionAttach, AStartingDataplaneClearsItsSectionAndNothingElse) {
  const auto controlplane = attach(Role::kControlplane);
  (*controlplane)->tables.policy.copy[1].initial_ttl = 77;
  {
    const auto dataplane = attach(Role::kDataplane);
    NodeRegion& node = **dataplane;
    node.dataplane.status.links = 9;
    node.dataplane.counters[0].received.add(5);
    node.dataplane.routes_progress[0].pinned = 4;
    node.dataplane.links[7].messages_in.add(1);
    EXPECT_TRUE(node.rings.lcores[0].events.push(Event{}));
  }
  const auto again = attach(Role::kDataplane);
  const NodeRegion& node = **controlplane;
  EXPECT_EQ(node.header.dataplane.incarnation, 2U);
  EXPECT_EQ(node.header.controlplane.incarnation, 1U);
  EXPECT_EQ(node.dataplane.status.links, 0U);
  EXPECT_EQ(node.dataplane.counters[0].received.get(), 0U);
  EXPECT_EQ(node.dataplane.routes_progress[0].pinned, LcoreProgress::kOffline);
  EXPECT_EQ(node.dataplane.links[7].messages_in.get(), 0U);
  EXPECT_EQ(node.tables.policy.copy[1].initial_ttl, 77);
  EXPECT_EQ(node.rings.lcores[0].events.size(), 1U);  // the last words of the one before
}

TEST_F(RegionAttach, AStartingDataplaneDiscardsWhatWasQueuedToItsPredecessor) {
  const auto controlplane = attach(Role::kControlplane);
  EXPECT_TRUE((*controlplane)->rings.commands.push(Command{}));
  EXPECT_TRUE((*controlplane)->rings.lcores[3].injected.push(PacketRecord{}));
  const auto dataplane = attach(Role::kDataplane);
  EXPECT_EQ((*dataplane)->rings.commands.size(), 0U);
  EXPECT_EQ((*dataplane)->rings.lcores[3].injected.size(), 0U);
}

TEST_F(RegionAttach, AStartingControlPlaneLeavesTablesAndRingsAsTheyAre) {
  const auto dataplane = attach(Role::kDataplane);
  {
    const auto controlplane = attach(Role::kControlplane);
    (*controlplane)->tables.routes.copy[1].is_peer = 1;
    (*controlplane)->tables.routes.generation = 1;
    EXPECT_TRUE((*controlplane)->rings.commands.push(Command{}));
  }
  const auto again = attach(Role::kControlplane);
  EXPECT_EQ((*again)->header.controlplane.incarnation, 2U);
  EXPECT_EQ((*dataplane)->tables.routes.generation, 1U);
  EXPECT_EQ((*dataplane)->tables.routes.copy[1].is_peer, 1U);
  EXPECT_EQ((*dataplane)->rings.commands.size(), 1U);
}

TEST_F(RegionAttach, ARegionOfAnotherLayoutIsRefusedWhileItsProcessRuns) {
  const auto old = attach(Role::kDataplane);
  patch(path_, kHashAt, layout_hash() + 1);
  EXPECT_EQ(attach_state(Role::kControlplane), AttachState::kWrongLayout);
  EXPECT_EQ(attach_state(Role::kObserver), AttachState::kWrongLayout);
  EXPECT_THAT(attach_state_text(AttachState::kWrongLayout), ::testing::HasSubstr("another build"));
}

TEST_F(RegionAttach, ARegionOfAnotherLayoutIsReplacedWhenNoProcessRuns) {
  attach(Role::kDataplane).reset();
  const auto observer = attach(Role::kObserver);  // of the old region; has no role
  const ino_t old = inode(path_);
  patch(path_, kHashAt, layout_hash() + 1);
  const auto controlplane = attach(Role::kControlplane);
  EXPECT_NE(inode(path_), old);
  EXPECT_EQ((*controlplane)->header.layout_hash, layout_hash());
  EXPECT_EQ((*controlplane)->header.dataplane.incarnation, 0U);
  EXPECT_EQ((*observer)->header.dataplane.incarnation, 1U);  // still there to be read
}

TEST_F(RegionAttach, AFileThatIsNoRegionIsLeftAlone) {
  const std::string text = "somebody's letter, longer than the start of a region's header";
  std::ofstream(path_) << text;
  for (const Role role : {Role::kDataplane, Role::kControlplane, Role::kObserver}) {
    EXPECT_EQ(attach_state(role), AttachState::kWrongLayout);
  }
  std::ifstream file(path_);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), text);
}

TEST_F(RegionAttach, ARegionWhoseCreatorDiedIsMadeAgain) {
  attach(Role::kDataplane).reset();
  patch(path_, kReadyAt, std::uint32_t{0});
  EXPECT_EQ(attach_state(Role::kObserver), AttachState::kNotReady);
  const auto dataplane = attach(Role::kDataplane);
  EXPECT_EQ((*dataplane)->header.dataplane.incarnation, 1U);
  EXPECT_EQ(attach_state(Role::kObserver), AttachState::kAttached);
}

TEST_F(RegionAttach, AnEmptyFileIsARegionNotYetMade) {
  std::ofstream(path_).flush();
  EXPECT_EQ(attach_state(Role::kObserver), AttachState::kNotReady);
  EXPECT_EQ(attach_state(Role::kControlplane), AttachState::kAttached);
}

TEST_F(RegionAttach, AnotherProcessInTheMiddleOfItsSetupIsWaitedFor) {
  attach(Role::kControlplane).reset();
  const int fd = ::open(path_.c_str(), O_RDWR);
  struct flock setup = {};
  setup.l_type = F_WRLCK;
  setup.l_start = 2;
  setup.l_len = 1;
  ASSERT_EQ(::fcntl(fd, F_OFD_SETLK, &setup), 0);
  std::thread other([fd] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ::close(fd);
  });
  EXPECT_EQ(attach_state(Role::kDataplane), AttachState::kAttached);
  other.join();
}

TEST_F(RegionAttach, AProcessThatNeverEndsItsSetupIsNotWaitedForForever) {
  attach(Role::kControlplane).reset();
  const int fd = ::open(path_.c_str(), O_RDWR);
  struct flock setup = {};
  setup.l_type = F_WRLCK;
  setup.l_start = 2;
  setup.l_len = 1;
  ASSERT_EQ(::fcntl(fd, F_OFD_SETLK, &setup), 0);
  EXPECT_EQ(attach_state(Role::kDataplane), AttachState::kNotReady);
  ::close(fd);
}

TEST_F(RegionAttach, APathThatCannotBeOpenedGivesItsErrno) {
  const AttachResult result = Region::attach("/nonexistent/directory/region", Role::kDataplane);
  EXPECT_EQ(result.state, AttachState::kSystemError);
  EXPECT_EQ(result.error, ENOENT);
}

TEST_F(RegionAttach, ASymbolicLinkIsNotFollowed) {
  const std::string target = path_ + "_target";
  std::filesystem::create_symlink(target, path_);
  const AttachResult result = Region::attach(path_, Role::kDataplane);
  EXPECT_EQ(result.state, AttachState::kSystemError);
  EXPECT_EQ(result.error, ELOOP);
  EXPECT_FALSE(std::filesystem::exists(target));
}

}  // namespace
}  // namespace wire::shm
