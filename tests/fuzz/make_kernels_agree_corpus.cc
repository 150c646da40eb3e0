// SPDX-License-Identifier: Apache-2.0
// Writes the seeds of kernels_agree_fuzz, or with --check compares them with what is there. They
// are the known answers, each with its key by index and, once per key, with the key in the input.
//
//   make_kernels_agree_corpus [--check] DIRECTORY

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "crypto/self_test.h"
#include "tests/fuzz/kernels_agree_input.h"

namespace {

namespace fs = std::filesystem;
using kernels_agree::Bytes;

std::map<std::string, Bytes> seeds() {
  std::map<std::string, Bytes> made;
  std::uint8_t index = 0;
  for (const crypto::KnownAnswer& answer : crypto::known_answers()) {
    const Bytes spki = kernels_agree::from_hex(answer.spki);
    const Bytes signature = kernels_agree::from_hex(answer.signature);
    const Bytes message = kernels_agree::from_hex(answer.message);
    const std::string number = (index < 10 ? "0" : "") + std::to_string(index);
    made["known_" + number] = kernels_agree::encode(
        {.key = index, .cuts = {1, 2}, .own_key = {}, .signature = signature, .message = message});
    made["own_key_" + number] = kernels_agree::encode({.key = kernels_agree::kOwnKey,
                                                       .cuts = {0, 3},
                                                       .own_key = spki,
                                                       .signature = signature,
                                                       .message = message});
    ++index;
  }
  return made;
}

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

int main(int argc, char** argv) {
  const bool check = argc == 3 && std::string(argv[1]) == "--check";
  if (argc != 2 && !check) {
    std::fprintf(stderr, "usage: make_kernels_agree_corpus [--check] DIRECTORY\n");
    return 2;
  }
  const fs::path directory = argv[argc - 1];
  if (!check) fs::create_directories(directory);
  int stale = 0;
  for (const auto& [name, bytes] : seeds()) {
    const std::string content(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!check) {
      std::ofstream(directory / name, std::ios::binary) << content;
    } else if (read(directory / name) != content) {
      std::fprintf(stderr, "%s is missing or out of date; run make_kernels_agree_corpus %s\n",
                   name.c_str(), directory.c_str());
      ++stale;
    }
  }
  return stale == 0 ? 0 : 1;
}
