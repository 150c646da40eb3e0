// SPDX-License-Identifier: Apache-2.0
#include "dataplane/hold_table.h"

#include <new>
#include <span>

namespace dataplane {

using wire::reload::SignerKey;

namespace {

std::size_t packets_in(rte_mbuf* message) noexcept {
  return std::size_t{1} + context_of(message).piece_count;
}

}  // namespace

std::unique_ptr<HoldTable> HoldTable::create(std::uint64_t tsc_hz) noexcept {
  std::unique_ptr<HoldTable> table(new (std::nothrow) HoldTable);
  if (table != nullptr) table->tsc_hz_ = tsc_hz;
  return table;
}

HoldTable::Outcome HoldTable::hold(const SignerKey& signer, rte_mbuf* message,
                                   std::uint32_t certificates_per_second,
                                   std::uint64_t tsc) noexcept {
  PacketContext& context = context_of(message);
  const std::uint16_t link = context.link_in;
  const std::size_t packets = packets_in(message);
  if (link >= packets_of_link_.size() || packets_ + packets > kMaxPackets ||
      packets_of_link_[link] + packets > kMaxPacketsPerLink) {
    return Outcome::kFull;
  }

  Group* group = nullptr;
  Group* vacant = nullptr;
  for (Group& candidate : groups_) {
    if (candidate.messages.empty()) {
      vacant = &candidate;
    } else if (candidate.signer == signer) {
      group = &candidate;
      break;
    }
  }
  if (group == nullptr) {
    if (vacant == nullptr) return Outcome::kFull;
    // 0 is none here: such links may bring messages of known signers only.
    const wire::shm::Rate rate{certificates_per_second, certificates_per_second};
    if (certificates_per_second == 0 ||
        !certificates_[link].take(BucketRate::from(rate, tsc_hz_), tsc)) {
      return Outcome::kCertificateRate;
    }
    group = vacant;
    group->signer = signer;
    group->punted = false;
    ++unpunted_;
  } else if (group->messages.size() >= kMaxMessagesPerSigner) {
    return Outcome::kFull;
  }

  context.queued_tsc = tsc;
  context.signer = nullptr;  // a pointer into the table does not outlive the turn
  group->messages.push(message);
  packets_ += packets;
  packets_of_link_[link] = static_cast<std::uint16_t>(packets_of_link_[link] + packets);
  return Outcome::kHeld;
}

rte_mbuf* HoldTable::take_front(Group& group) noexcept {
  rte_mbuf* const message = group.messages.pop();
  const std::size_t packets = packets_in(message);
  packets_ -= packets;
  std::uint16_t& of_link = packets_of_link_[context_of(message).link_in];
  of_link = static_cast<std::uint16_t>(of_link - packets);
  if (group.messages.empty() && !group.punted) --unpunted_;
  return message;
}

void HoldTable::release_known(const SignerTable& signers, MbufQueue& out) noexcept {
  const std::uint64_t version = signers.version();
  if (version == seen_version_) return;
  seen_version_ = version;
  if (packets_ == 0) return;

  std::array<const SignerKey*, kMaxSigners> keys;
  std::array<const SignerEntry*, kMaxSigners> found;
  std::array<Group*, kMaxSigners> asked;
  std::size_t count = 0;
  for (Group& group : groups_) {
    if (group.messages.empty()) continue;
    keys[count] = &group.signer;
    asked[count] = &group;
    ++count;
  }
  signers.find(std::span(keys).first(count), std::span(found).first(count));
  for (std::size_t k = 0; k < count; ++k) {
    if (found[k] == nullptr) continue;
    while (!asked[k]->messages.empty()) out.push(take_front(*asked[k]));
  }
}

void HoldTable::expire(std::uint64_t tsc, std::uint64_t hold_cycles, MbufQueue& out) noexcept {
  if (packets_ == 0) return;
  for (Group& group : groups_) {
    while (!group.messages.empty() &&
           tsc - context_of(group.messages.front()).queued_tsc >= hold_cycles) {
      out.push(take_front(group));
    }
  }
}

void HoldTable::release_all(MbufQueue& out) noexcept {
  for (Group& group : groups_) {
    while (!group.messages.empty()) out.push(take_front(group));
  }
}

}  // namespace dataplane
