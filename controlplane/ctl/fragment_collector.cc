// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/fragment_collector.h"

#include <algorithm>
#include <cstring>

namespace controlplane::ctl {

using wire::reload::ForwardingHeader;

FragmentCollector::Result FragmentCollector::add(const ForwardingHeader& header,
                                                 std::span<const std::byte> fragment,
                                                 const std::string& flow, std::size_t number) {
  const auto lists = fragment.subspan(wire::reload::kFixedHeaderBytes,
                                      header.size() - wire::reload::kFixedHeaderBytes);
  const Key key{
      flow, static_cast<std::uint64_t>(header.transaction_id), {lists.begin(), lists.end()}};
  Message& message = messages_[key];
  const auto data = fragment.subspan(header.size());
  message.pieces.push_back({header.fragment.offset(), number, {data.begin(), data.end()}});
  message.held += data.size();
  if (header.fragment.is_last()) message.total = header.fragment.offset() + data.size();

  // Before that many bytes came, there is a gap for certain.
  if (message.total == 0 || message.held < message.total) return {};
  Result result = join(header, fragment, message);
  if (result.disagreement || !result.message.empty()) messages_.erase(key);
  return result;
}

FragmentCollector::Result FragmentCollector::join(const ForwardingHeader& header,
                                                  std::span<const std::byte> fragment,
                                                  const Message& message) {
  std::vector<const Piece*> order;
  for (const Piece& piece : message.pieces) order.push_back(&piece);
  std::ranges::stable_sort(order, {}, &Piece::offset);

  Result result;
  std::vector<std::byte> data;
  data.reserve(message.total);
  for (const Piece* piece : order) {
    if (piece->offset > data.size()) return {};  // a gap
    const std::size_t shared = std::min(data.size() - piece->offset, piece->data.size());
    if (!std::equal(piece->data.begin(), piece->data.begin() + static_cast<std::ptrdiff_t>(shared),
                    data.begin() + static_cast<std::ptrdiff_t>(piece->offset))) {
      result.disagreement = true;
    }
    data.insert(data.end(), piece->data.begin() + static_cast<std::ptrdiff_t>(shared),
                piece->data.end());
    result.pieces.push_back(piece->number);
  }
  if (data.size() < message.total) return {};
  if (data.size() > message.total) result.disagreement = true;  // bytes behind the last fragment
  if (result.disagreement) return result;

  ForwardingHeader whole = header;
  whole.fragment = {};
  whole.length = static_cast<std::uint32_t>(header.size() + data.size());
  result.message.assign(fragment.begin(),
                        fragment.begin() + static_cast<std::ptrdiff_t>(header.size()));
  wire::reload::write_forwarding_header(whole, result.message);
  result.message.insert(result.message.end(), data.begin(), data.end());
  return result;
}

}  // namespace controlplane::ctl
