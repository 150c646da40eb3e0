#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""At a round trip of 1 ms without loss a link carries 50 times as many messages as the stop-and-wait
sender of RFC 6940 section 6.6.3.1, which waits for each ack and then 10 ms (requirements C-11, C-12,
C-20)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from lab import LINK_PROTOCOLS, Lab  # noqa: E402
from netns import PATIENCE  # noqa: E402
from scenario import check, check_equal, main, wait_for  # noqa: E402

ROUND_TRIP_MS = 1
OFFERED = 10000  # messages a second
SECONDS = 2
FACTOR = 50


def body_over(protocol):
    def body(world, build):
        # node1 floods over a plain link, node4 stops and waits over the same path as the link to node3.
        lab = Lab(world, build, "--nodes", "4", "--topology", "full", without=("node1", "node4"),
                  protocol=protocol, bad=[("node2", "node3"), ("node2", "node4")])
        middle, sink = lab.node("node2"), lab.node("node3")
        bulk = ("--destination", sink.id, "--code", "store_ans", "--size", 100)
        with lab.bad_network.running(delay=ROUND_TRIP_MS / 2):
            lab.start()
            slow = lab.lab_peer("node4", "node2", "stop-and-wait", *bulk, "--seconds", 2)
            check(slow["frames_acked"] > 0, f"stop-and-wait got no ack: {slow}")
            lab.lab_peer("node1", "node2", "flood", *bulk, "--rate", OFFERED, "--seconds",
                         SECONDS * PATIENCE, "--ping-rate", 0, "--linger", 0, "--sign-first")
            wait_for(lambda: middle.links()["node3"]["in_flight"] == 0, "the link to be idle", 5)
            link = middle.links()["node3"]
            check_equal(link["lost"], 0, "messages given up without loss")
            lab.check_books()
            lab.stop()
        # Over a quarter of a second, the busiest: a machine with other work has better and worse ones.
        stop_and_wait = slow["frames_acked"] / 2
        windowed = lab.bad_network.counts[0]["from_a"]["busiest"] * 4
        print(f"stop-and-wait {stop_and_wait:.0f}/s, a link {windowed}/s, "
              f"{windowed / stop_and_wait:.0f} times as many; srtt {link['srtt_us']} us, "
              f"window {link['cwnd']}")
        check(windowed >= FACTOR * stop_and_wait / PATIENCE,
              f"stop-and-wait {stop_and_wait:.0f}/s, a link only {windowed}/s")
    return body


for each in LINK_PROTOCOLS:
    main(f"links_outrun_stop_and_wait ({each})", body_over(each))
