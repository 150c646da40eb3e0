// SPDX-License-Identifier: Apache-2.0
// The main lcore's side of a packet capture: switches the taps on and off and writes the file.

#pragma once

#include <rte_ring.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/capture_tap.h"
#include "dataplane/pcapng.h"
#include "dataplane/port_table.h"
#include "wire/shm/region.h"

namespace dataplane {

class Capture {
 public:
  static constexpr unsigned kRingDepth = 1024;

  /// @param rings  one per worker, filled by its CaptureTap
  Capture(const PortTable& ports, std::vector<rte_ring*> rings, std::uint64_t tsc_hz,
          wire::shm::DataplaneStatus& status);
  ~Capture();

  [[nodiscard]] const CaptureSwitch& setting() const noexcept { return setting_; }
  /// Ends a running capture and begins another. False with @p why when the file cannot be made.
  [[nodiscard]] bool start(const wire::shm::CaptureSetting& setting, std::string& why);
  void stop();
  /// Writes, or throws away when no capture runs, what the workers have ready. Every housekeeping
  /// turn. Ends the capture at max_packets and when the file takes no more.
  void drain();

 private:
  [[nodiscard]] std::uint64_t unix_ns(std::uint64_t tsc) const noexcept;
  void write(rte_mbuf* copy);

  const PortTable& ports_;
  std::vector<rte_ring*> rings_;
  std::uint64_t tsc_hz_;
  wire::shm::DataplaneStatus& status_;
  CaptureSwitch setting_;
  std::unique_ptr<PcapngFile> file_;
  std::uint64_t left_ = 0;  // packets still to be written
  std::uint64_t start_tsc_ = 0;
  std::uint64_t start_unix_ns_ = 0;
};

/// "hopseal: dropped bad_signature at verify", "hopseal: verified, forwarded to link 3", ...
[[nodiscard]] std::string capture_comment(const CaptureVerdict& verdict);

}  // namespace dataplane
