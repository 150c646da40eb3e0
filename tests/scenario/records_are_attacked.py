#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Somebody on the path of a secure link replays records, holds them back beyond the window, shortens
them and changes their epoch, number, nonce, version, type, payload and tag. Each is refused and
counted under its reason on that link and no other, nobody is accused, no real record suffers from a
forged one in front of it, and every Ping is answered (requirement C-33, RFC 6347 section 4.1.2)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from lab import Lab  # noqa: E402
from scenario import Failed, check, check_equal, main, wait_for  # noqa: E402

PINGS = 1000
REASONS = {  # as record_attacks.h calls them; None: goes up to the control plane, which ignores it
    "replay": "record_replayed", "replay_late": "record_replayed", "delay": "record_replayed",
    "epoch": "record_epoch", "nonce": "record_forged", "sequence": "record_forged",
    "payload": "record_forged", "tag": "record_forged", "shorten": "record_forged",
    "cut": "record_malformed", "version": "record_malformed", "type": None,
}


def body(world, build):
    lab = Lab(world, build, "--nodes", "4", "--client-ends", tamper=("node2", "node3"), one_in=7,
              attack_records=True)
    for node in lab.nodes:
        # Room for all records that pretend to be alerts.
        node.set("links", "handshake_rate", "{ per_second = 1000, burst = 1000 }")
    lab.start()
    source, left, right, sink = lab.nodes
    before = {node.name: node.links() for node in lab.nodes}
    result = source.ping(sink, count=PINGS, rate=80)
    check_equal(result.summary["answered"], PINGS, "Pings answered")

    # While there is a wire: a neighbour that is late on a busy machine is asked for its address again.
    for node in lab.nodes:
        wait_for(lambda node=node: all(link["state"] == "up" for link in node.links().values()),
                 f"all links of {node.name} to be up", 10)
    statistics, _log = lab.tamperer.stop()
    for node, attacks in ((right, statistics["from_a"]["attacks"]),
                          (left, statistics["from_b"]["attacks"])):
        check_equal(sorted(attacks), sorted(REASONS), "attacks")
        for attack, count in attacks.items():
            check(count > 0, f"the attacker never came to {attack} towards {node.name}")
        refused(node, attacks, lab.tamperer.left if node is right else lab.tamperer.right)
    for node in (source, sink):
        check_equal(record_drops(node), {}, f"records refused by {node.name}, which nobody attacked")
    for node in lab.nodes:
        check_equal(node.evidence(), {}, f"whom {node.name} accuses")
        for name, link in node.links().items():
            check_equal(link["association"], before[node.name][name]["association"],
                        f"{node.name}: keys of the link to {name}")
    lab.check_books()
    lab.stop()


def record_drops(node):
    return {reason: count for reason, count in node.drops().items() if reason.startswith("record_")}


def refused(node, attacks, neighbour):
    expected = {}
    for attack, count in attacks.items():
        if REASONS[attack] is not None:
            expected[REASONS[attack]] = expected.get(REASONS[attack], 0) + count
    try:
        wait_for(lambda: record_drops(node) == expected, "all attacks to be refused", 5)
    except Failed:
        raise Failed(f"{node.name} dropped {record_drops(node)}, expected {expected} "
                     f"for {attacks}") from None
    # Beside the alerts that are none, only what this link's own handshake left over can be there.
    unexpected = node.metrics()["hopseal_handshake_unexpected_total"]
    check(unexpected >= attacks["type"], f"the control plane of {node.name} ignored {unexpected} "
          f"datagrams, and {attacks['type']} pretended to be alerts")
    for name, link in node.links().items():
        attacked = name == neighbour.name
        check_equal(link["replays"], expected["record_replayed"] if attacked else 0,
                    f"{node.name}: replays on the link to {name}")
        check_equal(link["bad_records"], expected["record_forged"] if attacked else 0,
                    f"{node.name}: bad records on the link to {name}")


main("records_are_attacked", body)
