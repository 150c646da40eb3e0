// SPDX-License-Identifier: Apache-2.0
// The file below a region: who may open it, and what is in it. Used by region.cc alone.
//
// Locks are OFD locks on single bytes: they belong to the open file, not to the process, so two
// regions in one process exclude each other as two processes do, and the kernel releases them when
// the last descriptor closes, however the owner died.

#pragma once

#include <cstdint>
#include <string>

namespace wire::shm {

/// A descriptor, closed when destroyed.
class RegionFile {
 public:
  /// The bytes that are locked. kSetup is held for the moments of attach() in which the file may be
  /// incomplete or be replaced.
  enum class Byte : std::uint8_t { kDataplane, kControlplane, kSetup };

  /// What stands in the file.
  enum class Content : std::uint8_t {
    kUnfinished,   ///< empty, or its creator died before it was ready
    kOurs,         ///< ready, and laid out as this build expects
    kOtherLayout,  ///< ready, and made by another build
    kNoRegion,     ///< some other file
  };

  RegionFile() noexcept = default;
  explicit RegionFile(int fd) noexcept : fd_(fd) {}
  RegionFile(RegionFile&& other) noexcept : fd_(other.release()) {}
  RegionFile& operator=(RegionFile&& other) noexcept;
  ~RegionFile();

  /// Opens for reading, or for both and creating it when absent. Check valid(); errno is set.
  [[nodiscard]] static RegionFile open(const std::string& path, bool read_only) noexcept;

  [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int fd() const noexcept { return fd_; }
  int release() noexcept;

  /// False with errno set; lock_was_held() then tells whether another open file holds it.
  [[nodiscard]] bool lock(Byte byte) const noexcept;
  [[nodiscard]] static bool lock_was_held() noexcept;
  void unlock(Byte byte) const noexcept;
  /// True while another open file holds it.
  [[nodiscard]] static bool held_elsewhere(int fd, Byte byte) noexcept;

  /// True while @p path still names this file.
  [[nodiscard]] bool is_at(const std::string& path) const noexcept;
  [[nodiscard]] Content content() const noexcept;
  /// Makes it a sparse file of @p bytes zeros. ENOSPC when the file system has not that many left,
  /// because a sparse page that cannot be filled later would kill the process with SIGBUS.
  [[nodiscard]] bool make_zero(std::uint64_t bytes) const noexcept;

 private:
  int fd_ = -1;
};

}  // namespace wire::shm
