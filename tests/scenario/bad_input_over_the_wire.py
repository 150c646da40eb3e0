#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each kind of malformed message gives its named drop reason, or the error the RFC asks for, and
leaves the node running with its books in order."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from lab import Lab  # noqa: E402
from netns import PATIENCE  # noqa: E402
from scenario import Failed, check, check_equal, main, wait_for  # noqa: E402

# kind of tests/support/crafted_messages.cc: (drop reason at the neighbour, error answered)
EXPECTED = {
    # demux and link_receive
    "demux_unknown": ("demux_unknown", None),
    "stun": ("demux_not_served", None),
    "dtls": ("link_protocol", None),
    "turn_channel": ("demux_not_served", None),
    "frame_longer_than_datagram": ("bad_frame", None),
    "short_ack": ("bad_frame", None),
    "ack_never_sent": ("bad_ack", None),
    # parse
    "truncated": ("bad_length", None),
    "not_reload": ("not_reload", None),
    "bad_version": ("bad_version", None),
    "length_too_large": ("bad_length", None),
    "length_too_small": ("bad_length", None),
    "fragment_bit_clear": ("bad_fragment_word", None),
    "lists_too_long": ("lists_too_long", None),
    "empty_destination": ("empty_destination", None),
    "bad_destination": ("bad_destination", None),
    "unknown_destination": ("unknown_destination", None),
    "resource_in_via": ("misplaced_resource", None),
    "resource_not_last": ("misplaced_resource", None),
    "option_too_long": ("bad_option", None),
    "body_too_long": ("bad_contents", None),
    "extension_boolean": ("bad_contents", None),
    "security_block_cut": ("bad_security_block", None),
    "far_fragment": ("message_too_large", None),
    # admit
    "wrong_overlay": ("wrong_overlay", None),
    "ttl_too_large": ("ttl_too_large", "Error_TTL_Exceeded"),
    "duplicate_entry": ("duplicate_entry", "Error_Invalid_Message"),
    "flag_in_response": ("flag_in_response", None),
    "duplicate": ("duplicate", None),
    # verify
    "unsupported_scheme": ("unsupported_scheme", None),
    "bad_signature": ("bad_signature", None),
    "unknown_signer": ("signer_unknown", None),
    "certificate_of_another_ca": ("signer_refused", None),
    "certificate_expired": ("signer_refused", None),
    "certificate_not_yet_valid": ("signer_refused", None),
    "certificate_of_another_overlay": ("signer_refused", None),
    "certificate_garbage": ("signer_refused", None),
    "small_fragment": ("fragment_too_small", None),
    "overlapping_fragments": ("fragment_overlap", None),
    # route
    "forward_critical_option": ("unsupported_option", "Error_Unsupported_Forwarding_Option"),
    "ttl_zero": ("ttl_exceeded", "Error_TTL_Exceeded"),
    "opaque_unknown": ("opaque_unknown", None),
    "wildcard_then_more": ("wildcard_forward", None),
    "back_to_sender": ("route_loop", None),
    # Not refused by the neighbour, but by the destination, or by nobody.
    "destination_critical_option": (None, "Error_Unsupported_Forwarding_Option"),
    "critical_extension": (None, "Error_Unknown_Extension"),
    "plain_option": (None, None),
    "good": (None, None),
}
# Where such a message ends depends on its random Node-ID: somewhere on the ring.
ANYWHERE = {"node_nobody_has": "not_connected"}


def body(world, build):
    lab = Lab(world, build, "--nodes", "4", "--client-ends", without=("node1",))
    lab.start()
    entry, sink = lab.node("node2"), lab.node("node4")
    kinds = lab.lab_peer("node1", "node2", "kinds")
    check_equal(sorted(set(kinds) - set(EXPECTED) - set(ANYWHERE)), [],
                "kinds this scenario says nothing about")
    common = ("--destination", sink.id, "--sender", lab.node("node1").id,
              "--ca-certificate", f"{lab.directory}/ca.pem", "--ca-key", f"{lab.directory}/ca-key.pem")
    lab.lab_peer("node1", "node2", "ping", *common, "--count", 3, "--rate", 10)

    broken = []
    for kind, (reason, error) in EXPECTED.items():
        before = entry.drops()
        report = lab.lab_peer("node1", "node2", "craft", "--kind", kind, *common,
                              "--linger", 0.3 if reason and not error else 1.5 * PATIENCE)
        try:
            judge(lab, entry, kind, before, report, reason, error)
        except Failed as failed:
            broken.append(f"{kind}: {failed}")
    check(not broken, "\n  ".join(["", *broken]))

    before = {node.name: node.drops() for node in lab.running_nodes}
    for kind, reason in ANYWHERE.items():
        lab.lab_peer("node1", "node2", "craft", "--kind", kind, *common)
        wait_for(lambda: any(n.drops().get(reason, 0) > before[n.name].get(reason, 0)
                             for n in lab.running_nodes), f"{kind} to be dropped as {reason}", 3)

    answered = lab.lab_peer("node1", "node2", "ping", *common, "--count", 20, "--rate", 50)
    check_equal(answered["pings_answered"], 20, "good Pings answered after all that")
    lab.check_books()
    lab.stop()


def judge(lab, entry, kind, before, report, reason, error):
    for node in lab.running_nodes:
        node.alive()

    def new_drops():
        now = entry.drops()
        return {name: now[name] - before.get(name, 0) for name in now
                if now[name] != before.get(name, 0)}
    if reason is not None:
        wait_for(lambda: reason in new_drops(), f"drop reason {reason}; new drops: {new_drops()}", 2)
    check_equal(set(new_drops()), {reason} if reason else set(), "drop reasons")
    check_equal(report["errors"], {error: 1} if error else {}, "errors answered")
    if kind in ("good", "plain_option"):
        check_equal(report["answers"], {"ping_ans": 1}, "answers")


main("bad_input_over_the_wire", body)
