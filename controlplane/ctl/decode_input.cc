// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/decode_input.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "controlplane/ctl/capture_reader.h"
#include "controlplane/ctl/hex_text.h"
#include "wire/byte_order.h"
#include "wire/reload/forwarding_header.h"
#include "wire/reload/link_framing.h"

namespace controlplane::ctl {

namespace {

using namespace wire::reload;
using ByteSpan = std::span<const std::byte>;

bool begins_with_token(ByteSpan bytes) {
  return bytes.size() >= 4 && wire::load_be32(bytes.data()) == kReloToken;
}

/// True when a data frame, an ack or a message can begin here.
bool can_begin(ByteSpan bytes) {
  if (begins_with_token(bytes)) return true;
  if (bytes.size() < kAckFrameBytes) return false;
  const std::uint8_t type = wire::load_u8(bytes.data());
  return type == kAckFrameType ||
         (type == kDataFrameType && begins_with_token(bytes.subspan(kDataFrameOverhead)));
}

/// The size the datagram at the front gives itself, or all there is when it gives none.
std::size_t own_size(ByteSpan bytes) {
  std::size_t size = bytes.size();
  if (begins_with_token(bytes) && bytes.size() >= kFixedHeaderBytes) {
    size = std::max<std::size_t>(wire::load_be32(bytes.data() + header_offset::kLength),
                                 kFixedHeaderBytes);
  } else if (bytes.size() >= kAckFrameBytes) {
    const std::uint8_t type = wire::load_u8(bytes.data());
    if (type == kAckFrameType) size = kAckFrameBytes;
    if (type == kDataFrameType) size = kDataFrameOverhead + wire::load_be24(bytes.data() + 5);
  }
  return std::min(size, bytes.size());
}

bool is_text(ByteSpan bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) {
    const auto character = static_cast<unsigned char>(byte);
    return std::isprint(character) != 0 || std::isspace(character) != 0;
  });
}

void append_stream(ByteSpan bytes, std::vector<DecodeItem>& items) {
  for (const ByteSpan datagram : split_stream(bytes)) {
    DecodeItem item;
    item.bytes.assign(datagram.begin(), datagram.end());
    items.push_back(std::move(item));
  }
}

}  // namespace

std::vector<ByteSpan> split_stream(ByteSpan bytes) {
  std::vector<ByteSpan> datagrams;
  while (!bytes.empty()) {
    std::size_t size = own_size(bytes);
    if (!can_begin(bytes.subspan(size))) size = bytes.size();
    datagrams.push_back(bytes.first(size));
    bytes = bytes.subspan(size);
  }
  return datagrams;
}

DecodeInput read_decode_input(ByteSpan input) {
  if (is_capture(input)) return read_capture(input);

  DecodeInput result;
  if (input.empty()) {
    result.error = "the input is empty; pass a capture, RELOAD bytes or their hex";
  } else if (!is_text(input)) {
    append_stream(input, result.items);
  } else {
    const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
    const HexText hex = parse_hex(text);
    for (const auto& block : hex.blocks) append_stream(block, result.items);
    if (!hex.error.empty()) {
      result.error = hex.error + "; text input is hex digits, with # before a comment";
    } else if (hex.blocks.empty()) {
      result.error = "the text holds no hex digits";
    }
  }
  return result;
}

}  // namespace controlplane::ctl
