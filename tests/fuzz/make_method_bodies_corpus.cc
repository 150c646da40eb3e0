// SPDX-License-Identifier: Apache-2.0
// Writes the seeds of the corpus of method bodies, or with --check compares them with what is
// there:
//
//   make_method_bodies_corpus VECTORS DIRECTORY
//   make_method_bodies_corpus --check VECTORS DIRECTORY
//
// A seed is a file of tests/vectors/bodies: the message code that its kind names, then its bytes.
// What the fuzzer finds later is added beside them by hand.

#include <cstdio>
#include <span>
#include <string_view>

#include "tests/fuzz/seed_file.h"
#include "tests/support/hex_vector.h"
#include "wire/reload/append.h"
#include "wire/reload/message_contents.h"

namespace {

using namespace wire::reload;
namespace fs = std::filesystem;

/// Empty when the vector's kind is the name of no message code.
Bytes seed_of(const tests::HexVector& vector) {
  Bytes seed;
#define CODE(Name, value, name, cls) \
  if (vector.kind == (name)) append_u16(seed, value);
#include "wire/reload/message_code.def"
#undef CODE
  if (!seed.empty()) append(seed, vector.bytes);
  return seed;
}

}  // namespace

int main(int argc, char** argv) {
  const bool check = argc == 4 && std::string_view(argv[1]) == "--check";
  if (argc != 3 && !check) {
    std::fprintf(stderr, "usage: make_method_bodies_corpus [--check] VECTORS DIRECTORY\n");
    return 2;
  }
  const fs::path directory = argv[argc - 1];
  const auto vectors = tests::load_hex_vectors(argv[argc - 2]);
  int bad = vectors.empty() ? 1 : 0;
  for (const tests::HexVector& vector : vectors) {
    const Bytes seed = seed_of(vector);
    const fs::path file = directory / vector.name;
    if (!seed.empty() && (check ? tests::is_seed(file, seed) : tests::write_seed(file, seed)))
      continue;
    std::fprintf(
        stderr, "%s: %s\n", file.c_str(),
        check ? "is not what make_method_bodies_corpus writes; run it again" : "cannot be written");
    ++bad;
  }
  std::printf("%zu seeds, %d bad\n", vectors.size(), bad);
  return bad == 0 ? 0 : 1;
}
