// SPDX-License-Identifier: Apache-2.0
// What rewrite has edited must parse, and must say what it said before: the same contents, the same
// options, lists changed by exactly what route and the policy asked for.

#include <algorithm>

#include "dataplane/stages/parse.h"
#include "dataplane/stages/rewrite.h"
#include "dataplane/stages/route.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/stage_input.h"
#include "tests/support/eal_fuzz.h"

namespace {

using namespace wire::reload;
using dataplane::Burst;
using dataplane::PacketContext;
using tests::Bytes;
using tests::StageRig;

StageRig& rig() {
  static StageRig* const rig = [] {
    auto* made = new StageRig;
    tests::furnish(*made);
    return made;
  }();
  return *rig;
}

Bytes part(std::span<const std::byte> message, std::size_t from, std::size_t size) {
  const auto bytes = message.subspan(from, size);
  return {bytes.begin(), bytes.end()};
}

struct Seen {
  ForwardingHeader header;
  Bytes via, destinations, options, payload;
};

Seen see(std::span<const std::byte> message, const ForwardingHeader& header) {
  return {header, part(message, kFixedHeaderBytes, header.via_list_length),
          part(message, header.destination_list_offset(), header.destination_list_length),
          part(message, header.options_offset(), header.options_length),
          part(message, header.size(), message.size() - header.size())};
}

/// Parses a packet that rewrite let go, as the next hop will.
Seen see_again(rte_mbuf* mbuf) {
  const auto bytes = dataplane::bytes_of(mbuf);
  const PacketContext before = dataplane::context_of(mbuf);
  Burst burst = tests::burst_of({rig().packet(bytes, 1)});
  dataplane::parse(burst, rig().policy);
  FUZZ_CHECK(burst.count() == 1);
  const ForwardingHeader header = burst.context(0).header;
  FUZZ_CHECK(header.length == before.header.length);
  FUZZ_CHECK(header.via_list_length == before.header.via_list_length);
  FUZZ_CHECK(header.destination_list_length == before.header.destination_list_length);
  FUZZ_CHECK(header.fragment.word == before.header.fragment.word);
  const Seen seen = see(bytes, header);
  StageRig::free(burst);
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  tests::start_eal_for_fuzzing();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tests::Choices choices({data, size});
  const std::uint8_t how = choices.u8();
  StageRig& r = rig();
  r.policy.full_via_entries = how & 1U;
  r.policy.max_message_size = (how & 2U) != 0 ? 1000 : 60'000;
  const bool injected = (how & 4U) != 0;
  const auto link_in = static_cast<std::uint16_t>(how >> 4U & 3U);
  Bytes message = choices.bytes(tests::kMostFuzzedBytes);
  if ((how & 8U) == 0) tests::heal(message);

  Burst burst = tests::burst_of({r.packet(message, injected ? wire::shm::kNoLink : link_in)});
  PacketContext& context = burst.context(0);
  context.injected = injected;
  dataplane::parse(burst, r.policy);
  if (burst.live == 0) {
    StageRig::free(burst);
    return 0;
  }
  const Seen before = see(message, context.header);
  dataplane::route(burst, *r.routes, *r.links);
  const bool deliver = burst.live != 0 && context.deliver;
  const std::size_t pop = context.pop_bytes;
  const std::size_t push = context.push_node != 0 ? kNodeEntryBytes : 0;
  dataplane::rewrite(burst, r.policy, *r.links, r.rewrite_state, *r.counters);
  if (burst.live == 0) {
    FUZZ_CHECK(r.rewrite_state.waiting.empty());
    StageRig::free(burst);
    return 0;
  }

  std::vector<Seen> pieces{see_again(burst.mbufs[0])};
  StageRig::free(burst);
  while (dataplane::release_pieces(burst, r.rewrite_state) != 0) {
    for (unsigned i = 0; i < burst.size; ++i) {
      FUZZ_CHECK(burst.context(i).unledgered);
      pieces.push_back(see_again(burst.mbufs[i]));
    }
    StageRig::free(burst);
  }
  Bytes payload;
  for (const Seen& piece : pieces) {
    FUZZ_CHECK(piece.options == before.options);
    FUZZ_CHECK(piece.via == pieces.front().via);
    FUZZ_CHECK(piece.header.transaction_id == before.header.transaction_id);
    FUZZ_CHECK(piece.header.ttl + (deliver || injected ? 0 : 1) == before.header.ttl);
    FUZZ_CHECK(piece.header.fragment.offset() == before.header.fragment.offset() + payload.size());
    // The entries behind what was popped and pushed stand as they stood.
    FUZZ_CHECK(piece.destinations.size() == before.destinations.size() + push - pop);
    FUZZ_CHECK(std::equal(
        piece.destinations.begin() + static_cast<std::ptrdiff_t>(push), piece.destinations.end(),
        before.destinations.begin() + static_cast<std::ptrdiff_t>(pop), before.destinations.end()));
    FUZZ_CHECK(piece.via.size() >= before.via.size());
    FUZZ_CHECK(std::equal(before.via.begin(), before.via.end(), piece.via.begin()));
    payload.insert(payload.end(), piece.payload.begin(), piece.payload.end());
  }
  FUZZ_CHECK(payload == before.payload);
  FUZZ_CHECK(pieces.back().header.fragment.is_last() == before.header.fragment.is_last());
  FUZZ_CHECK(r.mbufs_in_use() == 0);
  return 0;
}
