// SPDX-License-Identifier: Apache-2.0
// The verify stage between bursts: how what is held leaves.

#include "dataplane/signer_lookup.h"
#include "dataplane/stages/verify.h"
#include "dataplane/verify_parts.h"

namespace dataplane {

namespace {

std::size_t packets_in(rte_mbuf* head) noexcept {
  return std::size_t{1} + context_of(head).piece_count;
}

}  // namespace

unsigned release_for_verify(Burst& burst, const wire::shm::PolicyTable& policy,
                            const SignerTable& signers, VerifyState& state,
                            const Turn& turn) noexcept {
  VerifyState::Parts& parts = state.parts();
  parts.evidence->flush(turn.tsc);
  if (parts.hold->packets() != 0) {
    parts.punt_new_signers();
    MbufQueue timed_out;
    parts.hold->expire(turn.tsc, cycles_of_ms(policy.signer_hold_ms, parts.setup.tsc_hz),
                       timed_out);
    while (rte_mbuf* const head = timed_out.pop()) parts.condemn(head, DropReason::kHoldTimeout);
  }
  const std::size_t before = parts.hold->packets();
  parts.hold->release_known(signers, parts.to_verify);
  parts.to_verify_packets += before - parts.hold->packets();
  parts.reassembly->expire(turn.tsc, cycles_of_ms(policy.reassembly_timeout_ms, parts.setup.tsc_hz),
                           parts.leaving);

  burst.clear();
  std::uint64_t whole = 0;
  while (!burst.full()) {
    rte_mbuf* const head = parts.to_verify.pop();
    if (head == nullptr) break;
    parts.to_verify_packets -= packets_in(head);
    whole |= std::uint64_t{context_of(head).piece_count == 0} << burst.size;
    burst.add(head);
  }
  look_up_signers(burst, whole, signers);
  return burst.size;
}

unsigned release_for_route(Burst& burst, VerifyState& state) noexcept {
  burst.clear();
  while (!burst.full()) {
    rte_mbuf* const mbuf = state.parts().leaving.pop();
    if (mbuf == nullptr) break;
    const PacketContext& context = context_of(mbuf);
    burst.add(mbuf);
    if (context.condemned) burst.drop(burst.size - 1, context.condemned_for);
  }
  return burst.size;
}

void condemn_all(VerifyState& state, DropReason reason) noexcept {
  VerifyState::Parts& parts = state.parts();
  MbufQueue released;
  parts.hold->release_all(released);
  while (rte_mbuf* const head = released.pop()) parts.condemn(head, reason);
  while (rte_mbuf* const head = parts.to_verify.pop()) parts.condemn(head, reason);
  parts.to_verify_packets = 0;
  parts.reassembly->release_all(reason, parts.leaving);
}

}  // namespace dataplane
