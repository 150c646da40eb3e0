#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Eight nodes join through one bootstrap node, over links that lose 2 % of all packets; then each in
turn ends, starts anew and joins again, the next one as soon as it is a member. Every second one leaves
before, the others are killed. Meanwhile all others reach each other, no answer comes from a node that
was not asked, and no pair is out of reach for longer than the request's own retransmission and one
failover of a link take."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from netns import PATIENCE  # noqa: E402
from ring import SEGMENT, Ring  # noqa: E402
from scenario import check, check_equal, main, wait_for  # noqa: E402

NODES = 8
TRUE_S, MEMBER_S = 90, 60
RATE, PINGS = 2, 10  # of each pair that is watched
# A request is repeated after the reliability timer of 3 s; a link that does not answer is given up,
# and its messages are routed another way, within the timeouts of its sender.
FAILOVER_MS = 8000


def body(world, build):
    # A frame passes the bad network on its way to the segment, and again from there.
    ring = Ring(world, build, NODES, conditions={"loss": 1})
    for node in ring.nodes:
        node.set("overlay", "bootstrap_nodes", f'["{SEGMENT}1:6084", "{SEGMENT}2:6084"]')
    ring.begin()
    for node in ring.nodes[1:]:
        node.start()
    ring.wait_true(ring.nodes, TRUE_S)
    ring.nodes[0].set("overlay", "join", "true")  # from now on the ring is there

    slowest = 0
    for number, restarting in enumerate(ring.nodes):
        others = [node for node in ring.nodes if node is not restarting]
        pairs = list(zip(others, others[3:] + others[:3]))
        runs = [(a, b, a.start_ping(b, count=PINGS, rate=RATE)) for a, b in pairs]
        if number % 2 == 0:
            check(restarting.ctl("leave")["done"], f"{restarting.name} did not leave")
            check(restarting.stop(), f"{restarting.name} did not end well")
        else:
            restarting.controlplane.kill()
            restarting.dataplane.kill()
        restarting.start()
        begun = time.monotonic()
        for a, b, run in runs:
            run.wait()
            check_equal(run.summary["answered"], PINGS,
                        f"Pings from {a.name} to {b.name} while {restarting.name} restarts")
            for line in run.lines:
                check_equal(line["responder"], b.id, f"who answers a Ping to {b.name}")
                slowest = max(slowest, line["rtt_us"] / 1000)
        wait_for(lambda: ring.is_member(restarting), f"{restarting.name} to be a member again",
                 MEMBER_S)
        print(f"{restarting.name}: a member {time.monotonic() - begun:.1f} s after its start")
    ring.wait_true(ring.nodes, TRUE_S)
    print(f"slowest answer: {slowest:.0f} ms")
    check(slowest < FAILOVER_MS * PATIENCE, f"a pair was out of reach for {slowest:.0f} ms")
    for node in ring.nodes:
        check_equal(node.counters()["unaccounted"], 0, f"{node.name}: packets unaccounted for")
        node.stop()


main("ring_restarts_in_turn", body)
