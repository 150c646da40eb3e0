#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A neighbour offers ten times what the bulk class may carry: link acks and Pings are still answered
and no link is declared failed."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from lab import Lab  # noqa: E402
from netns import PATIENCE  # noqa: E402
from scenario import check, check_equal, main  # noqa: E402

# Bulk messages per second. Ten times that must be no overload for the machine itself, which carries
# less under sanitizers.
CAPACITY = round(200 / PATIENCE)
SECONDS = 6


def body(world, build):
    lab = Lab(world, build, "--nodes", "4", "--client-ends", without=("node1",))
    for node in lab.running_nodes:
        for link_class in ("backbone", "client"):
            node.set(f"class.{link_class}", "rate",
                     f"{{ bulk = {{ per_second = {CAPACITY}, burst = {CAPACITY // 4} }} }}")
    lab.start()
    entry, sink = lab.node("node2"), lab.node("node4")
    # Signer known, neighbours resolved: what follows is about capacity alone.
    lab.lab_peer("node1", "node2", "ping", "--destination", sink.id, "--count", 3, "--rate", 10)
    before = entry.drops().get("link_rate", 0)

    begun = time.monotonic()
    report = lab.lab_peer("node1", "node2", "flood", "--destination", sink.id, "--rate",
                          10 * CAPACITY, "--seconds", SECONDS, "--ping-rate", 20)
    # At once: node1 is gone, and in a while its link has failed for what it never acked.
    link = entry.links()["node1"]
    dropped = entry.drops().get("link_rate", 0) - before
    lasted = time.monotonic() - begun
    offered = report["bulk_sent"]
    check(offered > 8 * CAPACITY * SECONDS, f"only {offered} bulk messages could be offered")
    # A slow node lets in, too, what fell due while it worked off what waited in front of it.
    least, most = (CAPACITY * seconds + CAPACITY // 4 for seconds in (SECONDS, lasted))
    let_in = offered - dropped
    check(least * 0.85 <= let_in <= most * 1.15,
          f"{let_in} of {offered} bulk messages were let in, expected {least} to {most:.0f}")
    # lab_peer repeats nothing, and a machine that stands still for half a second fills the buffers
    # in front of the node. What reached the node was acked, and its Pings were answered.
    check_equal(link["state"], "up", "state of the link that is overloaded")
    check_equal(link["acks_out"], link["messages_in"], "acks sent for messages that arrived")
    unheard = report["frames_sent"] - report["frames_acked"]
    check(unheard <= report["frames_sent"] * 0.02, f"{unheard} frames were never acked")
    check(report["pings_answered"] >= report["pings_sent"] - unheard,
          f"{report['pings_answered']} of {report['pings_sent']} Pings were answered")
    check(report["rtt_ms"]["p99"] < 500 * PATIENCE, f"Pings took {report['rtt_ms']}")
    for node in lab.running_nodes:
        for name, link in node.links().items():
            check(name == "node1" or link["state"] == "up", f"{node.name}: link to {name} is {link['state']}")
    lab.check_books()
    lab.stop()


main("overload_keeps_liveness", body)
