// SPDX-License-Identifier: Apache-2.0
// A seed of a corpus as a file: written, or compared with what is there.

#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>

namespace tests {

inline bool write_seed(const std::filesystem::path& file, std::span<const std::byte> bytes) {
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  return out.good();
}

inline bool is_seed(const std::filesystem::path& file, std::span<const std::byte> bytes) {
  std::ifstream in(file, std::ios::binary);
  const std::string found{std::istreambuf_iterator<char>(in), {}};
  return in.good() && std::ranges::equal(std::as_bytes(std::span(found)), bytes);
}

}  // namespace tests
