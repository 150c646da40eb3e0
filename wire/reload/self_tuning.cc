// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/self_tuning.h"

#include "wire/byte_order.h"

namespace wire::reload {

namespace {

constexpr std::size_t kBytes = 12;

}  // namespace

Bytes self_tuning_contents(const SelfTuningData& data) {
  Bytes contents(kBytes);
  store_be32(contents.data(), data.network_size);
  store_be32(contents.data() + 4, data.join_rate);
  store_be32(contents.data() + 8, data.leave_rate);
  return contents;
}

ParseError parse_self_tuning(std::span<const std::byte> contents, SelfTuningData& out) noexcept {
  if (contents.size() != kBytes) return {ParseFault::kBadExtension, 0};
  out.network_size = load_be32(contents.data());
  out.join_rate = load_be32(contents.data() + 4);
  out.leave_rate = load_be32(contents.data() + 8);
  return {};
}

}  // namespace wire::reload
