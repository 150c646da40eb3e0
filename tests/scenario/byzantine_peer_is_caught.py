#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""On secure links, somebody between two peers flips bits in records, and another peer cheats: it flips
bits in messages it forwards. The records die in the record layer and accuse nobody, the messages die
at the next honest peer, whose evidence names the cheating peer alone, and every request is answered
all the same (requirements C-31, E-01, X-03)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from lab import Lab  # noqa: E402
from scenario import check, check_equal, main  # noqa: E402
from tampering import messages_of_a_byzantine_peer, records_on_the_wire  # noqa: E402

COUNT = 60


def body(world, build):
    lab = Lab(world, build, "--nodes", "6", "--client-ends", "--identities", "all",
              tamper=("node2", "node3"), byzantine="node4", one_in=20)
    lab.start()
    lab.wait_for_settled_keys()
    runs = [lab.node("node1").start_ping(lab.node("node6"), count=COUNT, rate=100, identity=algorithm)
            for algorithm in ("ed25519", "ecdsa-p256", "rsa-2048")]
    for run in runs:
        check_equal(run.wait().summary["answered"], COUNT, "Pings answered")
    for what, found in (("records", records_on_the_wire(lab)),
                        ("messages", messages_of_a_byzantine_peer(lab))):
        check(found.total > 5, f"only {found.total} {what} were tampered with")
        check(not found.broken, f"{what}: " + "; ".join(found.broken))
    resent = sum(link["retransmitted"] for name in ("node2", "node3")
                 for link in lab.node(name).links().values())
    check(resent > 0, "no message was sent again on the link whose records were tampered with")
    lab.check_books()
    lab.stop()


main("byzantine_peer_is_caught", body)
