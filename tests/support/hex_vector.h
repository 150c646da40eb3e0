// SPDX-License-Identifier: Apache-2.0
// Reads the messages of tests/vectors: hex with a field per line and a comment behind it.
//
//   # kind: message                    or frame
//   # expect: bad_version at 10        or ok
//
//   d2454c4f    # relo_token
//
// hopsealctl decode reads them too.

#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tests {

struct HexVector {
  std::string name;    ///< file name without its end
  std::string kind;    ///< "message" or "frame"
  std::string expect;  ///< "ok", or "FAULT at OFFSET"
  std::vector<std::byte> bytes;
};

/// Hex digits with any blanks between them. Throws std::runtime_error on anything else.
inline std::vector<std::byte> from_hex(std::string_view text) {
  std::vector<std::byte> bytes;
  int high = -1;
  for (const char character : text) {
    if (std::isspace(static_cast<unsigned char>(character)) != 0) continue;
    const std::size_t digit = std::string_view("0123456789abcdef").find(character);
    if (digit == std::string_view::npos) throw std::runtime_error("not hex: " + std::string(text));
    if (high < 0) {
      high = static_cast<int>(digit);
    } else {
      bytes.push_back(static_cast<std::byte>(high * 16 + static_cast<int>(digit)));
      high = -1;
    }
  }
  if (high >= 0) throw std::runtime_error("odd number of hex digits: " + std::string(text));
  return bytes;
}

inline HexVector load_hex_vector(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot open " + file.string());
  HexVector vector;
  vector.name = file.stem().string();
  std::string line;
  while (std::getline(in, line)) {
    if (line.starts_with("# kind: ")) vector.kind = line.substr(8);
    if (line.starts_with("# expect: ")) vector.expect = line.substr(10);
    const std::vector<std::byte> bytes = from_hex(line.substr(0, line.find('#')));
    vector.bytes.insert(vector.bytes.end(), bytes.begin(), bytes.end());
  }
  if (vector.kind.empty() || vector.expect.empty()) {
    throw std::runtime_error(file.string() + " names no kind or no expectation");
  }
  return vector;
}

/// Every *.hex of a directory, by name.
inline std::vector<HexVector> load_hex_vectors(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".hex") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<HexVector> vectors;
  for (const auto& file : files) vectors.push_back(load_hex_vector(file));
  return vectors;
}

}  // namespace tests
