// SPDX-License-Identifier: Apache-2.0
// A stream of frames cut anywhere gives the same frames as uncut. The first byte seeds the cuts.

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "tests/fuzz/check.h"
#include "wire/reload/stream_framing.h"

namespace {

using namespace wire::reload;

constexpr std::uint32_t kMaxMessage = 600;

struct Read {
  std::vector<std::pair<Frame, std::vector<std::byte>>> frames;
  FrameReader::Step end = FrameReader::Step::kNeedMore;
};

Read read_all(std::span<const std::byte> stream, std::uint32_t cuts) {
  Read read;
  FrameReader reader(kMaxMessage);
  while (!stream.empty() && read.end == FrameReader::Step::kNeedMore) {
    cuts = cuts * 1664525U + 1013904223U;
    const std::size_t length = cuts == 0 ? stream.size() : 1 + (cuts >> 24U) % 100;
    auto piece = stream.first(std::min(length, stream.size()));
    stream = stream.subspan(piece.size());
    Frame frame;
    for (;;) {
      const FrameReader::Step step = reader.next(piece, frame);
      FUZZ_CHECK(step != FrameReader::Step::kNeedMore || piece.empty());
      if (step == FrameReader::Step::kFrame || step == FrameReader::Step::kTooLarge) {
        FUZZ_CHECK(frame.message.size() <= kMaxMessage);
        read.frames.emplace_back(
            frame, std::vector<std::byte>(frame.message.begin(), frame.message.end()));
      }
      if (step == FrameReader::Step::kFrame) continue;
      read.end = step;
      break;
    }
  }
  return read;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const auto stream = std::as_bytes(std::span(bytes + 1, size - 1));
  Read whole;
  {
    FrameReader reader(kMaxMessage);
    auto rest = stream;
    Frame frame;
    while ((whole.end = reader.next(rest, frame)) == FrameReader::Step::kFrame) {
      whole.frames.emplace_back(frame,
                                std::vector<std::byte>(frame.message.begin(), frame.message.end()));
    }
    if (whole.end == FrameReader::Step::kTooLarge) {
      whole.frames.emplace_back(frame,
                                std::vector<std::byte>(frame.message.begin(), frame.message.end()));
    }
  }
  const Read cut = read_all(stream, bytes[0]);
  FUZZ_CHECK(cut.end == whole.end && cut.frames.size() == whole.frames.size());
  for (std::size_t i = 0; i < whole.frames.size(); ++i) {
    FUZZ_CHECK(cut.frames[i].second == whole.frames[i].second);
    FUZZ_CHECK(cut.frames[i].first.sequence == whole.frames[i].first.sequence);
    FUZZ_CHECK(cut.frames[i].first.is_ack == whole.frames[i].first.is_ack);
  }
  return 0;
}
