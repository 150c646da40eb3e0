// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/stream_framing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tests/support/hex_vector.h"
#include "wire/reload/forwarding_header.h"

namespace {

using namespace wire::reload;
using tests::from_hex;
using Step = FrameReader::Step;
using Bytes = std::vector<std::byte>;

void append(Bytes& stream, const Bytes& bytes) {
  stream.insert(stream.end(), bytes.begin(), bytes.end());
}

Bytes data_frame(std::uint32_t sequence, const Bytes& message) {
  Bytes frame(kDataFrameOverhead);
  write_data_frame_header(sequence, static_cast<std::uint32_t>(message.size()), frame);
  append(frame, message);
  return frame;
}

/// The beginning of a RELOAD message with lists of these lengths.
Bytes message_head(std::uint16_t via, std::uint16_t destinations, std::uint16_t options) {
  ForwardingHeader header;
  header.via_list_length = via;
  header.destination_list_length = destinations;
  header.options_length = options;
  Bytes head(kFixedHeaderBytes);
  write_forwarding_header(header, head);
  head.resize(header.size());
  return head;
}

TEST(FrameReader, CutsByLengthWhereverThePiecesEnd) {  // C-09
  Bytes stream;
  std::vector<Bytes> messages;
  std::mt19937 random(7);
  for (std::uint32_t sequence = 0; sequence < 60; ++sequence) {
    Bytes message(random() % 3 == 0 ? 0 : random() % 200);
    for (std::byte& byte : message) byte = static_cast<std::byte>(random());
    append(stream, data_frame(sequence, message));
    messages.push_back(std::move(message));
    if (sequence % 4 == 0) append(stream, from_hex("81 00000009 00000006"));
  }
  for (int round = 0; round < 50; ++round) {
    FrameReader reader(200);
    std::size_t data = 0;
    std::size_t acks = 0;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t length =
          round == 0 ? 1 : std::min<std::size_t>(1 + random() % 300, stream.size() - at);
      std::span<const std::byte> piece = std::span(stream).subspan(at, length);
      at += length;
      Frame frame;
      Step step;
      while ((step = reader.next(piece, frame)) == Step::kFrame) {
        if (frame.is_ack) {
          EXPECT_EQ(frame.sequence, 9U);
          EXPECT_EQ(frame.received, 6U);
          ++acks;
          continue;
        }
        ASSERT_LT(data, messages.size());
        EXPECT_EQ(frame.sequence, data);
        EXPECT_TRUE(std::ranges::equal(frame.message, messages[data]));
        ++data;
      }
      ASSERT_EQ(step, Step::kNeedMore);
      EXPECT_TRUE(piece.empty());
    }
    EXPECT_EQ(data, messages.size());
    EXPECT_EQ(acks, 15U);
  }
}

TEST(FrameReader, GivesTheHeaderOfAMessageThatIsTooLargeBeforeTheRestArrives) {  // C-34
  const Bytes head = message_head(18, 20, 4);
  Bytes frame(kDataFrameOverhead);
  write_data_frame_header(3, 101, frame);
  append(frame, head);
  for (std::size_t length = 0; length < frame.size(); ++length) {
    FrameReader reader(100);
    Frame out;
    std::span<const std::byte> first = std::span<const std::byte>(frame).first(length);
    EXPECT_EQ(reader.next(first, out), Step::kNeedMore) << length;
    std::span<const std::byte> rest = std::span<const std::byte>(frame).subspan(length);
    ASSERT_EQ(reader.next(rest, out), Step::kTooLarge) << length;
    EXPECT_TRUE(std::ranges::equal(out.message, head));
    EXPECT_EQ(reader.next(rest, out), Step::kTooLarge);  // and nothing else any more
  }
}

TEST(FrameReader, TellsWhenTheHeaderAloneIsTooLarge) {  // C-35
  Bytes frame(kDataFrameOverhead);
  write_data_frame_header(0, 300, frame);
  append(frame, message_head(18, 40, 5));
  FrameReader reader(100);
  Frame out;
  std::span<const std::byte> input = frame;
  EXPECT_EQ(reader.next(input, out), Step::kHeaderTooLarge);
}

TEST(FrameReader, RefusesWhatIsNoFrame) {
  for (const Bytes& stream : {from_hex("7f"), from_hex("82 00000000"), from_hex("00")}) {
    FrameReader reader(100);
    Frame out;
    std::span<const std::byte> input = stream;
    EXPECT_EQ(reader.next(input, out), Step::kBroken);
  }
  // Longer than allowed, and no RELOAD message.
  Bytes frame = from_hex("80 00000000 000065");
  frame.resize(frame.size() + kFixedHeaderBytes);
  FrameReader reader(100);
  Frame out;
  std::span<const std::byte> input = frame;
  EXPECT_EQ(reader.next(input, out), Step::kBroken);
}

}  // namespace
