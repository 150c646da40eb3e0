#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Eight nodes of a ring follow one configuration document (RFC 6940 sections 6.5.4 and 11.1). One is
given the next, in which another is a bad node: it reaches all that run within two seconds by
ConfigUpdate, the bad node's messages are dropped as banned, its links close, and no other link or
message suffers. A node that was away at the time is told when it joins again, and one that starts anew
has kept what it was told. What somebody else has signed is refused."""

import datetime
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from netns import PATIENCE  # noqa: E402
from overlay_document import OverlayDocument  # noqa: E402
from ring import SEGMENT, Ring  # noqa: E402
from scenario import check, check_equal, main, wait_for  # noqa: E402

NODES = 8
TRUE_S, MEMBER_S = 90, 60
TOLD_S = 2
# Of two nodes one may be told before the other; requests between them are refused then (B-43 to B-45).
OF_ANOTHER_DOCUMENT = ("Error_Config_Too_Old", "Error_Config_Too_New")


def in_force_at(node, sequence):
    """When the node says it adopted that document, in seconds; None: it has not."""
    with open(node.controlplane.log, encoding="utf-8") as log:
        for line in log:
            if f"configuration {sequence} is in force" in line:
                return datetime.datetime.fromisoformat(line.split()[0]).timestamp()
    return None


def sequence_of(ring, node):
    return ring.overlay_of(node) is not None and node.ctl("show", "config")["sequence"]


def body(world, build):
    ring = Ring(world, build, NODES)
    first, bad, away = ring.nodes[0], ring.nodes[4], ring.nodes[6]
    document = OverlayDocument(ring, first)
    for node in ring.nodes:
        document.give(node)
        node.set("overlay", "bootstrap_nodes", f'["{SEGMENT}1:6084", "{SEGMENT}2:6084"]')
    ring.begin()
    for node in ring.nodes[1:]:
        node.start()
    ring.wait_true(ring.nodes, TRUE_S)
    first.set("overlay", "join", "true")
    check(away.ctl("leave")["done"], f"{away.name} did not leave")
    check(away.stop(), f"{away.name} did not end well")
    here = [node for node in ring.nodes if node is not away]
    ring.wait_true(here, TRUE_S)
    honest = [node for node in here if node is not bad]

    try:
        first.ctl("adopt", document.write(2, [honest[1]], signer=honest[1]))
        check(False, "a document of somebody who may not sign was taken")
    except RuntimeError as refusal:
        check("not among the signers" in str(refusal), f"why it was refused: {refusal}")

    # The bad node talks on: what is on its way is dropped for what it is.
    running = [bad.start_ping(node, count=400, rate=40, lifetime_ms=2000) for node in honest]
    wait_for(lambda: all(run.answered_so_far() > 5 for run in running), "Pings of the bad node", 30)
    steady = [(a, b, a.start_ping(b, count=40, rate=10))
              for a, b in zip(honest, honest[1:] + honest[:1])]
    check_equal(first.ctl("adopt", document.write(2, [bad]))["sequence"], 2, "what is in force")
    wait_for(lambda: all(in_force_at(node, 2) for node in honest), "all nodes to be told", 30)
    times = [in_force_at(node, 2) for node in honest]
    took = max(times) - min(times)
    check(took <= TOLD_S * PATIENCE, f"it took {took:.1f} s until the last node was told")

    def no_link_to_bad():
        return all(bad.id not in (link["peer"] for link in node.links().values())
                   for node in honest)
    wait_for(no_link_to_bad, "the links of the bad node to close", 10)
    banned = {node.name: node.drops().get("banned", 0) for node in honest}
    check(sum(banned.values()) > 0, "nobody dropped a message of the bad node as banned")
    check_equal(first.ctl("show", "config")["bad_nodes"], [bad.id], "bad nodes")
    for a, b, run in steady:
        others = [line for line in run.wait().lines if line["status"] != "ok"]
        met = [line for line in others if line.get("error") in OF_ANOTHER_DOCUMENT]
        check_equal(others, met, f"Pings from {a.name} to {b.name} that were not answered meanwhile")
        check(len(met) <= 4, f"{len(met)} Pings from {a.name} to {b.name} met another document")
    ring.wait_true(honest, TRUE_S)
    for run in running:
        run.process.kill()
    print(f"told within {took * 1000:.0f} ms, messages dropped as banned: {banned}")

    away.start()
    wait_for(lambda: ring.is_member(away) and sequence_of(ring, away) == 2,
             f"{away.name} to join with the document it had missed", MEMBER_S)
    # Whoever starts anew has kept it, and lets the bad node in no more than before.
    anew = honest[2]
    check(anew.ctl("leave")["done"] and anew.stop(), f"{anew.name} did not end well")
    anew.start()
    wait_for(lambda: ring.is_member(anew), f"{anew.name} to be a member again", MEMBER_S)
    check_equal(sequence_of(ring, anew), 2, f"what {anew.name} finds in its file")
    ring.wait_true(honest + [away], TRUE_S)
    check(no_link_to_bad(), "a link to the bad node came back")
    for node in honest + [away]:
        check_equal(node.counters()["unaccounted"], 0, f"{node.name}: packets unaccounted for")
        check_equal(node.evidence(), {}, f"whom {node.name} accuses")
    for node in ring.nodes:
        node.stop()


main("bad_node_is_banned", body)
