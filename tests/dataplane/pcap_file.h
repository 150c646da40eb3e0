// SPDX-License-Identifier: Apache-2.0
// Frames as a file that net_pcap reads; gone with this object.

#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/dataplane/net_ring_port.h"

namespace tests::dataplane {

class PcapFile {
 public:
  explicit PcapFile(const std::vector<Bytes>& frames)
      : path_(std::filesystem::temp_directory_path() /
              (unique_name("hopseal_frames_" + std::to_string(::getpid())))) {
    std::ofstream out(path_, std::ios::binary);
    const auto number = [&out](std::uint32_t value) {
      out.write(reinterpret_cast<const char*>(&value), 4);
    };
    for (const std::uint32_t word : {0xa1b2c3d4U, 0x00040002U, 0U, 0U, 65535U, 1U}) number(word);
    for (const Bytes& frame : frames) {
      const auto length = static_cast<std::uint32_t>(frame.size());
      for (const std::uint32_t word : {0U, 0U, length, length}) number(word);
      out.write(reinterpret_cast<const char*>(frame.data()), length);
    }
  }
  ~PcapFile() { std::filesystem::remove(path_); }
  PcapFile(const PcapFile&) = delete;
  PcapFile& operator=(const PcapFile&) = delete;

  /// The device of a port that receives the frames, once or again and again.
  [[nodiscard]] std::string device(bool again_and_again) const {
    return unique_name("net_pcap_file") + ",rx_pcap=" + path_.string() +
           (again_and_again ? ",infinite_rx=1" : "");
  }

 private:
  std::filesystem::path path_;
};

}  // namespace tests::dataplane
