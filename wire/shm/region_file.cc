// SPDX-License-Identifier: Apache-2.0
#include "wire/shm/region_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "wire/shm/region.h"

namespace wire::shm {
namespace {

/// The first bytes of the file. They mean the same in every build, so that builds that agree on
/// nothing else still recognise each other.
struct FileStart {
  std::array<char, 8> magic;
  std::uint64_t layout_hash;
  std::uint32_t ready;
};
static_assert(offsetof(RegionHeader, magic) == offsetof(FileStart, magic));
static_assert(offsetof(RegionHeader, layout_hash) == offsetof(FileStart, layout_hash));
static_assert(offsetof(RegionHeader, ready) == offsetof(FileStart, ready));

struct flock byte_lock(RegionFile::Byte byte, short type) noexcept {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(byte);
  lock.l_len = 1;
  return lock;
}

}  // namespace

RegionFile RegionFile::open(const std::string& path, bool read_only) noexcept {
  const int flags = read_only ? O_RDONLY : O_RDWR | O_CREAT;
  return RegionFile{::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0640)};
}

RegionFile& RegionFile::operator=(RegionFile&& other) noexcept {
  if (this != &other) {
    if (valid()) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

RegionFile::~RegionFile() {
  if (valid()) ::close(fd_);
}

int RegionFile::release() noexcept { return std::exchange(fd_, -1); }

bool RegionFile::lock(Byte byte) const noexcept {
  struct flock lock = byte_lock(byte, F_WRLCK);
  return ::fcntl(fd_, F_OFD_SETLK, &lock) == 0;
}

bool RegionFile::lock_was_held() noexcept { return errno == EAGAIN || errno == EACCES; }

void RegionFile::unlock(Byte byte) const noexcept {
  struct flock lock = byte_lock(byte, F_UNLCK);
  ::fcntl(fd_, F_OFD_SETLK, &lock);
}

bool RegionFile::held_elsewhere(int fd, Byte byte) noexcept {
  struct flock lock = byte_lock(byte, F_WRLCK);
  return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool RegionFile::is_at(const std::string& path) const noexcept {
  struct stat mine = {};
  struct stat named = {};
  return ::fstat(fd_, &mine) == 0 && ::stat(path.c_str(), &named) == 0 &&
         mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
}

RegionFile::Content RegionFile::content() const noexcept {
  FileStart start = {};
  struct stat status = {};
  // A short read leaves zeros, which is what an unfinished file has there.
  if (::pread(fd_, &start, sizeof(start), 0) < 0 || ::fstat(fd_, &status) != 0) {
    return Content::kNoRegion;
  }
  if (start.magic == std::array<char, 8>{}) {
    return start.layout_hash == 0 ? Content::kUnfinished : Content::kNoRegion;
  }
  if (start.magic != kRegionMagic) return Content::kNoRegion;
  if (start.ready == 0) return Content::kUnfinished;
  const bool ours = start.layout_hash == layout_hash() && status.st_size == sizeof(NodeRegion);
  return ours ? Content::kOurs : Content::kOtherLayout;
}

bool RegionFile::make_zero(std::uint64_t bytes) const noexcept {
  struct statvfs space = {};
  if (::ftruncate(fd_, 0) != 0 || ::fstatvfs(fd_, &space) != 0) return false;
  if (space.f_blocks != 0 && space.f_bavail * space.f_frsize < bytes) {
    errno = ENOSPC;
    return false;
  }
  return ::ftruncate(fd_, static_cast<off_t>(bytes)) == 0;
}

}  // namespace wire::shm
