// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/verify.h"

#include <algorithm>
#include <bit>

#include "dataplane/message_hash.h"
#include "dataplane/signer_lookup.h"
#include "dataplane/verify_parts.h"
#include "wire/reload/message_contents.h"
#include "wire/reload/security_block.h"

namespace dataplane {

namespace {

using namespace wire::reload;
using wire::shm::FragmentPolicy;
using wire::shm::LcoreCounters;
using wire::shm::LinkClass;
using wire::shm::LinkClassPolicy;
using wire::shm::PolicyTable;
using wire::shm::VerifyPolicy;
using Parts = VerifyState::Parts;

/// Whether a message is one that its link class has checked. By transaction ID, so that fragments
/// of one message share the answer.
bool is_chosen(const LinkClassPolicy& policy, TransactionId id, std::uint64_t secret) noexcept {
  switch (policy.verify) {
    case VerifyPolicy::kAll:
      return true;
    case VerifyPolicy::kOff:
      return false;
    case VerifyPolicy::kSample:
      break;
  }
  // hash * N / 2^64 is 0 for one hash in N.
  __extension__ using Wide = unsigned __int128;
  const std::uint64_t hash = hash_id(static_cast<std::uint64_t>(id), secret);
  const std::uint64_t one_in = std::max<std::uint16_t>(policy.sample_one_in, 1);
  return static_cast<std::uint64_t>(static_cast<Wide>(hash) * one_in >> 64U) == 0;
}

/// False for schemes this node does not check.
bool algorithm_of(SignatureScheme scheme, crypto::Algorithm& out) noexcept {
  switch (scheme) {
    case SignatureScheme::kRsaPkcs1Sha256:
      out = crypto::Algorithm::kRsaPkcs1Sha256;
      return true;
    case SignatureScheme::kEcdsaP256Sha256:
      out = crypto::Algorithm::kEcdsaP256Sha256;
      return true;
    case SignatureScheme::kEd25519:
      out = crypto::Algorithm::kEd25519;
      return true;
    case SignatureScheme::kNone:
      break;
  }
  return false;
}

/// What stands between a message and its signature check.
enum class Standing : std::uint8_t { kCheck, kHold, kBadSignature, kDrop };

Standing standing_of(const CheckedMessage& message, const SignerEntry* signer, const Turn& turn,
                     DropReason& why) noexcept {
  crypto::Algorithm algorithm{};
  if (!algorithm_of(message.scheme, algorithm)) {
    why = DropReason::kUnsupportedScheme;
    return Standing::kDrop;
  }
  if (signer == nullptr) {
    if (message.certificates_length != 0) return Standing::kHold;
    why = DropReason::kSignerUnknown;
    return Standing::kDrop;
  }
  if (signer->record.refused != 0 || signer->key == nullptr) {
    const bool is_banned = signer->record.refused == wire::shm::kRefusedBadNode;
    why = is_banned ? DropReason::kBanned : DropReason::kSignerRefused;
    return Standing::kDrop;
  }
  if (signer->record.expires_unix_s < turn.unix_s) {
    why = DropReason::kSignerExpired;
    return Standing::kDrop;
  }
  // The signer has one key; a signature of another kind cannot be by it.
  return signer->key->algorithm() == algorithm ? Standing::kCheck : Standing::kBadSignature;
}

CheckedMessage parts_of(std::span<const std::byte> message, const PacketContext& context) noexcept {
  return {.message = message,
          .contents = message.subspan(context.contents_offset, context.contents_length),
          .identity = message.subspan(context.identity_offset, context.identity_length),
          .signature = message.subspan(context.signature_offset, context.signature_length),
          .certificates_length = context.certificates_length,
          .message_code = context.message_code,
          .scheme = context.scheme};
}

/// One call of verify(): the burst and what it is checked by.
class Pass {
 public:
  Pass(Burst& burst, const PolicyTable& policy, const SignerTable& signers, Parts& parts,
       const Turn& turn, LcoreCounters& counters) noexcept
      : burst_(burst),
        policy_(policy),
        signers_(signers),
        parts_(parts),
        turn_(turn),
        counters_(counters) {}

  void message(unsigned i) noexcept;
  void fragment(unsigned i) noexcept;
  void chain(rte_mbuf* head) noexcept;
  void run_batch() noexcept;

 private:
  [[nodiscard]] const LinkClassPolicy& policy_of(const PacketContext& context) const noexcept {
    return policy_.classes[static_cast<std::size_t>(context.link_class)];
  }
  void hold(const CheckedMessage& message, rte_mbuf* mbuf, unsigned slot) noexcept;
  void bad_signature(std::span<const std::byte> message, rte_mbuf* mbuf, unsigned slot) noexcept;
  void count_unchecked(const LinkClassPolicy& policy) noexcept {
    (policy.verify == VerifyPolicy::kOff ? counters_.verify_off : counters_.verify_not_sampled)
        .add(1);
  }
  void good_signature(const VerifyBatch::Subject& subject) noexcept;
  void drop(rte_mbuf* mbuf, unsigned slot, DropReason why) noexcept {
    if (slot == VerifyBatch::kChain) {
      parts_.condemn(mbuf, why);
    } else {
      burst_.drop(slot, why);
    }
  }

  Burst& burst_;
  const PolicyTable& policy_;
  const SignerTable& signers_;
  Parts& parts_;
  const Turn& turn_;
  LcoreCounters& counters_;
};

void Pass::message(unsigned i) noexcept {
  PacketContext& context = burst_.context(i);
  const LinkClassPolicy& policy = policy_of(context);
  if (!is_chosen(policy, context.header.transaction_id, parts_.setup.secret)) {
    count_unchecked(policy);
    return;
  }
  rte_mbuf* const mbuf = burst_.mbufs[i];
  const CheckedMessage checked = parts_of(bytes_of(mbuf), context);
  DropReason why{};
  switch (standing_of(checked, context.signer, turn_, why)) {
    case Standing::kCheck:
      parts_.batch->add(checked, *context.signer, mbuf, i);
      break;
    case Standing::kHold:
      hold(checked, mbuf, i);
      break;
    case Standing::kBadSignature:
      bad_signature(checked.message, mbuf, i);
      break;
    case Standing::kDrop:
      burst_.drop(i, why);
      break;
  }
}

void Pass::fragment(unsigned i) noexcept {
  PacketContext& context = burst_.context(i);
  const LinkClassPolicy& policy = policy_of(context);
  if (policy.fragments == FragmentPolicy::kDrop) {
    burst_.drop(i, DropReason::kFragmentRefused);
    return;
  }
  if (policy.fragments == FragmentPolicy::kPass) {
    counters_.fragments_passed.add(1);
    return;
  }
  if (!is_chosen(policy, context.header.transaction_id, parts_.setup.secret)) {
    count_unchecked(policy);
    return;
  }
  const Reassembly::Result result =
      parts_.reassembly->add(burst_.mbufs[i], policy.reassembly_bytes, turn_.tsc, parts_.leaving);
  if (result.outcome == Reassembly::Outcome::kRefused) {
    burst_.drop(i, result.reason);
    return;
  }
  (void)burst_.take(i);
  if (result.outcome == Reassembly::Outcome::kComplete) chain(result.head);
}

void Pass::chain(rte_mbuf* head) noexcept {
  if (parts_.scratch_used == Parts::kScratchSlots) run_batch();
  const std::span<std::byte> scratch = parts_.scratch_slot(parts_.scratch_used);
  const std::size_t length = assemble(head, scratch);
  if (length == 0 || length > policy_.max_message_size) {
    parts_.condemn(head, DropReason::kMessageTooLarge);
    return;
  }
  const std::span<const std::byte> message = scratch.first(length);
  ForwardingHeader header;
  CheckedMessage checked;
  DropReason why = DropReason::kBadLength;
  if (!parse_forwarding_header(message, header).ok() ||
      !find_parts(message, header.size(), checked, why)) {
    parts_.condemn(head, why);
    return;
  }
  const SignerKey key = signer_key(checked.identity);
  const SignerKey* const pointer = &key;
  const SignerEntry* signer = nullptr;
  signers_.find(std::span(&pointer, 1), std::span(&signer, 1));
  switch (standing_of(checked, signer, turn_, why)) {
    case Standing::kCheck:
      ++parts_.scratch_used;
      parts_.batch->add(checked, *signer, head, VerifyBatch::kChain);
      break;
    case Standing::kHold:
      hold(checked, head, VerifyBatch::kChain);
      break;
    case Standing::kBadSignature:
      bad_signature(message, head, VerifyBatch::kChain);
      break;
    case Standing::kDrop:
      parts_.condemn(head, why);
      break;
  }
}

void Pass::hold(const CheckedMessage& message, rte_mbuf* mbuf, unsigned slot) noexcept {
  const LinkClassPolicy& policy = policy_of(context_of(mbuf));
  switch (parts_.hold->hold(signer_key(message.identity), mbuf, policy.certificates_per_second,
                            turn_.tsc)) {
    case HoldTable::Outcome::kHeld:
      if (slot != VerifyBatch::kChain) (void)burst_.take(slot);
      counters_.signer_held.add(1);
      break;
    case HoldTable::Outcome::kFull:
      drop(mbuf, slot, DropReason::kHoldFull);
      break;
    case HoldTable::Outcome::kCertificateRate:
      drop(mbuf, slot, DropReason::kCertificateRate);
      break;
  }
}

void Pass::bad_signature(std::span<const std::byte> message, rte_mbuf* mbuf,
                         unsigned slot) noexcept {
  const PacketContext& context = context_of(mbuf);
  if (context.link_in < parts_.setup.links.size()) {
    parts_.setup.links[context.link_in].bad_signatures.add(1);
  }
  if (context.link_class == LinkClass::kBackbone) {
    parts_.evidence->note(context.link_in, context.link_generation,
                          static_cast<std::uint64_t>(context.header.transaction_id), message,
                          turn_.tsc, counters_);
  }
  drop(mbuf, slot, DropReason::kBadSignature);
}

void Pass::good_signature(const VerifyBatch::Subject& subject) noexcept {
  if (subject.slot != VerifyBatch::kChain) {
    context_of(subject.mbuf).verified = true;
    return;
  }
  counters_.reassembled.add(1);
  rte_mbuf* piece = subject.mbuf;
  while (piece != nullptr) {
    PacketContext& context = context_of(piece);
    rte_mbuf* const next = context.piece_next;
    context.piece_next = nullptr;
    context.piece_count = 0;
    context.verified = true;
    context.message_code = subject.code;
    context.traffic_class = traffic_class(subject.code);
    parts_.leaving.push(piece);
    piece = next;
  }
}

void Pass::run_batch() noexcept {
  VerifyBatch& batch = *parts_.batch;
  if (batch.size() == 0) return;
  batch.answer(turn_, counters_);
  for (std::size_t k = 0; k < batch.size(); ++k) {
    const VerifyBatch::Subject& subject = batch.subject(k);
    switch (batch.answer_to(k)) {
      case VerifyBatch::Answer::kRecalled:
      case VerifyBatch::Answer::kVerified:
        good_signature(subject);
        break;
      case VerifyBatch::Answer::kBadSignature:
        bad_signature(subject.message, subject.mbuf, subject.slot);
        break;
      case VerifyBatch::Answer::kTooLong:
        drop(subject.mbuf, subject.slot, DropReason::kMessageTooLarge);
        break;
    }
  }
  batch.clear();
  parts_.scratch_used = 0;
}

}  // namespace

void verify(Burst& burst, const PolicyTable& policy, const SignerTable& signers, VerifyState& state,
            const Turn& turn, LcoreCounters& counters) noexcept {
  Parts& parts = state.parts();
  parts.batch->follow(policy, turn);
  Pass pass(burst, policy, signers, parts, turn, counters);
  for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    const PacketContext& context = burst.context(i);
    if (context.piece_count != 0) {
      pass.chain(burst.take(i));  // released by the hold table
    } else if (context.header.fragment.is_whole()) {
      pass.message(i);
    } else {
      pass.fragment(i);
    }
  }
  pass.run_batch();
  parts.punt_new_signers();
}

}  // namespace dataplane
