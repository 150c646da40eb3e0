// SPDX-License-Identifier: Apache-2.0
// A file with the secrets of handshakes that are made while it is written, for Wireshark.

#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <string>
#include <thread>

#include "controlplane/ctl/commands.h"

namespace controlplane::ctl {

class KeyLogFile {
 public:
  /// Makes @p path, which must not exist, with mode 0600, and waits until the control plane gives
  /// keys out. Or fail()s.
  KeyLogFile(const Context& context, const std::string& path);
  /// Ends it; takes up to a second.
  ~KeyLogFile();
  KeyLogFile(const KeyLogFile&) = delete;
  KeyLogFile& operator=(const KeyLogFile&) = delete;

  /// Handshakes in the file.
  [[nodiscard]] std::uint64_t handshakes() const noexcept { return handshakes_.load(); }

 private:
  void take(const std::string& socket_path);

  int fd_ = -1;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> handshakes_{0};
  std::promise<std::string> begun_;  // empty, or why not
  bool has_begun_ = false;           // of the thread
  std::thread thread_;
};

}  // namespace controlplane::ctl
