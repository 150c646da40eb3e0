#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of a dataplane and then of its control plane under traffic, with the wire of a secure link
on record: the link comes back with the keys of a new handshake, or goes on with those it has, and no
number or nonce is ever used twice under one key (requirements C-28, C-33)."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from capture import LinkCapture  # noqa: E402
from lab import Lab  # noqa: E402
from netns import PATIENCE  # noqa: E402
from records import numbers  # noqa: E402
from scenario import check, check_equal, main, wait_for  # noqa: E402


def body(world, build):
    lab = Lab(world, build, "--nodes", "4", "--client-ends")
    for node in lab.nodes:
        # What is interrupted is repeated for five of these: as long as a process may take to be back.
        node.set("overlay", "reliability_timer_ms", str(round(3000 * PATIENCE)))
    lab.start()
    source, entry, middle, sink = lab.nodes
    source.ping(sink, count=3, rate=20)  # signers known
    wire = LinkCapture(lab, entry.name, middle.name)

    run = source.start_ping(sink, count=1000, rate=50)
    time.sleep(1)
    first = keys(middle)
    middle.dataplane.kill()
    time.sleep(0.5)
    middle.start_dataplane()
    middle.wait_ready()

    def resumed():
        return source.ping(sink, count=1, rate=1, lifetime_ms=1000).summary["answered"] == 1
    wait_for(resumed, "traffic to cross the new dataplane", 20, every=0.2)
    second = keys(middle)
    for name, association in second.items():
        check(association > first[name], f"keys of the link to {name} are those of a dead process")

    middle.controlplane.kill()
    wait_for(lambda: middle.status()["headless"], "status to say headless", 5)
    alone = source.ping(sink, count=50, rate=50)
    check_equal(alone.summary["answered"], 50, "Pings answered without a control plane")
    middle.start_controlplane()
    middle.wait_ready()
    time.sleep(1.5)  # by then a control plane that missed its keys would have begun handshakes
    check_equal(keys(middle), second, "keys after the control plane came back")

    result = run.wait()
    check_equal(result.summary["answered"], 1000, "Pings answered, the interrupted ones repeated")
    found = numbers(wire.merge(), first_keys_before=True)
    check(not found.broken, "; ".join(found.broken[:5]))
    check(found.records > 2000, f"only {found.records} records were captured")
    check(found.handshakes >= 1, "the capture holds no handshake")
    check_equal(sorted(found.restarts.values()), [1, 1], "times the record numbers began again")
    lab.check_books()
    lab.stop()


def keys(node):
    return {name: link["association"] for name, link in node.links().items()}


main("keys_die_with_processes", body, needs=("dumpcap",))
