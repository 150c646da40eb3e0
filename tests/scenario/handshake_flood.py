#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""20 000 ClientHellos a second from forged addresses, one in four a configured peer's, half with a
made-up cookie: the memory of both processes of the node stays what it was, traffic on its other link
goes on, that link gets new keys meanwhile, and afterwards the flooded one does, too (RFC 6347 section
4.2.1, RFC 6940 section 13.5.2)."""

import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from lab import Lab  # noqa: E402
from memory import MIB, private_bytes  # noqa: E402
from scenario import check, check_equal, main, wait_for  # noqa: E402

RATE, SECONDS = 20000, 20
PINGS, PING_RATE = 700, 40  # nearly as long as the flood
FLAT = 4 * int(os.environ.get("HOPSEAL_BYTES_PER_BYTE", "1"))  # MiB


def body(world, build):
    lab = Lab(world, build, "--nodes", "4", "--client-ends")
    lab.start()
    neighbour, victim, behind, _sink = lab.nodes
    neighbour.ping(victim, count=20, rate=20)
    processes = {"dataplane": victim.dataplane, "control plane": victim.controlplane}
    before = {name: private_bytes(process) for name, process in processes.items()}
    drops, links = victim.drops(), victim.links()

    run = neighbour.start_ping(victim, count=PINGS, rate=PING_RATE)
    flood = start_flood(lab, behind, victim)
    most = dict(before)
    renewed = []
    while flood.running():
        time.sleep(1)
        for name, process in processes.items():
            most[name] = max(most[name], private_bytes(process))
        if not renewed and flood.running():
            renewed = victim.ctl("rekey", neighbour.name)["links"]
            check(all(link["renewed"] for link in renewed), f"rekey under the flood says {renewed}")
    sent = json.loads(flood.tail(1))
    check(sent["sent"] > 0.2 * RATE * SECONDS, f"only {sent} could be sent")
    check(renewed, "the flood was over before keys could be renewed under it")
    result = run.wait()
    check_equal(result.summary["answered"], PINGS, "Pings answered over the other link")
    repeated = [line for line in result.lines if line["sends"] != 1]
    check(not repeated, f"{len(repeated)} Pings had to be sent again")

    for name, process in processes.items():
        for when, now in (("during", most[name]), ("after", private_bytes(process))):
            grown = (now - before[name]) / MIB
            check(grown < FLAT, f"the {name} grew by {grown:.1f} MiB {when} it")
    refused = {reason: count - drops.get(reason, 0) for reason, count in victim.drops().items()
               if count != drops.get(reason, 0)}
    check(set(refused) <= {"handshake_rate", "handshake_ring_full", "ethernet_not_for_us"},
          f"refused as {refused}")
    check(refused.get("handshake_rate", 0) > 0, f"no handshake was refused for its rate: {refused}")
    counts = victim.metrics()
    for counter in ("unknown_source", "hello_verify_requests", "bad_cookies"):
        check(counts[f"hopseal_handshake_{counter}_total"] > 0, f"{counter} counts nothing")
    half_open = counts["hopseal_handshakes_half_open"]
    check(half_open <= 2, f"{half_open} handshakes are half open")
    check_equal(victim.links()[behind.name]["association"], links[behind.name]["association"],
                "keys of the flooded link")

    def renews():
        try:
            return all(link["renewed"] for link in victim.ctl("rekey", behind.name)["links"])
        except RuntimeError:
            return False
    wait_for(renews, "new keys for the link that was flooded", 20)
    lab.check_books()
    lab.stop()


def start_flood(lab, behind, victim):
    """On the link to a peer, from the peer's own end of it: whatever the network lets pass comes."""
    port = lab.port(behind.name, victim.name)
    return lab.world.start(behind.namespace, "flood", [
        lab.program("tests/support/hello_flood"), "--interface", port["interface"],
        "--from-mac", port["mac"], "--to-mac", lab.port(victim.name, behind.name)["mac"],
        "--to", lab.endpoint(victim.name, behind.name), "--peer", lab.endpoint(behind.name, victim.name),
        "--rate", str(RATE), "--seconds", str(SECONDS)])


main("handshake_flood", body)
