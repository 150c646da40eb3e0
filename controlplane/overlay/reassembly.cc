// SPDX-License-Identifier: Apache-2.0

#include "controlplane/overlay/reassembly.h"

#include <algorithm>
#include <utility>

#include "wire/reload/destination.h"
#include "wire/reload/forwarding_header.h"

namespace controlplane::overlay {

using wire::reload::ForwardingHeader;

namespace {

/// RFC 6940 section 6.7: every fragment but the last carries at least this much (D-04).
constexpr std::size_t kMinFragmentPayload = 256;

}  // namespace

bool Reassembly::insert(Set& set, std::size_t offset, std::span<const std::byte> payload) {
  // What is already held of this range must agree; only the gaps are new.
  std::size_t at = offset;
  const std::size_t end = offset + payload.size();
  auto piece = set.pieces.upper_bound(offset);
  if (piece != set.pieces.begin()) --piece;
  std::vector<std::pair<std::size_t, std::size_t>> gaps;
  for (; piece != set.pieces.end() && piece->first < end; ++piece) {
    const std::size_t piece_end = piece->first + piece->second.size();
    if (piece_end <= at) continue;
    if (piece->first > at) gaps.emplace_back(at, piece->first);
    const std::size_t from = std::max(at, piece->first);
    const std::size_t to = std::min(end, piece_end);
    if (!std::equal(payload.begin() + static_cast<std::ptrdiff_t>(from - offset),
                    payload.begin() + static_cast<std::ptrdiff_t>(to - offset),
                    piece->second.begin() + static_cast<std::ptrdiff_t>(from - piece->first))) {
      return false;
    }
    at = to;
  }
  if (at < end) gaps.emplace_back(at, end);
  for (const auto& [from, to] : gaps) {
    const auto part = payload.subspan(from - offset, to - from);
    set.pieces.emplace(from, std::vector<std::byte>(part.begin(), part.end()));
    set.bytes += part.size();
  }
  return true;
}

bool Reassembly::is_complete(const Set& set) {
  return set.total && !set.header.empty() && set.bytes == *set.total;
}

void Reassembly::drop(Sets::iterator set) {
  bytes_ -= set->second.bytes;
  const auto link = bytes_of_link_.find(std::get<1>(set->first));
  link->second -= set->second.bytes;
  if (link->second == 0) bytes_of_link_.erase(link);
  sets_.erase(set);
}

Reassembly::Verdict Reassembly::add(const Now& now, const Delivery& fragment, Reassembled& whole) {
  ForwardingHeader header;
  if (!wire::reload::parse_forwarding_header(fragment.bytes, header).ok()) {
    return Verdict::kDropped;
  }
  const auto payload = fragment.bytes.subspan(header.size());
  const std::size_t offset = header.fragment.offset();
  const std::size_t end = offset + payload.size();
  std::string first_via;
  if (header.via_list_length != 0) {
    wire::reload::Destination entry;
    const auto via =
        fragment.bytes.subspan(wire::reload::kFixedHeaderBytes, header.via_list_length);
    if (!wire::reload::read_destination(via, entry).ok()) return Verdict::kDropped;
    first_via.assign(reinterpret_cast<const char*>(entry.entry.data()), entry.entry.size());
  }
  Key key{static_cast<std::uint64_t>(header.transaction_id), fragment.from.slot,
          std::move(first_via)};
  if (sets_.size() >= limits_.messages && !sets_.contains(key)) return Verdict::kDropped;
  auto [set, fresh] = sets_.try_emplace(std::move(key));
  Set& held = set->second;
  if (fresh) held.since_ns = now.ns;
  std::size_t& of_link = bytes_of_link_[fragment.from.slot];

  // RFC 6940 section 6.7: without room, the message is dropped.
  const bool long_enough =
      header.fragment.is_last() ? !payload.empty() : payload.size() >= kMinFragmentPayload;
  const bool fits = long_enough && header.size() + end <= limits_.message_bytes &&
                    bytes_ + payload.size() <= limits_.bytes &&
                    of_link + payload.size() <= limits_.bytes_per_link &&
                    held.pieces.size() < limits_.pieces_per_message;
  const bool end_agrees =
      header.fragment.is_last()
          ? (!held.total || *held.total == end) &&
                (held.pieces.empty() ||
                 held.pieces.rbegin()->first + held.pieces.rbegin()->second.size() <= end)
          : !held.total || end <= *held.total;
  const std::size_t before = held.bytes;
  const bool agrees = fits && end_agrees && insert(held, offset, payload);
  bytes_ += held.bytes - before;
  of_link += held.bytes - before;
  if (!agrees) {
    drop(set);
    return Verdict::kDropped;
  }
  held.verified = held.verified && fragment.verified;
  if (header.fragment.is_last()) held.total = end;
  if (offset == 0) {
    const auto bytes = fragment.bytes.first(header.size());
    held.header.assign(bytes.begin(), bytes.end());
  }
  if (!is_complete(held)) return Verdict::kHeld;

  whole.message = held.header;
  for (const auto& [at, piece] : held.pieces) {
    whole.message.insert(whole.message.end(), piece.begin(), piece.end());
  }
  wire::store_be32(whole.message.data() + wire::reload::header_offset::kFragment,
                   wire::reload::FragmentWord::kWhole);
  wire::store_be32(whole.message.data() + wire::reload::header_offset::kLength,
                   static_cast<std::uint32_t>(whole.message.size()));
  whole.verified = held.verified;
  drop(set);
  return Verdict::kComplete;
}

std::size_t Reassembly::expire(const Now& now) {
  std::size_t expired = 0;
  for (auto set = sets_.begin(); set != sets_.end();) {
    const auto next = std::next(set);
    if (now.ns - set->second.since_ns >= limits_.lifetime_ns) {
      drop(set);
      ++expired;
    }
    set = next;
  }
  return expired;
}

}  // namespace controlplane::overlay
