#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A link whose keys are good for a few hundred records renews them by itself, again and again under
traffic: no Ping is lost or repeated, and no number or nonce is used twice under one key (requirement
C-28, RFC 6347 section 4.2.8)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from capture import LinkCapture  # noqa: E402
from lab import Lab  # noqa: E402
from records import numbers  # noqa: E402
from scenario import check, check_equal, main  # noqa: E402

RECORDS = 300
PINGS = 800


def body(world, build):
    lab = Lab(world, build, "--nodes", "4", "--client-ends")
    source, entry, middle, sink = lab.nodes
    entry.set("links", "rekey_records", str(RECORDS))
    lab.start()
    source.ping(sink, count=3, rate=20)  # signers known
    wire = LinkCapture(lab, entry.name, middle.name)

    result = source.ping(sink, count=PINGS, rate=80)
    check_equal(result.summary["answered"], PINGS, "Pings answered")
    repeated = [line for line in result.lines if line["sends"] != 1]
    check(not repeated, f"{len(repeated)} Pings had to be sent again")

    # Each Ping is two records of the entry on this link: itself, and the ack of its answer.
    rekeys = entry.links()[middle.name]["rekeys"]
    least = 2 * PINGS // RECORDS - 2
    check(rekeys >= least, f"{rekeys} rekeys, expected at least {least}")
    found = numbers(wire.merge(), first_keys_before=True)
    check(not found.broken, "; ".join(found.broken[:5]))
    check(found.records >= 4 * PINGS, f"only {found.records} records were captured")
    for source_mac, restarts in found.restarts.items():
        check(least <= restarts <= found.handshakes,
              f"numbers from {source_mac} began again {restarts} times in {found.handshakes} handshakes")
    for node in lab.nodes:
        lost = {reason: count for reason, count in node.drops().items()
                if reason.startswith("record_") or reason in ("no_association", "seal_failed")}
        check(not lost, f"{node.name} dropped {lost}")
    lab.check_books()
    lab.stop()


main("keys_wear_out", body, needs=("dumpcap",))
