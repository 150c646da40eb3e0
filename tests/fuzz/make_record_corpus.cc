// SPDX-License-Identifier: Apache-2.0
// Writes the seeds of record_parse_fuzz and record_open_fuzz: make_record_corpus CORPUS_DIRECTORY
//
// The first read datagrams; the second a list of choices (tests/fuzz/record_open_fuzz.cc), of which
// the first byte names the ciphers of both associations.

#include <cstdio>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include "tests/fuzz/seed_file.h"
#include "wire/dtls/record.h"

namespace {

using namespace wire::dtls;
namespace fs = std::filesystem;
using Bytes = std::vector<std::byte>;

Bytes record(const RecordHeader& header) {
  Bytes bytes(header.record_bytes(), std::byte{0x61});
  write_record_header(header, std::span(bytes).first<kRecordHeaderBytes>());
  return bytes;
}

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

bool write(const fs::path& file, const Bytes& bytes) {
  fs::create_directories(file.parent_path());
  if (tests::write_seed(file, bytes)) return true;
  std::fprintf(stderr, "%s cannot be written\n", file.c_str());
  return false;
}

bool write_datagrams(const fs::path& directory) {
  const RecordHeader data = {.epoch = 1, .sequence = 77, .length = 64};
  const RecordHeader hello = {.type = ContentType::kHandshake, .version = kVersion10, .length = 40};
  RecordHeader other = data;
  bool good = write(directory / "data", record(data));
  good &= write(directory / "client_hello", record(hello));
  good &= write(directory / "flight",
                record({.type = ContentType::kHandshake, .length = 70}) +
                    record({.type = ContentType::kChangeCipherSpec, .sequence = 1, .length = 1}) +
                    record({.type = ContentType::kHandshake, .epoch = 1, .length = 40}));
  good &= write(directory / "alert",
                record({.type = ContentType::kAlert, .epoch = 1, .sequence = 3, .length = 26}));
  good &= write(directory / "empty_data", record({.epoch = 1, .length = 0}));
  good &= write(directory / "last_number", record({.epoch = 0xffff, .sequence = kMaxSequence}));
  good &= write(directory / "bad_empty_alert", record({.type = ContentType::kAlert, .length = 0}));
  other.version = kVersion10;
  good &= write(directory / "bad_version", record(other));
  other.version = 0x0303;
  good &= write(directory / "bad_tls_version", record(data) + record(other));
  Bytes truncated = record(data) + record(data);
  truncated.pop_back();
  good &= write(directory / "bad_truncated", truncated);
  Bytes unknown = record(data);
  unknown[0] = std::byte{24};
  good &= write(directory / "bad_heartbeat", record(data) + unknown);
  Bytes oversized = record(data);
  wire::store_be16(&oversized[kRecordHeaderBytes - 2], kMaxPayloadBytes + 1);
  good &= write(directory / "bad_oversized", oversized);
  return good;
}

bool write_choices(const fs::path& directory) {
  const auto list = [](std::initializer_list<unsigned> choices) {
    Bytes bytes;
    for (const unsigned choice : choices) bytes.push_back(static_cast<std::byte>(choice));
    return bytes;
  };
  // Ciphers, then the first sequence number of each association over 2^32 + 1.
  bool good = true;
  for (unsigned aeads = 0; aeads < 9; ++aeads) {
    const Bytes begin = list({aeads, 0, 0, 0, 1});
    const std::string name = std::to_string(aeads);
    good &= write(directory / ("two_links_" + name),
                  begin + list({0, 3, 1, 2, 3, 20, 8, 0, 250, 0, 0, 0, 8, 1, 9, 9, 7}));
    good &= write(directory / ("touched_" + name),
                  begin + list({0, 0, 60, 3, 0, 0, 5, 1, 1,  3, 0, 0, 25, 8,
                                1, 3, 0,  0, 4, 1, 0, 0, 30, 7, 2, 0, 7}));
  }
  const Bytes begin = list({0, 0, 0, 0, 0});
  good &=
      write(directory / "copies", begin + list({0, 0, 9, 2, 0, 2, 0, 7, 2, 0, 0, 0, 9, 2, 1, 7}));
  good &= write(directory / "behind", begin + list({1, 0, 9, 6, 1, 0, 0, 0, 9, 7, 2, 0, 7}));
  good &= write(directory / "reordered",
                begin + list({1, 0, 9, 1, 0, 9, 1, 0, 9, 2, 2, 2, 0, 2, 1, 2, 1, 7}));
  good &= write(directory / "same_numbers", list({0, 0, 0, 0, 0, 0, 0, 9, 8, 0, 9, 7}));
  good &= write(directory / "no_older", list({0x80, 0, 0, 0, 0, 0, 0, 9, 8, 0, 9, 7}));
  good &= write(directory / "garbage",
                begin + list({4, 3, 23, 254, 253, 0, 1, 0, 0, 0, 0, 0, 1, 5, 30, 1, 2, 3}));
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_record_corpus CORPUS_DIRECTORY\n");
    return 2;
  }
  const fs::path corpus = argv[1];
  return write_datagrams(corpus / "record_parse") && write_choices(corpus / "record_open") ? 0 : 1;
}
