// SPDX-License-Identifier: Apache-2.0
// Two control planes on real regions in a temporary directory, and a stand-in for their dataplanes
// that carries messages from one to the other.

#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "controlplane/control_plane.h"
#include "tests/controlplane/test_overlay.h"

namespace tests {

/// A directory that goes with its owner.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

/// Node "a" (0x10…) or "b" (0x80…) of a two-node overlay, each the other's only peer.
class TestPlane {
 public:
  /// @param protocol  of the link between the two
  TestPlane(const TestOverlay& overlay, const std::string& directory, char letter,
            const std::string& protocol = "lab");

  [[nodiscard]] const config::NodeConfig& config() const noexcept { return config_; }
  [[nodiscard]] config::NodeConfig& config() noexcept { return config_; }  ///< before start()
  [[nodiscard]] std::string file(const std::string& end) const {
    return directory_ + "/" + letter_ + end;
  }
  void start();  ///< the control plane, anew
  /// Behind start(), with protocol "tls": at 127.x.y.1 or .2, where x and y are this process's.
  void open_streams(boost::asio::io_context& io, std::function<controlplane::overlay::Now()> now);
  void stop() { plane_.reset(); }
  void start_dataplane();
  void stop_dataplane() { dataplane_.reset(); }
  [[nodiscard]] bool has_dataplane() const noexcept { return dataplane_ != nullptr; }
  [[nodiscard]] controlplane::ControlPlane& plane() { return *plane_; }
  [[nodiscard]] wire::shm::Region& dataplane() { return *dataplane_; }

 private:
  std::string directory_;
  std::string letter_;
  config::NodeConfig config_;
  std::unique_ptr<wire::shm::Region> dataplane_;
  std::unique_ptr<controlplane::ControlPlane> plane_;
};

/// Takes what @p from injected and delivers it to @p to, as verified. Returns how many.
std::size_t carry(TestPlane& from, TestPlane& to);

}  // namespace tests
