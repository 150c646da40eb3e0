// SPDX-License-Identifier: Apache-2.0
// The admit stage: what is refused before it costs a signature check, cheapest first.

#pragma once

#include "dataplane/admit_state.h"
#include "dataplane/burst.h"
#include "dataplane/keyed_tables.h"
#include "dataplane/tracer.h"
#include "dataplane/turn.h"
#include "wire/shm/policy_table.h"

namespace dataplane {

/// Drops what this node must not, or has agreed not to, spend anything on. Runs on the lcore that
/// owns the packets' links. Injected messages do not pass here.
///
/// Position  after parse, before verify
/// Reads     PacketContext::header, message_code, traffic_class, option_flags, identity_*, link_in
///           @p policy overlay, initial_ttl, rates, verify policy, replay window
///           @p links standing; @p signers
/// Writes    PacketContext::signer  when its key or its rate is asked for (all but unverified
///                                  classes and fragments); valid until the next quiescent report
///           PacketContext::traced, by @p tracer
/// Drops     wrong_overlay, ttl_too_large, flag_in_response, duplicate_entry (B-37), unknown_link
/// (the
///           link went while the packet waited), link_standing, link_rate, signer_rate, duplicate
/// Cost      one line of link buckets and one of the replay filter per message; one bulk lookup of
///           signers per burst; a multiplication per 16 bytes of message for the replay hash
void admit(Burst& burst, const wire::shm::PolicyTable& policy, const LinkTable& links,
           const SignerTable& signers, Tracer& tracer, AdmitState& state,
           const Turn& turn) noexcept;

}  // namespace dataplane
