// SPDX-License-Identifier: Apache-2.0
// POST /v1/keylog: the secrets of new handshakes, for those who capture packets and must read them.
//
// Lines are in the NSS key log format, which Wireshark reads; those that begin with # are comments.
// The first comment comes at once, and then one a second, so that either side sees the other go.
// Nothing is given out while nobody asks, and the log of the control plane says when it begins and
// ends.

#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string_view>

#include "controlplane/admin/http_server.h"
#include "controlplane/control_plane.h"

namespace controlplane::admin {

class KeyLog {
 public:
  static constexpr std::size_t kMaxStreams = 4;
  static constexpr std::size_t kMaxPending = 1U << 20U;  ///< bytes; who reads slower is left

  /// @p plane outlives this object.
  explicit KeyLog(ControlPlane& plane) : plane_(plane) {}
  ~KeyLog() { plane_.log_keys({}); }
  KeyLog(const KeyLog&) = delete;
  KeyLog& operator=(const KeyLog&) = delete;

  [[nodiscard]] bool is_full() const noexcept { return streams_.size() >= kMaxStreams; }
  void add(std::shared_ptr<LineStream> stream);
  /// Looks who is still there. Often.
  void turn(const overlay::Now& now);

 private:
  void write(std::string_view line);

  ControlPlane& plane_;
  std::list<std::shared_ptr<LineStream>> streams_;
  std::uint64_t next_comment_ns_ = 0;
};

}  // namespace controlplane::admin
