#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nodes that know nothing but the address of a bootstrap node become one ring (RFC 6940 sections 10.5
and 11.4), every pair reaches each other; then one leaves in good order, one dies, and those that are
left are one ring again and reach each other."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from ring import Ring  # noqa: E402
from scenario import check, check_equal, main  # noqa: E402

NODES = 5
JOINED_S = 60
HEALED_S = 90  # the liveness Ping, its retransmissions, Updates


def ping_all(nodes):
    runs = [(a, b, a.start_ping(b, count=3, rate=10))
            for a in nodes for b in nodes if a is not b]
    for a, b, run in runs:
        check_equal(run.wait().summary["answered"], 3, f"Pings from {a.name} to {b.name} answered")


def body(world, build):
    ring = Ring(world, build, NODES)
    ring.begin()
    for node in ring.nodes[1:]:
        node.start()
    ring.wait_true(ring.nodes, JOINED_S)
    ping_all(ring.nodes)

    gone, dead = ring.nodes[2], ring.nodes[3]
    check(gone.ctl("leave")["done"], f"{gone.name} did not leave")
    check(gone.stop(), f"{gone.name} did not end well")
    rest = [node for node in ring.nodes if node is not gone]
    ring.wait_true(rest, JOINED_S)
    ping_all(rest)

    dead.controlplane.kill()
    dead.dataplane.kill()
    rest.remove(dead)
    ring.wait_true(rest, HEALED_S)
    ping_all(rest)
    for node in rest:
        check_equal(node.counters()["unaccounted"], 0, f"{node.name}: packets unaccounted for")
        node.stop()


main("nodes_join_an_overlay", body)
