// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/rewrite.h"

#include <rte_mempool.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "wire/byte_order.h"
#include "wire/reload/destination.h"
#include "wire/reload/forwarding_header.h"

namespace dataplane {

namespace {

using namespace wire::reload;
using wire::shm::PolicyTable;

/// D-06: kept free in each piece for Via Lists to grow.
constexpr std::uint32_t kGrowthReserve = 32;
/// D-04
constexpr std::uint32_t kSmallestPayload = 256;

/// The Via entry for one message, at most a node entry long.
struct ViaEntry {
  std::array<std::byte, kNodeEntryBytes> bytes;
  std::uint16_t size = 0;
};

/// B-17, B-29. Fragments get an entry too: whether they are of a request is not known without their
/// message, and an entry too many in a response harms nobody.
ViaEntry via_entry(const PacketContext& context, bool full, const LinkTable& links) noexcept {
  ViaEntry entry;
  const bool is_response = context.message_code != 0 && !is_request(context.message_code);
  if (context.injected || is_response) return entry;
  if (full) {
    const LinkEntry* const ingress = links.by_slot(context.link_in);
    if (ingress != nullptr && ingress->record.generation == context.link_generation) {
      entry.size = static_cast<std::uint16_t>(write_node_entry(ingress->record.peer, entry.bytes));
      return entry;
    }
    // The link went meanwhile. Its compact ID is stale by now and is dropped on the way back, just
    // as a Node-ID that is no longer connected would be (B-22).
  }
  wire::store_be16(entry.bytes.data(),
                   CompactId{context.link_in, context.link_generation}.encode());
  entry.size = kCompactEntryBytes;
  return entry;
}

/// memmove() for the front of a message: the fixed header and a short Via List fit in registers.
inline void move_front(std::byte* to, const std::byte* from, std::size_t n) noexcept {
  static_assert(kFixedHeaderBytes >= 32);
  if (n > 64) {
    std::memmove(to, from, n);
    return;
  }
  std::array<std::byte, 32> first, last;
  std::memcpy(first.data(), from, 32);
  std::memcpy(last.data(), from + n - 32, 32);
  std::memcpy(to, first.data(), 32);
  std::memcpy(to + n - 32, last.data(), 32);
}

/// Moves the front and writes what changes. False with @p why; then nothing was written.
bool edit_header(rte_mbuf* mbuf, PacketContext& context, const ViaEntry& via,
                 std::uint32_t max_message_size, std::uint16_t headroom, DropReason& why) noexcept {
  ForwardingHeader& header = context.header;
  const int pushed = context.push_node != 0 ? static_cast<int>(kNodeEntryBytes) : 0;
  const int growth = via.size + pushed - context.pop_bytes;
  const std::uint32_t via_length = std::uint32_t{header.via_list_length} + via.size;
  const auto length = static_cast<std::uint32_t>(static_cast<int>(header.length) + growth);
  const auto destination_length = static_cast<std::uint32_t>(
      static_cast<int>(header.destination_list_length) + pushed - context.pop_bytes);
  if (growth > 0) {
    // As parse measures it: a fragment stands for all of its message up to its end.
    const std::uint64_t proven = std::uint64_t{length} + header.fragment.offset();
    if (via_length > 0xffff || destination_length > 0xffff || proven > max_message_size) {
      why = DropReason::kViaTooLong;
      return false;
    }
    if (rte_pktmbuf_headroom(mbuf) < growth + headroom) {
      why = DropReason::kHeadroomExhausted;
      return false;
    }
  }

  auto* const old_start = rte_pktmbuf_mtod(mbuf, std::byte*);
  std::byte* const start = old_start - growth;
  const std::size_t front = kFixedHeaderBytes + header.via_list_length;
  move_front(start, old_start, front);
  std::byte* at = start + front;
  if (via.size == kCompactEntryBytes) {
    std::memcpy(at, via.bytes.data(), kCompactEntryBytes);
  } else {
    std::memcpy(at, via.bytes.data(), via.size);
  }
  at += via.size;
  if (pushed != 0) {
    (void)write_node_entry(context.push_id, std::span(at, kNodeEntryBytes));
  }
  mbuf->data_off = static_cast<std::uint16_t>(mbuf->data_off - growth);
  mbuf->data_len = static_cast<std::uint16_t>(mbuf->data_len + growth);
  mbuf->pkt_len = mbuf->data_len;

  header.length = length;
  header.via_list_length = static_cast<std::uint16_t>(via_length);
  header.destination_list_length = static_cast<std::uint16_t>(destination_length);
  wire::store_be32(start + header_offset::kLength, length);
  wire::store_be16(start + header_offset::kViaListLength, header.via_list_length);
  wire::store_be16(start + header_offset::kDestinationListLength, header.destination_list_length);
  return true;
}

/// B-32, X-18.
void take_one_hop(rte_mbuf* mbuf, const PacketContext& context) noexcept {
  if (context.injected) return;
  auto* const start = rte_pktmbuf_mtod(mbuf, std::byte*);
  wire::store_u8(start + header_offset::kTtl, static_cast<std::uint8_t>(context.header.ttl - 1));
}

/// How a message that is too long for its link is cut (D-03 to D-07).
struct Cut {
  std::uint32_t payload = 0;  ///< of each piece but the last, which may have less
  std::uint32_t pieces = 0;   ///< 0: cannot be cut
};

Cut plan_cut(std::uint32_t header_bytes, std::uint32_t payload, std::uint32_t room) noexcept {
  if (header_bytes + kSmallestPayload > room) return {};
  const std::uint32_t fits = room - header_bytes;
  const std::uint32_t wanted =
      fits >= kSmallestPayload + kGrowthReserve ? fits - kGrowthReserve : kSmallestPayload;
  const std::uint32_t pieces = (payload + wanted - 1) / wanted;
  const std::uint32_t equal = std::max((payload + pieces - 1) / pieces, kSmallestPayload);
  return {equal, (payload + equal - 1) / equal};
}

void set_fragment(rte_mbuf* mbuf, PacketContext& context, FragmentWord word,
                  std::uint32_t length) noexcept {
  context.header.fragment = word;
  context.header.length = length;
  auto* const start = rte_pktmbuf_mtod(mbuf, std::byte*);
  wire::store_be32(start + header_offset::kFragment, word.word);
  wire::store_be32(start + header_offset::kLength, length);
}

/// The further pieces of the message in @p mbuf, which becomes the first, go to @p state. False
/// when there are not enough mbufs; then nothing has changed.
bool cut_message(rte_mbuf* mbuf, const Cut& cut, RewriteState& state,
                 wire::shm::LcoreCounters& counters) noexcept {
  constexpr std::uint32_t kMostPieces = 256;
  std::array<rte_mbuf*, kMostPieces> pieces;
  const std::uint32_t further = cut.pieces - 1;
  if (further > kMostPieces || rte_pktmbuf_alloc_bulk(state.pool, pieces.data(), further) != 0) {
    return false;
  }
  PacketContext& context = context_of(mbuf);
  const std::uint32_t header_bytes = context.header.size();
  const std::span<std::byte> message = bytes_of(mbuf);
  const std::uint32_t payload = static_cast<std::uint32_t>(message.size()) - header_bytes;
  const FragmentWord word = context.header.fragment;
  if (header_bytes + cut.payload > rte_pktmbuf_tailroom(pieces[0])) {
    rte_pktmbuf_free_bulk(pieces.data(), further);
    return false;
  }

  for (std::uint32_t k = 0; k < further; ++k) {
    const std::uint32_t from = (k + 1) * cut.payload;
    const std::uint32_t size = std::min(cut.payload, payload - from);
    const std::uint32_t length = header_bytes + size;
    rte_mbuf* const piece = pieces[k];
    auto* const start = rte_pktmbuf_mtod(piece, std::byte*);
    std::memcpy(start, message.data(), header_bytes);
    std::memcpy(start + header_bytes, message.data() + header_bytes + from, size);
    piece->data_len = static_cast<std::uint16_t>(length);
    piece->pkt_len = length;
    PacketContext& piece_context = context_of(piece);
    piece_context = context;
    piece_context.capture = nullptr;
    piece_context.traced = false;
    piece_context.unledgered = true;
    set_fragment(piece, piece_context,
                 FragmentWord::make(word.offset() + from, word.is_last() && k + 1 == further),
                 length);
    state.waiting.push(piece);
  }
  const std::uint32_t first = header_bytes + cut.payload;
  mbuf->data_len = static_cast<std::uint16_t>(first);
  mbuf->pkt_len = first;
  set_fragment(mbuf, context, FragmentWord::make(word.offset(), false), first);
  counters.generated.add(further);
  return true;
}

}  // namespace

void rewrite(Burst& burst, const PolicyTable& policy, const LinkTable& links, RewriteState& state,
             wire::shm::LcoreCounters& counters) noexcept {
  std::uint64_t forwarded = 0;
  for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    rte_mbuf* const mbuf = burst.mbufs[i];
    PacketContext& context = burst.context(i);
    DropReason why{};
    if (context.deliver) {
      if (context.pop_bytes != 0 &&
          !edit_header(mbuf, context, ViaEntry{}, policy.max_message_size, kLinkHeadroom, why)) {
        burst.drop(i, why);
      }
      continue;
    }
    const LinkEntry* const egress = links.by_slot(context.next_hop);
    if (egress == nullptr) {
      burst.drop(i, DropReason::kNoRoute);
      continue;
    }
    const ViaEntry via = via_entry(context, policy.full_via_entries != 0, links);
    const std::uint32_t room = message_room(egress->record);
    if (!edit_header(mbuf, context, via, policy.max_message_size, link_headroom(egress->record),
                     why)) {
      burst.drop(i, why);
      continue;
    }
    take_one_hop(mbuf, context);

    // Order within a link: whatever comes behind a message that was cut goes behind its pieces.
    const bool must_wait = !state.waiting.empty();
    if (mbuf->data_len > room) {
      const std::uint32_t header_bytes = context.header.size();
      const Cut cut = plan_cut(header_bytes, mbuf->data_len - header_bytes, room);
      if (cut.pieces < 2) {
        burst.drop(i, DropReason::kCannotFragment);
        continue;
      }
      if (must_wait) {
        // The first piece must enter the queue before the others do.
        MbufQueue behind;
        std::swap(behind, state.waiting);
        const bool was_cut = cut_message(mbuf, cut, state, counters);
        std::swap(behind, state.waiting);
        if (!was_cut) {
          burst.drop(i, DropReason::kFragmentNoMbuf);
          continue;
        }
        state.waiting.push(burst.take(i));
        ++state.waiting_messages;
        while (rte_mbuf* const piece = behind.pop()) state.waiting.push(piece);
      } else if (!cut_message(mbuf, cut, state, counters)) {
        burst.drop(i, DropReason::kFragmentNoMbuf);
        continue;
      }
    } else if (must_wait) {
      state.waiting.push(burst.take(i));
      ++state.waiting_messages;
    }
    forwarded += context.injected ? 0 : 1;
  }
  if (forwarded != 0) counters.forwarded.add(forwarded);
}

unsigned release_pieces(Burst& burst, RewriteState& state) noexcept {
  burst.clear();
  while (!burst.full()) {
    rte_mbuf* const mbuf = state.waiting.pop();
    if (mbuf == nullptr) break;
    if (!context_of(mbuf).unledgered) --state.waiting_messages;
    burst.add(mbuf);
  }
  return burst.size;
}

}  // namespace dataplane
