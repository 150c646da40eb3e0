// SPDX-License-Identifier: Apache-2.0
// The verify stage: the originator's signature, at every hop.

#pragma once

#include "dataplane/burst.h"
#include "dataplane/keyed_tables.h"
#include "dataplane/turn.h"
#include "dataplane/verify_state.h"
#include "wire/shm/policy_table.h"

namespace dataplane {

/// Checks signatures in one batch and applies the verdicts.
///
/// What is checked is the link class's choice: all messages, one in N (chosen by transaction ID
/// under this process's secret, so nodes choose independently and nobody outside can tell which),
/// or none. Messages of signers the table lacks are held while their certificate goes up, once per
/// signer. A message this lcore has verified within the last 15 s is not checked again. Fragments
/// are held until their message is complete, checked as a whole, and leave through
/// release_for_route() as the pieces they came in.
///
/// Position  after admit, before route. Injected messages do not pass here
/// Reads     PacketContext::signer (this turn's), header, offsets from parse, link_in, link_class
///           @p policy per link class; hold and reassembly limits
///           @p signers for reassembled messages, whose signer admit could not look up
/// Writes    PacketContext::verified; message_code and traffic_class of reassembled fragments
/// Drops     unsupported_scheme, signer_refused, banned, signer_expired, signer_unknown, hold_full,
///           certificate_rate, bad_signature, fragment_refused, fragment_overlap,
///           fragment_too_small, reassembly_full; bad_contents, bad_security_block (of a
///           reassembled message)
/// Counts    verified, digest_cache_hits, verify_off, verify_not_sampled, fragments_passed,
///           reassembled, signer_held, verify_batch; LinkStatus::bad_signatures
/// Cost      the signature; around it a gather and an apply loop over the burst
void verify(Burst& burst, const wire::shm::PolicyTable& policy, const SignerTable& signers,
            VerifyState& state, const Turn& turn, wire::shm::LcoreCounters& counters) noexcept;

/// Fills @p burst, which must be empty, with held messages whose signer the control plane has
/// decided on; they go to verify() next. Also runs the clocks of all that is held (hold_timeout,
/// reassembly_timeout), repeats what a full ring refused, and sends due evidence: call it once per
/// turn, also when idle. Returns the number of packets; call again when it is kBurstSize.
unsigned release_for_verify(Burst& burst, const wire::shm::PolicyTable& policy,
                            const SignerTable& signers, VerifyState& state,
                            const Turn& turn) noexcept;

/// Fills @p burst, which must be empty, with what leaves for good: pieces of verified messages, for
/// route() next, and pieces and messages dropped while held, already marked dropped. Call until it
/// returns 0, after each verify().
unsigned release_for_route(Burst& burst, VerifyState& state) noexcept;

/// Condemns all that is held, for the end of the program; release_for_route() then empties it.
void condemn_all(VerifyState& state, DropReason reason) noexcept;

}  // namespace dataplane
