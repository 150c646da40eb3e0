// SPDX-License-Identifier: Apache-2.0
// The parse stage: where the parts of each message are.

#pragma once

#include "dataplane/burst.h"
#include "wire/shm/policy_table.h"

namespace dataplane {

/// Reads each message and notes offsets; copies nothing. Of a fragment the forwarding header, lists
/// and options are read, its contents are not: only whole messages have a known beginning.
///
/// Position  after link_receive (or first, for injected messages), before admit
/// Reads     mbuf data, which begins at the RELOAD token and ends with the message
///           @p policy max_message_size
/// Writes    PacketContext::header to option_flags, and clears what later stages set
/// Drops     not_reload, bad_version, bad_length, bad_fragment_word, lists_too_long,
///           empty_destination, bad_destination, unknown_destination, misplaced_resource,
///           bad_option, bad_contents, bad_security_block: by the fault of the wire/reload parsers
///           message_too_large  the message, or the part of it that a fragment proves, exceeds
///                              max_message_size
/// Cost      four cache lines of a 300-byte message
void parse(Burst& burst, const wire::shm::PolicyTable& policy) noexcept;

}  // namespace dataplane
