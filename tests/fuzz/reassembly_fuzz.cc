// SPDX-License-Identifier: Apache-2.0
// Fragments of a few messages on a few links in any order, with holes, overlaps and lies: what is
// put together is covered without a hole by pieces that agree with it, and no mbuf is lost.

#include "dataplane/reassembly.h"

#include "tests/fuzz/check.h"
#include "tests/fuzz/stage_input.h"
#include "tests/support/eal_fuzz.h"

namespace {

using namespace wire::reload;
using dataplane::context_of;
using dataplane::Reassembly;
using tests::Bytes;
using tests::StageRig;

constexpr std::size_t kHeaderBytes = kFixedHeaderBytes + kNodeEntryBytes;

StageRig& rig() {
  static StageRig* const rig = new StageRig;
  return *rig;
}

/// Checks a complete set and frees it. Returns its pieces.
std::size_t take_apart(rte_mbuf* head, std::span<std::byte> scratch) {
  const std::size_t length = dataplane::assemble(head, scratch);
  FUZZ_CHECK(length > kHeaderBytes);
  const std::span<const std::byte> payload = scratch.first(length).subspan(kHeaderBytes);
  std::vector<bool> covered(payload.size(), false);
  std::size_t pieces = 0;
  bool ended = false;
  while (head != nullptr) {
    const ForwardingHeader& header = context_of(head).header;
    const auto bytes = dataplane::bytes_of(head).subspan(kHeaderBytes);
    FUZZ_CHECK(header.fragment.offset() + bytes.size() <= payload.size());
    for (std::size_t k = 0; k < bytes.size(); ++k) {
      FUZZ_CHECK(bytes[k] == payload[header.fragment.offset() + k]);
      covered[header.fragment.offset() + k] = true;
    }
    if (header.fragment.is_last()) {
      FUZZ_CHECK(header.fragment.offset() + bytes.size() == payload.size());
      ended = true;
    }
    rte_mbuf* const next = context_of(head).piece_next;
    rte_pktmbuf_free(head);
    head = next;
    ++pieces;
  }
  FUZZ_CHECK(ended);
  for (const bool byte : covered) FUZZ_CHECK(byte);
  return pieces;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  tests::start_eal_for_fuzzing();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::unique_ptr<Reassembly> table = Reassembly::create();
  static std::vector<std::byte> scratch(1U << 20U);
  tests::Choices choices({data, size});
  StageRig& r = rig();
  dataplane::MbufQueue gone;
  std::size_t in = 0;
  std::size_t out = 0;
  const std::uint32_t quota = 2000U + choices.u16();

  for (unsigned n = 0; n < 400 && !choices.empty(); ++n) {
    const std::uint8_t what = choices.u8();
    const std::size_t length = choices.u16() % 1500;
    const std::uint32_t offset = choices.u16() % 6000;
    const bool is_last = (what & 1U) != 0;
    if (is_last && offset == 0) continue;  // a whole message, not a fragment

    ForwardingHeader header;
    header.fragment = FragmentWord::make(offset, is_last);
    header.transaction_id = TransactionId{what >> 1U & 3U};
    header.destination_list_length = kNodeEntryBytes;
    header.length = static_cast<std::uint32_t>(kHeaderBytes + length);
    Bytes fragment(header.length);
    write_forwarding_header(header, fragment);
    // Bytes follow from their place in the message, so most overlaps agree; a few lie.
    for (std::size_t k = 0; k < length; ++k) {
      fragment[kHeaderBytes + k] = static_cast<std::byte>((offset + k) * 7U >> 3U);
    }
    if (what >= 0xf0 && length != 0) fragment[kHeaderBytes + offset % length] ^= std::byte{1};

    rte_mbuf* const mbuf = r.packet(fragment, static_cast<std::uint16_t>(what >> 3U & 1U));
    context_of(mbuf).header = header;
    context_of(mbuf).condemned = false;
    ++in;
    const Reassembly::Result result = table->add(mbuf, quota, r.turn.tsc, gone);
    if (result.outcome == Reassembly::Outcome::kRefused) {
      rte_pktmbuf_free(mbuf);
      ++out;
    } else if (result.outcome == Reassembly::Outcome::kComplete) {
      out += take_apart(result.head, scratch);
    }
    if ((what & 0x10U) != 0) {
      r.advance_ms(what);
      table->expire(r.turn.tsc, 500 * StageRig::kMs, gone);
    }
    FUZZ_CHECK(in == out + gone.size() + table->packets());
  }
  table->release_all(dataplane::DropReason::kShutdown, gone);
  while (rte_mbuf* const mbuf = gone.pop()) {
    FUZZ_CHECK(context_of(mbuf).condemned);
    rte_pktmbuf_free(mbuf);
    ++out;
  }
  FUZZ_CHECK(in == out);
  FUZZ_CHECK(table->sets() == 0 && table->packets() == 0);
  FUZZ_CHECK(r.mbufs_in_use() == 0);
  return 0;
}
