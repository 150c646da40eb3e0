// SPDX-License-Identifier: Apache-2.0
// A real `openssl` beside a test: the process, and files for its command line.

#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace tests {

/// A child with its standard input and output in our hands.
class Child {
 public:
  explicit Child(const std::vector<std::string>& arguments) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0) std::abort();
    std::vector<char*> raw;
    for (const std::string& argument : arguments)
      raw.push_back(const_cast<char*>(argument.c_str()));
    raw.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      dup2(out[1], STDERR_FILENO);
      execvp(raw[0], raw.data());
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    input_ = in[1];
    output_ = out[0];
    fcntl(output_, F_SETFL, O_NONBLOCK);
  }
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    close(input_);
    close(output_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void say(const std::string& text) const {
    EXPECT_EQ(write(input_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  /// Everything it has said so far.
  const std::string& heard() {
    std::array<char, 4096> room;
    for (ssize_t length; (length = read(output_, room.data(), room.size())) > 0;) {
      heard_.append(room.data(), static_cast<std::size_t>(length));
    }
    return heard_;
  }

 private:
  pid_t pid_ = 0;
  int input_ = -1;
  int output_ = -1;
  std::string heard_;
};

/// Files for openssl's command line, gone afterwards.
class Files {
 public:
  Files() {
    std::string path = (std::filesystem::temp_directory_path() / "links_XXXXXX").string();
    directory_ = mkdtemp(path.data());
  }
  ~Files() { std::filesystem::remove_all(directory_); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    const std::string path = directory_ / name;
    std::ofstream(path) << text;
    return path;
  }

 private:
  std::filesystem::path directory_;
};

}  // namespace tests
