// SPDX-License-Identifier: Apache-2.0
// What the tests of regions share: a fresh path on tmpfs, and other processes.

#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <utility>

#include "wire/shm/region.h"

namespace wire::shm {

class RegionTest : public ::testing::Test {
 protected:
  RegionTest() {
    const std::filesystem::path shm = "/dev/shm";
    const auto directory = std::filesystem::exists(shm) ? shm : std::filesystem::path("/tmp");
    const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = directory / ("hopseal_" + std::to_string(::getpid()) + "_" + test->name());
    std::filesystem::remove(path_);
  }
  ~RegionTest() override { std::filesystem::remove(path_); }

  /// Attaches, which must work.
  [[nodiscard]] std::unique_ptr<Region> attach(Role role) const {
    AttachResult result = Region::attach(path_, role);
    EXPECT_EQ(result.state, AttachState::kAttached)
        << attach_state_text(result.state) << " errno " << result.error;
    return std::move(result.region);
  }
  [[nodiscard]] AttachState attach_state(Role role) const {
    return Region::attach(path_, role).state;
  }

  std::string path_;
};

/// Another process. @p body returns its exit status; a child that is still there in the end is
/// killed.
class Child {
 public:
  template <class Body>
  explicit Child(Body&& body) : pid_(::fork()) {
    if (pid_ == 0) ::_exit(body());
  }
  ~Child() {
    if (pid_ > 0) kill();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  void kill() {
    ::kill(pid_, SIGKILL);
    (void)wait();
  }
  /// Its exit status, or -1 when a signal ended it.
  [[nodiscard]] int wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_;
};

/// Lets one process tell another that it got somewhere.
class Signal {
 public:
  Signal() { EXPECT_EQ(::pipe(ends_), 0); }
  ~Signal() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  void give() const { EXPECT_EQ(::write(ends_[1], "x", 1), 1); }
  void await() const {
    char byte = 0;
    EXPECT_EQ(::read(ends_[0], &byte, 1), 1);
  }

 private:
  int ends_[2] = {-1, -1};
};

}  // namespace wire::shm
