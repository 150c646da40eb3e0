#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of a dataplane under traffic: its control plane attaches to the next one by itself, makes new
keys with the neighbours, and traffic resumes without anybody touching the other nodes."""

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
    source.ping(sink, count=5, rate=50)
    keys = {name: link["association"] for name, link in middle.links().items()}
    pids = {p.name: p.pid for n in lab.nodes for p in (n.controlplane, n.dataplane) if n != middle}

    run = source.start_ping(sink, count=1200, rate=100)
    time.sleep(2)
    middle.dataplane.kill()
    time.sleep(2)
    middle.start_dataplane()
    middle.wait_ready()

    def resumed():
        return source.ping(sink, count=1, rate=1, lifetime_ms=1000).summary["answered"] == 1
    wait_for(resumed, "traffic to cross the restarted node", 20, every=0.2)
    result = run.wait()
    # Requests of the gap are repeated for 15 s, and the gap was shorter.
    check_equal(result.summary["answered"], 1200, "Pings answered, the interrupted ones repeated")
    after = source.ping(sink, count=100, rate=100)
    check(all(line["sends"] == 1 for line in after.lines), "Pings are lost after the restart")

    check(middle.controlplane.running(), "the control plane did not survive")
    now = {p.name: p.pid for n in lab.nodes for p in (n.controlplane, n.dataplane) if n != middle}
    check_equal(now, pids, "processes of the other nodes")
    for name, link in middle.links().items():
        check(link["state"] == "up", f"link to {name} is {link['state']}")
        check(link["association"] > keys[name], f"the keys of the link to {name} are the old ones")
    lab.check_books()
    lab.stop()


main("dataplane_killed", body)
