// SPDX-License-Identifier: Apache-2.0
// Feeds every file under the given paths to a fuzz target, so that a case the fuzzer once found is
// also a unit test in every build: run_corpus DIRECTORY|FILE...

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

// The names are libFuzzer's. The second one is optional for a target, hence weak.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);
extern "C" __attribute__((weak)) int LLVMFuzzerInitialize(int* argc, char*** argv);

namespace {

std::vector<std::filesystem::path> files_under(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  if (LLVMFuzzerInitialize != nullptr) LLVMFuzzerInitialize(&argc, &argv);
  std::size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::exists(argv[i])) {
      std::fprintf(stderr, "run_corpus: %s does not exist\n", argv[i]);
      return 1;
    }
    for (const auto& file : files_under(argv[i])) {
      std::ifstream in(file, std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(in), {}};
      if (!in) {
        std::fprintf(stderr, "run_corpus: cannot read %s\n", file.c_str());
        return 1;
      }
      // Before the call, so that the last line names the file a crash belongs to.
      std::printf("%s (%zu bytes)\n", file.c_str(), bytes.size());
      std::fflush(stdout);
      // An exact copy on the heap: a read past the end is then seen by AddressSanitizer.
      const std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());
      LLVMFuzzerTestOneInput(copy.data(), copy.size());
      ++count;
    }
  }
  if (count == 0) {
    std::fprintf(stderr, "run_corpus: no input; pass a corpus directory\n");
    return 1;
  }
  std::printf("%zu inputs\n", count);
  return 0;
}
