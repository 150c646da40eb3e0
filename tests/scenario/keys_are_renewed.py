#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Secure links get new keys under traffic and lose nothing; what was captured on the wire meanwhile
reads with the key log, by tshark, and only with it (requirements C-28, C-31, C-32)."""

import os
import stat
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from capture import PING_ANSWER, PING_REQUEST, LinkCapture, tshark  # noqa: E402
from lab import Lab  # noqa: E402
from scenario import check, check_equal, main, wait_for  # noqa: E402

PINGS = 600


def body(world, build):
    lab = Lab(world, build, "--nodes", "4", "--client-ends")
    lab.start()
    source, entry, exit_, sink = lab.nodes
    for node in lab.nodes:
        for name, link in node.links().items():
            check_equal(link["protocol"], "dtls", f"protocol of the link to {name}")
            check_equal(link["epoch"], 1, f"epoch of the link to {name}")
            check(link["role"] in ("client", "server"), f"role is {link['role']}")
    source.ping(sink, count=3, rate=20)  # signers known

    wire = LinkCapture(lab, entry.name, exit_.name)
    log, captured = world.path("keys.log"), world.path("entry.pcapng")
    capture = world.start(entry.namespace, "entry.capture",
                          entry.ctl_command("capture", captured, "--keylog", log))
    wait_for(lambda: entry.status()["capturing"], "the capture to begin")
    run = source.start_ping(sink, count=PINGS, rate=100)
    time.sleep(1)
    for _ in range(3):
        before = {name: link["association"] for name, link in entry.links().items()}
        renewed = entry.ctl("rekey")["links"]
        check(all(link["renewed"] for link in renewed), f"rekey says {renewed}")
        for name, link in entry.links().items():
            check(link["association"] > before[name], f"keys of the link to {name} are the old ones")
    one = entry.ctl("rekey", exit_.name)["links"]
    check_equal([link["name"] for link in one], [exit_.name], "links asked for new keys")
    result = run.wait()
    check_equal(result.summary["answered"], PINGS, "Pings answered")
    repeated = [line for line in result.lines if line["sends"] != 1]
    check(not repeated, f"{len(repeated)} Pings had to be sent again")
    for node in lab.nodes:
        drops = {reason: count for reason, count in node.drops().items()
                 if reason.startswith("record_") or reason == "no_association"}
        check(not drops, f"{node.name} dropped {drops}")
    links = entry.links()
    check_equal(links[exit_.name]["rekeys"], 4, "rekeys counted")

    path = wire.merge()
    capture.stop()
    check_equal(stat.S_IMODE(os.stat(log).st_mode), 0o600, "mode of the key log")
    check(not tshark(path), "tshark reads the link without the keys")
    opened = tshark(path, keys=log)
    codes = {frame.code for frame in opened}
    check({PING_REQUEST, PING_ANSWER} <= codes, f"with the keys tshark sees only {codes}")
    complaints = [frame.complaints for frame in opened if frame.complaints]
    check(not complaints, f"tshark complains: {complaints[:3]}")
    lab.check_books()
    lab.stop()


main("keys_are_renewed", body, needs=("tshark", "dumpcap"))
