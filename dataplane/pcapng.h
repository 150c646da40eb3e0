// SPDX-License-Identifier: Apache-2.0
// Writes packet captures in the pcapng format (draft-ietf-opsawg-pcapng): one section, one
// interface block per port, one enhanced packet block with a comment per packet.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace dataplane {

class PcapngFile {
 public:
  /// Creates or empties the file at @p path and writes the section and interface blocks. nullptr
  /// with @p why otherwise. Symbolic links are not followed.
  /// @param interfaces  their names, in the order packets number them
  static std::unique_ptr<PcapngFile> create(const std::string& path,
                                            std::span<const std::string> interfaces,
                                            std::string& why);
  ~PcapngFile();
  PcapngFile(const PcapngFile&) = delete;
  PcapngFile& operator=(const PcapngFile&) = delete;

  /// @param unix_ns          when it was received
  /// @param original_length  of the frame, of which @p frame may be the beginning
  /// False when the file cannot take it (disk full).
  [[nodiscard]] bool write(std::uint32_t interface, std::uint64_t unix_ns,
                           std::span<const std::byte> frame, std::uint32_t original_length,
                           std::string_view comment);
  /// What was written can be read by others afterwards.
  [[nodiscard]] bool flush();

 private:
  explicit PcapngFile(std::FILE* file) noexcept : file_(file) {}
  [[nodiscard]] bool put(std::span<const std::byte> block);
  std::FILE* file_;
};

}  // namespace dataplane
