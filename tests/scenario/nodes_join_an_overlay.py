#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nodes that know nothing but the address of a bootstrap node become one ring (RFC 6940 sections 10.5
and 11.4), every pair reaches each other; then one leaves in good order, one dies, and those that are
left are one ring again and reach each other. A client is in nobody's tables and reached all the same,
also after the peer is lost that it was attached to (section 4.2.1)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from ring import Ring  # noqa: E402
from scenario import check, check_equal, main, wait_for  # noqa: E402

NODES = 5
JOINED_S = 60
HEALED_S = 90  # the liveness Ping, its retransmissions, Updates


def is_client(ring, node):
    view = ring.overlay_of(node)
    return view is not None and view["membership"] == "client"


def ping_all(nodes):
    runs = [(a, b, a.start_ping(b, count=3, rate=10))
            for a in nodes for b in nodes if a is not b]
    for a, b, run in runs:
        check_equal(run.wait().summary["answered"], 3, f"Pings from {a.name} to {b.name} answered")


def body(world, build):
    ring = Ring(world, build, NODES + 1)
    peers, client = ring.nodes[:NODES], ring.nodes[NODES]
    client.set("node", "role", '"client"')
    ring.begin()
    for node in ring.nodes[1:]:
        node.start()
    ring.wait_true(peers, JOINED_S)
    wait_for(lambda: is_client(ring, client), "the client to be one", JOINED_S)
    ping_all(ring.nodes)

    # The one that dies is the one that the client is reached through: the next one above it.
    above = sorted(peers, key=lambda peer: (int(peer.id, 16) - int(client.id, 16)) % 2**128)
    dead = next(peer for peer in above if peer is not ring.nodes[0])
    gone = next(peer for peer in reversed(above) if peer not in (dead, ring.nodes[0]))
    check(gone.ctl("drain")["drained"], f"{gone.name} did not leave")
    check(gone.stop(), f"{gone.name} did not end well")
    rest = [node for node in peers if node is not gone]
    ring.wait_true(rest, JOINED_S)
    ping_all(rest + [client])

    dead.controlplane.kill()
    dead.dataplane.kill()
    rest.remove(dead)
    ring.wait_true(rest, HEALED_S)
    wait_for(lambda: is_client(ring, client), "the client to have another peer", HEALED_S)
    ping_all(rest + [client])
    check(client.ctl("leave")["done"], "the client did not leave")
    for node in rest + [client]:
        check_equal(node.counters()["unaccounted"], 0, f"{node.name}: packets unaccounted for")
        node.stop()


main("nodes_join_an_overlay", body)
