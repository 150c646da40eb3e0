// SPDX-License-Identifier: Apache-2.0
#include "dataplane/verify_state.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "dataplane/verify_parts.h"
#include "wire/byte_order.h"
#include "wire/reload/message_contents.h"
#include "wire/reload/security_block.h"

namespace dataplane {

using namespace wire::reload;
using wire::shm::PacketKind;
using wire::shm::PacketRecord;

namespace {

/// Contents with a code and nothing else: code(2), body length(4), extensions length(4).
constexpr std::size_t kEmptyContentsBytes = 10;

/// Fills @p record with @p message, or, when that is too long, with the message less its body and
/// extensions: the forwarding header and the security block are what a certificate is judged by.
bool fill_record(std::span<const std::byte> message, PacketRecord& record) noexcept {
  if (message.size() <= record.bytes.size()) {
    std::memcpy(record.bytes.data(), message.data(), message.size());
    record.length = static_cast<std::uint16_t>(message.size());
    return true;
  }
  ForwardingHeader header;
  CheckedMessage parts;
  DropReason why{};
  if (!parse_forwarding_header(message, header).ok() ||
      !find_parts(message, header.size(), parts, why)) {
    return false;
  }
  const std::span<const std::byte> block = message.subspan(header.size() + parts.contents.size());
  const std::size_t length = header.size() + kEmptyContentsBytes + block.size();
  if (length > record.bytes.size()) return false;
  std::byte* const to = record.bytes.data();
  std::memcpy(to, message.data(), header.size());
  wire::store_be32(to + header_offset::kLength, static_cast<std::uint32_t>(length));
  std::byte* const contents = to + header.size();
  wire::store_be16(contents, parts.message_code);
  std::fill_n(contents + 2, kEmptyContentsBytes - 2, std::byte{0});
  std::memcpy(contents + kEmptyContentsBytes, block.data(), block.size());
  record.length = static_cast<std::uint16_t>(length);
  return true;
}

}  // namespace

bool find_parts(std::span<const std::byte> message, std::size_t header_bytes, CheckedMessage& out,
                DropReason& why) noexcept {
  const std::span<const std::byte> payload = message.subspan(header_bytes);
  MessageContents contents;
  if (!parse_message_contents(payload, contents).ok()) {
    why = DropReason::kBadContents;
    return false;
  }
  SecurityBlock block;
  if (!parse_security_block(payload.subspan(contents.encoded.size()), block).ok()) {
    why = DropReason::kBadSecurityBlock;
    return false;
  }
  out = {.message = message,
         .contents = contents.encoded,
         .identity = block.signature.identity,
         .signature = block.signature.value,
         .certificates_length = block.certificates.size(),
         .message_code = contents.message_code,
         .scheme = block.signature.scheme};
  return true;
}

VerifyState::Parts::Parts(const Setup& given, std::unique_ptr<HoldTable> hold_table,
                          std::unique_ptr<Reassembly> fragments, std::unique_ptr<Evidence> reports,
                          std::unique_ptr<VerifyBatch> checks,
                          std::unique_ptr<std::byte[]> scratch_memory)
    : setup(given),
      hold(std::move(hold_table)),
      reassembly(std::move(fragments)),
      evidence(std::move(reports)),
      batch(std::move(checks)),
      scratch(std::move(scratch_memory)) {}

void VerifyState::Parts::condemn(rte_mbuf* head, DropReason reason) noexcept {
  while (head != nullptr) {
    PacketContext& context = context_of(head);
    rte_mbuf* const next = context.piece_next;
    context.piece_next = nullptr;
    context.piece_count = 0;
    context.condemned = true;
    context.condemned_for = reason;
    leaving.push(head);
    head = next;
  }
}

void VerifyState::Parts::punt_new_signers() noexcept {
  hold->punt_new([this](const SignerKey&, rte_mbuf* head) noexcept {
    const PacketContext& context = context_of(head);
    std::span<const std::byte> message = bytes_of(head);
    if (context.piece_count != 0) {
      const std::span<std::byte> slot = scratch_slot(0);
      message = slot.first(assemble(head, slot));
    }
    PacketRecord record;  // the bytes are not cleared: length says how many are meant
    record.kind = PacketKind::kSigner;
    record.generation = context.link_generation;
    record.link_slot = context.link_in;
    record.tsc = context.rx_tsc;
    // Limit: what does not fit even so cannot be judged; its messages time out.
    if (!fill_record(message, record)) return true;
    return setup.rings->urgent.push(record);
  });
}

VerifyState::VerifyState(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
VerifyState::~VerifyState() = default;

std::unique_ptr<VerifyState> VerifyState::create(const Setup& setup) {
  auto hold = HoldTable::create(setup.tsc_hz);
  auto reassembly = Reassembly::create();
  auto evidence = Evidence::create(setup.rings->events, setup.lcore, setup.tsc_hz);
  auto batch = VerifyBatch::create(*setup.kernel, setup.tables, setup.lcore,
                                   setup.digest_cache_entries, setup.tsc_hz);
  std::unique_ptr<std::byte[]> scratch(new (std::nothrow)
                                           std::byte[Parts::kScratchSlots * Parts::kScratchBytes]);
  if (hold == nullptr || reassembly == nullptr || evidence == nullptr || batch == nullptr ||
      scratch == nullptr) {
    return nullptr;
  }
  std::unique_ptr<Parts> parts(new (std::nothrow) Parts(setup, std::move(hold),
                                                        std::move(reassembly), std::move(evidence),
                                                        std::move(batch), std::move(scratch)));
  if (parts == nullptr) return nullptr;
  return std::unique_ptr<VerifyState>(new (std::nothrow) VerifyState(std::move(parts)));
}

void VerifyState::publish(wire::shm::LcoreCounters& counters) const noexcept {
  parts_->batch->publish(counters);
}

std::size_t VerifyState::held() const noexcept {
  return parts_->hold->packets() + parts_->reassembly->packets() + parts_->to_verify_packets +
         parts_->leaving.size();
}

}  // namespace dataplane
