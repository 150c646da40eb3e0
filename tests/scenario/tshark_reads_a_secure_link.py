#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What tshark reads on a secure link with the key log of one node: the same messages, byte for byte in
the same places, as hopsealctl decode finds in the records it opened, and those the Pings were. Without
the key log it reads nothing (requirements C-28, X-18)."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import netns  # noqa: E402
from capture import PING_ANSWER, PING_REQUEST, LinkCapture, opened_frames, tshark  # noqa: E402
from lab import Lab  # noqa: E402
from scenario import check, check_equal, main, wait_for  # noqa: E402

PINGS = 40


def body(world, build):
    lab = Lab(world, build, "--nodes", "4", "--client-ends")
    lab.start()
    source, entry, exit_, sink = lab.nodes
    source.ping(sink, count=3, rate=20)  # signers known
    wire = LinkCapture(lab, entry.name, exit_.name)
    log = world.path("keys.log")
    capture = world.start(entry.namespace, "entry.capture",
                          entry.ctl_command("capture", world.path("entry.pcapng"), "--keylog", log))
    wait_for(lambda: entry.status()["capturing"], "the capture to begin")
    renewed = entry.ctl("rekey")["links"]
    check(all(link["renewed"] for link in renewed), f"rekey says {renewed}")
    pings = {line["transaction_id"] for line in source.ping(sink, count=PINGS, rate=40).lines
             if line["status"] == "ok"}
    check_equal(len(pings), PINGS, "Pings answered")
    path = wire.merge()
    capture.stop()

    check_equal(tshark(path), [], "what tshark reads without the keys")
    frames = [frame for frame in tshark(path, keys=log) if not frame.ack]
    check(all(not frame.complaints for frame in frames), "tshark complains")
    for code in (PING_REQUEST, PING_ANSWER):
        check(pings <= {frame.transaction for frame in frames if frame.code == code},
              f"messages of code {code:#x} are missing on the link")

    # tshark opens the records, hopsealctl reads what was in them.
    hex_file = world.path("opened.hex")
    with open(hex_file, "w", encoding="ascii") as file:
        file.write("\n".join(opened_frames(path, log)))
    decoded = netns.run(lab.program("controlplane/ctl/hopsealctl"), "decode", hex_file)
    ours = [json.loads(line) for line in decoded.splitlines()]
    ours = [message for message in ours if "forwarding_header" in message]
    check_equal(sorted(map(as_decoded, ours)), sorted(map(as_seen, frames)), "messages on the link")
    lab.check_books()
    lab.stop()


def as_decoded(message):
    header = message["forwarding_header"]
    return (header["transaction_id"].removeprefix("0x"), header["ttl"],
            message["message_contents"]["message_code"]["value"], header["via_list_length"],
            header["destination_list_length"])


def as_seen(frame):
    return (frame.transaction, frame.ttl, frame.code, frame.via_bytes, frame.destination_bytes)


main("tshark_reads_a_secure_link", body, needs=("tshark", "dumpcap"))
