// SPDX-License-Identifier: Apache-2.0
#include "wire/shm/region.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <new>
#include <thread>
#include <utility>

#include "wire/shm/region_file.h"

namespace wire::shm {
namespace {

using Byte = RegionFile::Byte;
using Content = RegionFile::Content;

/// How long attach() waits for another process that is in the middle of its own.
constexpr auto kSetupPause = std::chrono::milliseconds{5};
constexpr int kSetupAttempts = 200;

Byte byte_of(Role role) noexcept {
  return role == Role::kDataplane ? Byte::kDataplane : Byte::kControlplane;
}

AttachResult refused(AttachState state) {
  AttachResult result;
  result.state = state;
  return result;
}

AttachResult system_error(int error) {
  AttachResult result;
  result.error = error;
  return result;
}

/// Maps all of it with @p protection, or nullptr with errno set.
NodeRegion* map(int fd, int protection) noexcept {
  void* const at = ::mmap(nullptr, sizeof(NodeRegion), protection, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return nullptr;
  ::madvise(at, sizeof(NodeRegion), MADV_DONTDUMP);
  return static_cast<NodeRegion*>(at);
}

void unmap(NodeRegion* region) noexcept { ::munmap(region, sizeof(NodeRegion)); }

template <class Section>
bool make_writable(Section& section) noexcept {
  static_assert(alignof(Section) == kPageBytes && sizeof(Section) % kPageBytes == 0);
  return ::mprotect(&section, sizeof(section), PROT_READ | PROT_WRITE) == 0;
}

AttachResult role_taken(const RegionFile& file, Role role) {
  AttachResult result = refused(AttachState::kRoleTaken);
  // An OFD lock has no pid of its holder, so the holder says it itself.
  if (file.content() != Content::kOurs) return result;
  if (NodeRegion* const region = map(file.fd(), PROT_READ)) {
    const RegionHeader& header = region->header;
    const ProcessStatus& holder = role == Role::kDataplane ? header.dataplane : header.controlplane;
    result.holder_pid = holder.pid.load(std::memory_order_relaxed);
    unmap(region);
  }
  return result;
}

/// Lets a role write its sections, in a region that is mapped read-only.
bool protect(NodeRegion& region, Role role) noexcept {
  if (role == Role::kObserver) return true;
  const bool own =
      role == Role::kDataplane ? make_writable(region.dataplane) : make_writable(region.tables);
  return own && make_writable(region.header) && make_writable(region.rings);
}

/// Brings every object of a zero-filled file to life in place. Ring records stay untouched: their
/// pages are allocated when they are first used.
bool construct(const RegionFile& file) noexcept {
  if (!file.make_zero(sizeof(NodeRegion))) return false;
  NodeRegion* const region = map(file.fd(), PROT_READ | PROT_WRITE);
  if (region == nullptr) return false;
  new (&region->tables) TableSection;
  new (&region->dataplane) DataplaneSection;
  new (&region->rings) RingSection;
  new (&region->header) RegionHeader;
  region->header.magic = kRegionMagic;
  region->header.layout_hash = layout_hash();
  region->header.ready.store(1, std::memory_order_release);
  unmap(region);
  return true;
}

template <class Record, std::size_t N>
void discard(SpscRing<Record, N>& ring) noexcept {
  ring.consume(N, [](const Record&) {});
}

std::uint64_t monotonic_ns() noexcept {
  return static_cast<std::uint64_t>(
      std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

void start(ProcessStatus& status) noexcept {
  status.pid.store(static_cast<std::uint32_t>(::getpid()), std::memory_order_relaxed);
  status.heartbeat.store(monotonic_ns(), std::memory_order_relaxed);
  // Last: who sees the new incarnation sees a cleared section and emptied rings with it.
  status.incarnation.fetch_add(1, std::memory_order_release);
}

void start(NodeRegion& region, Role role) noexcept {
  if (role == Role::kControlplane) return start(region.header.controlplane);
  new (&region.dataplane) DataplaneSection;
  region.rings.commands.consume_wiping(kCommandRing, [](const Command&) {});  // may hold keys
  for (LcoreRings& lcore : region.rings.lcores) discard(lcore.injected);
  start(region.header.dataplane);
}

/// Opens the file at @p path and holds its setup byte. With kAttached the file is valid, still at
/// its path and not of another layout.
AttachState open_for_setup(const std::string& path, RegionFile& file) noexcept {
  for (int attempt = 0; attempt < kSetupAttempts; ++attempt) {
    file = RegionFile::open(path, false);
    if (!file.valid()) return AttachState::kSystemError;
    if (!file.lock(Byte::kSetup)) {
      if (!RegionFile::lock_was_held()) return AttachState::kSystemError;
      std::this_thread::sleep_for(kSetupPause);
      continue;
    }
    if (!file.is_at(path)) continue;  // replaced between open and lock
    const Content content = file.content();
    if (content == Content::kNoRegion) return AttachState::kWrongLayout;
    if (content != Content::kOtherLayout) return AttachState::kAttached;
    if (RegionFile::held_elsewhere(file.fd(), Byte::kDataplane) ||
        RegionFile::held_elsewhere(file.fd(), Byte::kControlplane)) {
      return AttachState::kWrongLayout;
    }
    // A new file, not the old one emptied: an observer may still have that one mapped.
    if (::unlink(path.c_str()) != 0) return AttachState::kSystemError;
  }
  return AttachState::kNotReady;
}

}  // namespace

const char* attach_state_text(AttachState state) noexcept {
  switch (state) {
    case AttachState::kAttached:
      return "attached";
    case AttachState::kAbsent:
      return "no such region: neither process of this node has been started";
    case AttachState::kNotReady:
      return "another process is still creating the region";
    case AttachState::kWrongLayout:
      return "the region was made by another build whose process still runs, or is no region";
    case AttachState::kRoleTaken:
      return "another process already has this role on the node";
    case AttachState::kSystemError:
      break;
  }
  return "system error";
}

AttachResult Region::attach(const std::string& path, Role role) {
  RegionFile file;
  if (role == Role::kObserver) {
    file = RegionFile::open(path, true);
    if (!file.valid()) {
      return errno == ENOENT ? refused(AttachState::kAbsent) : system_error(errno);
    }
    const Content content = file.content();
    if (content == Content::kUnfinished) return refused(AttachState::kNotReady);
    if (content != Content::kOurs) return refused(AttachState::kWrongLayout);
  } else {
    const AttachState opened = open_for_setup(path, file);
    if (opened == AttachState::kSystemError) return system_error(errno);
    if (opened != AttachState::kAttached) return refused(opened);
    if (!file.lock(byte_of(role))) {
      return RegionFile::lock_was_held() ? role_taken(file, role) : system_error(errno);
    }
    if (file.content() == Content::kUnfinished && !construct(file)) return system_error(errno);
  }

  NodeRegion* const region = map(file.fd(), PROT_READ);
  if (region == nullptr) return system_error(errno);
  const int fd = file.release();
  AttachResult result;
  result.region.reset(new Region(path, fd, region, role));
  if (!protect(*region, role)) return system_error(errno);
  if (role != Role::kObserver) {
    start(*region, role);
    RegionFile setup(fd);
    setup.unlock(Byte::kSetup);
    setup.release();
  }
  result.state = AttachState::kAttached;
  return result;
}

Region::Region(std::string path, int fd, NodeRegion* region, Role role) noexcept
    : path_(std::move(path)), fd_(fd), region_(region), role_(role) {}

Region::~Region() {
  unmap(region_);
  ::close(fd_);
}

bool Region::role_is_held(Role role) const noexcept {
  if (role == Role::kObserver) return false;
  return role == role_ || RegionFile::held_elsewhere(fd_, byte_of(role));
}

}  // namespace wire::shm
