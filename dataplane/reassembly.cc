// SPDX-License-Identifier: Apache-2.0
#include "dataplane/reassembly.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "wire/byte_order.h"
#include "wire/reload/forwarding_header.h"

namespace dataplane {

using wire::reload::FragmentWord;

namespace {

/// The bytes of the message a fragment carries, and where they belong.
struct Piece {
  std::uint32_t from;
  std::uint32_t to;
  const std::byte* bytes;

  static Piece of(rte_mbuf* mbuf) noexcept {
    const PacketContext& context = context_of(mbuf);
    const std::span<const std::byte> payload = bytes_of(mbuf).subspan(context.header.size());
    const std::uint32_t from = context.header.fragment.offset();
    return {from, from + static_cast<std::uint32_t>(payload.size()), payload.data()};
  }
};

std::uint32_t charge_of(rte_mbuf* mbuf) noexcept {
  return std::max<std::uint32_t>(mbuf->data_len, Reassembly::kSmallestCharge);
}

std::size_t bucket_of(std::uint64_t transaction_id, std::uint16_t link,
                      std::size_t buckets) noexcept {
  const std::uint64_t mixed = (transaction_id ^ std::uint64_t{link} << 48U) * 0x9e3779b97f4a7c15U;
  return mixed >> 40U & (buckets - 1);
}

}  // namespace

std::unique_ptr<Reassembly> Reassembly::create() noexcept {
  std::unique_ptr<Reassembly> table(new (std::nothrow) Reassembly);
  if (table == nullptr) return nullptr;
  table->buckets_.fill(kNone);
  for (SetIndex i = 0; i < kMaxSets; ++i) {
    table->pool_[i].next_in_bucket = table->free_;
    table->free_ = i;
  }
  return table;
}

Reassembly::SetIndex Reassembly::find(std::uint64_t transaction_id,
                                      std::uint16_t link) const noexcept {
  SetIndex index = buckets_[bucket_of(transaction_id, link, kBuckets)];
  while (index != kNone &&
         (pool_[index].transaction_id != transaction_id || pool_[index].link != link)) {
    index = pool_[index].next_in_bucket;
  }
  return index;
}

Reassembly::SetIndex Reassembly::begin(std::uint64_t transaction_id, std::uint16_t link,
                                       std::uint64_t tsc) noexcept {
  const SetIndex index = free_;
  if (index == kNone) return kNone;
  Set& set = pool_[index];
  free_ = set.next_in_bucket;
  set = Set{};
  set.transaction_id = transaction_id;
  set.link = link;
  set.began_tsc = tsc;
  SetIndex& bucket = buckets_[bucket_of(transaction_id, link, kBuckets)];
  set.next_in_bucket = bucket;
  bucket = index;

  set.older = all_.newest;
  (all_.newest != kNone ? pool_[all_.newest].newer : all_.oldest) = index;
  all_.newest = index;
  Ends& ends = of_link_[link];
  set.older_of_link = ends.newest;
  (ends.newest != kNone ? pool_[ends.newest].newer_of_link : ends.oldest) = index;
  ends.newest = index;
  ++sets_in_use_;
  return index;
}

/// Forgets the set; its pieces belong to the caller already.
void Reassembly::close(SetIndex index) noexcept {
  Set& set = pool_[index];
  SetIndex* link = &buckets_[bucket_of(set.transaction_id, set.link, kBuckets)];
  while (*link != index) link = &pool_[*link].next_in_bucket;
  *link = set.next_in_bucket;

  (set.older != kNone ? pool_[set.older].newer : all_.oldest) = set.newer;
  (set.newer != kNone ? pool_[set.newer].older : all_.newest) = set.older;
  Ends& ends = of_link_[set.link];
  (set.older_of_link != kNone ? pool_[set.older_of_link].newer_of_link : ends.oldest) =
      set.newer_of_link;
  (set.newer_of_link != kNone ? pool_[set.newer_of_link].older_of_link : ends.newest) =
      set.older_of_link;

  bytes_of_link_[set.link] -= set.charged;
  packets_ -= set.pieces;
  --sets_in_use_;
  set.next_in_bucket = free_;
  free_ = index;
}

void Reassembly::condemn(SetIndex index, DropReason reason, MbufQueue& out) noexcept {
  rte_mbuf* piece = pool_[index].head;
  close(index);
  while (piece != nullptr) {
    PacketContext& context = context_of(piece);
    rte_mbuf* const next = context.piece_next;
    context.piece_next = nullptr;
    context.piece_count = 0;
    context.condemned = true;
    context.condemned_for = reason;
    out.push(piece);
    piece = next;
  }
}

/// a fragment may repeat bytes that are here, but not change them, nor where the message
/// ends.
bool Reassembly::agrees(const Set& set, rte_mbuf* fragment) noexcept {
  const Piece added = Piece::of(fragment);
  const bool is_last = context_of(fragment).header.fragment.is_last();
  if (set.total != 0 && (added.to > set.total || (is_last && added.to != set.total))) return false;
  for (rte_mbuf* mbuf = set.head; mbuf != nullptr; mbuf = context_of(mbuf).piece_next) {
    const Piece piece = Piece::of(mbuf);
    if (is_last && piece.to > added.to) return false;
    const std::uint32_t from = std::max(piece.from, added.from);
    const std::uint32_t to = std::min(piece.to, added.to);
    if (from < to && std::memcmp(piece.bytes + (from - piece.from),
                                 added.bytes + (from - added.from), to - from) != 0) {
      return false;
    }
  }
  return true;
}

/// Moves reach past all pieces that touch it. Looks at the pieces again only after it moved, so at
/// most kMaxPieces times at kMaxPieces pieces over the life of a set.
void Reassembly::extend(Set& set) noexcept {
  bool moved = true;
  while (moved) {
    moved = false;
    for (rte_mbuf* mbuf = set.head; mbuf != nullptr; mbuf = context_of(mbuf).piece_next) {
      const Piece piece = Piece::of(mbuf);
      if (piece.from <= set.reach && piece.to > set.reach) {
        set.reach = piece.to;
        moved = true;
      }
    }
  }
}

Reassembly::Result Reassembly::add(rte_mbuf* fragment, std::uint32_t quota_bytes, std::uint64_t tsc,
                                   MbufQueue& evicted) noexcept {
  PacketContext& context = context_of(fragment);
  const auto refuse = [](DropReason why) { return Result{Outcome::kRefused, why, nullptr}; };
  const Piece added = Piece::of(fragment);
  const bool is_last = context.header.fragment.is_last();
  if (!is_last && added.to - added.from < kSmallestPiece) {
    return refuse(DropReason::kFragmentTooSmall);
  }
  const std::uint16_t link = context.link_in;
  const std::uint32_t charge = charge_of(fragment);
  if (link >= of_link_.size() || charge > quota_bytes) return refuse(DropReason::kReassemblyFull);

  const auto transaction_id = static_cast<std::uint64_t>(context.header.transaction_id);
  SetIndex index = find(transaction_id, link);
  if (index != kNone) {
    if (pool_[index].pieces >= kMaxPieces) {
      condemn(index, DropReason::kReassemblyFull, evicted);  // D-14
      return refuse(DropReason::kReassemblyFull);
    }
    if (!agrees(pool_[index], fragment)) return refuse(DropReason::kFragmentOverlap);
  }

  // Room is made at the expense of this link's own oldest messages, never of another link's.
  while (bytes_of_link_[link] + charge > quota_bytes || packets_ >= kMaxPackets ||
         (index == kNone && free_ == kNone)) {
    const SetIndex oldest = of_link_[link].oldest;
    if (oldest == kNone) return refuse(DropReason::kReassemblyFull);
    condemn(oldest, DropReason::kReassemblyFull, evicted);
    if (oldest == index) return refuse(DropReason::kReassemblyFull);
  }
  if (index == kNone) index = begin(transaction_id, link, tsc);

  Set& set = pool_[index];
  context.piece_next = nullptr;
  context.piece_count = 0;
  context.signer = nullptr;
  if (set.tail != nullptr) {
    context_of(set.tail).piece_next = fragment;
  } else {
    set.head = fragment;
  }
  set.tail = fragment;
  ++set.pieces;
  ++packets_;
  set.charged += charge;
  bytes_of_link_[link] += charge;
  if (is_last) set.total = added.to;
  extend(set);
  if (set.total == 0 || set.reach < set.total) return {};

  rte_mbuf* const head = set.head;
  context_of(head).piece_count = static_cast<std::uint16_t>(set.pieces - 1);
  close(index);
  return {Outcome::kComplete, {}, head};
}

void Reassembly::expire(std::uint64_t tsc, std::uint64_t timeout_cycles, MbufQueue& out) noexcept {
  while (all_.oldest != kNone && tsc - pool_[all_.oldest].began_tsc >= timeout_cycles) {
    condemn(all_.oldest, DropReason::kReassemblyTimeout, out);
  }
}

void Reassembly::release_all(DropReason reason, MbufQueue& out) noexcept {
  while (all_.oldest != kNone) condemn(all_.oldest, reason, out);
}

std::size_t assemble(rte_mbuf* head, std::span<std::byte> to) noexcept {
  using namespace wire::reload;
  rte_mbuf* first = nullptr;
  std::uint32_t total = 0;
  for (rte_mbuf* mbuf = head; mbuf != nullptr; mbuf = context_of(mbuf).piece_next) {
    const Piece piece = Piece::of(mbuf);
    if (first == nullptr && piece.from == 0) first = mbuf;
    total = std::max(total, piece.to);
  }
  if (first == nullptr) return 0;
  const std::uint32_t header_bytes = context_of(first).header.size();
  const std::size_t length = std::size_t{header_bytes} + total;
  if (length > to.size()) return 0;
  std::memcpy(to.data(), rte_pktmbuf_mtod(first, const std::byte*), header_bytes);
  for (rte_mbuf* mbuf = head; mbuf != nullptr; mbuf = context_of(mbuf).piece_next) {
    const Piece piece = Piece::of(mbuf);
    std::memcpy(to.data() + header_bytes + piece.from, piece.bytes, piece.to - piece.from);
  }
  wire::store_be32(to.data() + header_offset::kFragment, FragmentWord::kWhole);
  wire::store_be32(to.data() + header_offset::kLength, static_cast<std::uint32_t>(length));
  return length;
}

}  // namespace dataplane
