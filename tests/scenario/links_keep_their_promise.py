#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pings over two links of a network that loses, delays, reorders, repeats and cuts short: hop by hop
retransmission gets them through (requirements C-10, C-14, C-16, C-17; RFC 6298)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from lab import LINK_PROTOCOLS, Lab  # noqa: E402
from scenario import check, check_equal, main, wait_for  # noqa: E402

MTU = 1280
MIN_RTO_US, MAX_RTO_US = 200_000, 60_000_000

# (what, conditions, Pings, Pings a second, bytes of padding, share that must be answered)
#
# With a loss of 20 % in each direction 36 % of the acks are missing, and a sender that shares its
# path with others slows down to some tens of messages a second; so there are fewer of them. One
# message in 3000 loses all five transmissions, and what waits behind a silent link may grow too old.
# What is lost then goes out again end to end after 3 s (F-03); the share leaves room for bad luck in
# that as well.
CASES = [
    ("a clean network", {}, 150, 100, 0, 1),
    ("a loss of 1 %", {"loss": 1}, 200, 100, 0, 1),
    ("a loss of 5 %", {"loss": 5}, 150, 50, 0, 1),
    ("a loss of 20 %", {"loss": 20}, 60, 15, 0, 0.95),
    ("delays of 50 +- 20 ms", {"delay": 50, "jitter": 20}, 150, 75, 0, 1),
    ("a quarter overtaking", {"delay": 10, "reorder": 25}, 150, 75, 0, 1),
    ("a tenth coming twice", {"duplicate": 10, "delay": 5}, 150, 75, 0, 1),
    ("messages longer than the MTU", {"loss": 1}, 75, 50, 2500, 1),
]


def check_rto(lab, what, round_trip_ms):
    for node in lab.running_nodes:
        for name, link in node.links().items():
            where = f"{what}: {node.name}'s link to {name}"
            srtt, rttvar, rto = link["srtt_us"], link["rttvar_us"], link["rto_us"]
            check(MIN_RTO_US <= rto <= MAX_RTO_US and rto % 1000 == 0, f"{where}: RTO {rto} us")
            exact = srtt + max(4 * rttvar, 1000)  # RFC 6298 formula 2.3
            check(rto >= exact - 4000, f"{where}: RTO {rto} us, srtt {srtt}, rttvar {rttvar}")
            check(rto <= max(MIN_RTO_US, exact + 5000),
                  f"{where}: RTO {rto} us, srtt {srtt}, rttvar {rttvar}")
            check(srtt >= round_trip_ms * 1000, f"{where}: srtt {srtt} us")


def over(protocol):
    def body(world, build):
        lab = Lab(world, build, "--nodes", "3", "--client-ends", protocol=protocol,
                  bad=[("node1", "node2"), ("node2", "node3")])
        for node in lab.nodes:
            node.substitute(r'(?m)^(mac = .*)$', rf"\1\nmtu = {MTU}")
        source, sink = lab.node("node1"), lab.node("node3")
        network = lab.bad_network
        network.start(mtu=MTU)
        lab.start()
        source.ping(sink, count=5, rate=10)  # signers known, neighbours resolved
        network.stop()

        for number, (what, conditions, pings, rate, padding, share) in enumerate(CASES):
            with network.running(mtu=MTU, seed=number, **conditions):
                run = source.ping(sink, count=pings, rate=rate, padding=padding)
                round_trip_ms = (conditions.get("delay", 0) - conditions.get("jitter", 0)) * 2
                if "reorder" not in conditions:
                    check_rto(lab, what, round_trip_ms)
                idle(lab, what)
            answered = run.summary["answered"]
            again = sum(link["retransmitted"] for node in lab.nodes for link in node.links().values())
            print(f"{what}: {answered} of {pings} answered, {again} sent again on the links so far, "
                  f"{run.summary['p99_us'] / 1000:.0f} ms p99")
            check(answered >= pings * share, f"{what}: {answered} of {pings} Pings were answered")
            check_equal(network.total("too_big"), 0, f"{what}: packets longer than the MTU")
            if "loss" in conditions:
                check(network.total("lost") > 0, f"{what}: nothing was lost")
        lab.check_books()
        network.start(mtu=MTU)
        lab.stop()
        network.stop()
    return body


def idle(lab, what):
    """Nothing is in flight or waits: no timer is lost, no message for ever."""
    def quiet():
        return all(link["in_flight"] == 0 and link["queued"] == 0 and link["state"] == "up"
                   for node in lab.running_nodes for link in node.links().values())
    wait_for(quiet, f"all links to be up and idle after {what}", 20)


for each in LINK_PROTOCOLS:
    main(f"links_keep_their_promise ({each})", over(each))
