// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/admit.h"

#include <array>

#include "dataplane/message_hash.h"
#include "dataplane/signer_lookup.h"
#include "wire/reload/destination.h"
#include "wire/reload/forwarding_option.h"

namespace dataplane {

namespace {

using namespace wire::reload;
using wire::shm::PolicyTable;
using wire::shm::VerifyPolicy;

constexpr std::uint8_t kResponseMustNotHave =
    kForwardCritical | kDestinationCritical | kResponseCopy;

/// Checks that need nothing but the packet and the policy. True when it passes, else @p why.
bool header_is_admissible(const PacketContext& context, std::span<const std::byte> message,
                          const PolicyTable& policy, DropReason& why) noexcept {
  if (context.header.overlay != policy.overlay) {
    why = DropReason::kWrongOverlay;
    return false;
  }
  // B-35. Zero is route's business: such a message may be for this node.
  if (context.header.ttl > policy.initial_ttl) {
    why = DropReason::kTtlTooLarge;
    return false;
  }
  // B-41: none of the three flags may be set in a response. A fragment does not tell what it is.
  if ((context.option_flags & kResponseMustNotHave) != 0 && context.message_code != 0 &&
      !is_request(context.message_code)) {
    why = DropReason::kFlagInResponse;
    return false;
  }
  // B-37. A list too short for two entries has no two equal ones.
  if (context.header.destination_list_length > kNodeEntryBytes &&
      has_duplicate_entries(message.subspan(context.header.destination_list_offset(),
                                            context.header.destination_list_length))) {
    why = DropReason::kDuplicateEntry;
    return false;
  }
  return true;
}

/// Link, transaction ID and fragment word decide with every byte behind the forwarding header what
/// counts as the same message. TTL and lists do not: they are what a copy would have changed.
std::uint64_t replay_hash(const PacketContext& context, std::span<const std::byte> message,
                          std::uint64_t secret, const MessageHash& hash) noexcept {
  const std::uint64_t seed =
      static_cast<std::uint64_t>(context.header.transaction_id) ^
      fold_multiply((std::uint64_t{context.link_in} << 32U | context.header.fragment.word) ^ secret,
                    0x9e3779b97f4a7c15U);
  return hash.of(message.subspan(context.header.size()), seed);
}

NodeId destination_head(const PacketContext& context, std::span<const std::byte> message) noexcept {
  Destination head;
  if (read_destination(message.subspan(context.header.destination_list_offset(),
                                       context.header.destination_list_length),
                       head)
          .ok() &&
      head.type == DestinationType::kNode) {
    return head.node_id();
  }
  return {};
}

}  // namespace

void admit(Burst& burst, const PolicyTable& policy, const LinkTable& links,
           const SignerTable& signers, Tracer& tracer, AdmitState& state,
           const Turn& turn) noexcept {
  state.follow(policy);
  const bool signers_are_rated = state.signer_rate_.interval != 0;

  // What the packet itself shows, then what its link may send.
  std::uint64_t wants_signer = 0;
  for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    const PacketContext& context = burst.context(i);
    DropReason why{};
    if (!header_is_admissible(context, bytes_of(burst.mbufs[i]), policy, why)) {
      burst.drop(i, why);
      continue;
    }
    const LinkEntry* const link = links.by_slot(context.link_in);
    if (link == nullptr || link->record.generation != context.link_generation) {
      burst.drop(i, DropReason::kUnknownLink);
      continue;
    }
    if (link->record.barred != 0) {
      burst.drop(i, DropReason::kLinkStanding);
      continue;
    }
    const auto cls = static_cast<std::size_t>(context.link_class);
    const auto traffic = static_cast<std::size_t>(context.traffic_class);
    if (!state.link_buckets_[context.link_in][traffic].take(state.rates_[cls][traffic], turn.tsc)) {
      burst.drop(i, DropReason::kLinkRate);
      continue;
    }
    const bool is_whole = context.message_code != 0;
    const bool is_asked_for = signers_are_rated || policy.classes[cls].verify != VerifyPolicy::kOff;
    wants_signer |= std::uint64_t{is_whole && is_asked_for} << i;
  }

  look_up_signers(burst, wants_signer, signers);
  if (signers_are_rated) {
    for (std::uint64_t left = wants_signer; left != 0; left &= left - 1) {
      const auto i = static_cast<unsigned>(std::countr_zero(left));
      const SignerEntry* const signer = burst.context(i).signer;
      // Signers not known yet are metered by verify, as certificates per link.
      if (signer == nullptr || signer->index >= state.max_signers_) continue;
      if (!state.signer_buckets_[signer->index].take(state.signer_rate_, turn.tsc)) {
        burst.drop(i, DropReason::kSignerRate);
      }
    }
  }

  if (policy.replay_window_ms != 0) {
    const std::uint64_t now_ms = state.replay_->milliseconds_at(turn.tsc);
    std::array<std::uint64_t, kBurstSize> hashes;
    for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
      const auto i = static_cast<unsigned>(std::countr_zero(left));
      hashes[i] =
          replay_hash(burst.context(i), bytes_of(burst.mbufs[i]), state.secret_, state.hash_);
      state.replay_->prefetch(hashes[i]);
    }
    for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
      const auto i = static_cast<unsigned>(std::countr_zero(left));
      if (state.replay_->seen(hashes[i], now_ms, policy.replay_window_ms)) {
        burst.drop(i, DropReason::kDuplicate);
      }
    }
  }

  if (tracer.on()) {
    for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
      const auto i = static_cast<unsigned>(std::countr_zero(left));
      PacketContext& context = burst.context(i);
      tracer.sample(context, destination_head(context, bytes_of(burst.mbufs[i])));
    }
  }
}

}  // namespace dataplane
