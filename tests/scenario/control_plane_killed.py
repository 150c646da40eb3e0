#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of a control plane under traffic: its dataplane loses nothing, says that it is headless and
for how long, and is told everything again when a control plane comes back, which takes over the keys
of its links as they are."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from lab import Lab  # noqa: E402
from scenario import check, check_equal, main, wait_for  # noqa: E402


def body(world, build):
    lab = Lab(world, build, "--nodes", "5", "--client-ends")
    lab.start()
    source, middle, sink = lab.node("node1"), lab.node("node3"), lab.node("node5")
    source.ping(sink, count=5, rate=50)  # every signer is known everywhere from here on
    before = middle.status()
    keys = {name: link["association"] for name, link in middle.links().items()}
    drops_before = middle.drops()
    forwarded_before = middle.counters()["forwarded"]

    run = source.start_ping(sink, count=1000, rate=200)
    time.sleep(1)
    middle.controlplane.kill()
    wait_for(lambda: middle.status()["headless"], "status to say headless", 5)
    time.sleep(1)
    age = middle.status()["headless_seconds"]
    check(0.5 < age < 10, f"headless for {age} s, expected about 1")
    result = run.wait()
    check_equal(result.summary["answered"], 1000, "Pings answered")
    repeated = [line for line in result.lines if line["sends"] != 1]
    check(not repeated, f"{len(repeated)} Pings had to be sent again")
    check_equal(middle.drops(), drops_before, "drops while headless")
    check_equal(middle.counters()["forwarded"] - forwarded_before, 2000,
                "messages forwarded with no control plane for most of the time")

    middle.start_controlplane()
    middle.wait_ready()
    wait_for(lambda: middle.status()["resyncs"] > before["resyncs"], "a resync after the restart")
    time.sleep(1.5)  # by then a control plane that missed its keys would have begun handshakes
    for name, link in middle.links().items():
        check(link["state"] == "up", f"link to {name} is {link['state']} after the restart")
        check_equal(link["association"], keys[name], f"keys of the link to {name}")
    answer = source.ping(middle, count=3, rate=20)
    check_equal(answer.summary["answered"], 3, "Pings answered by the node itself")
    lab.check_books()
    lab.stop()


main("control_plane_killed", body)
