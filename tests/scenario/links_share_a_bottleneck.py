#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two links that always have something to send share a bottleneck of 10 Mbit/s about evenly, and one
link shares it with a TCP connection (requirement C-11, RFC 8085 section 3.1)."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import netns  # noqa: E402
from netns import PATIENCE  # noqa: E402
from lab import LINK_PROTOCOLS, Lab  # noqa: E402
from scenario import check, main, wait_for  # noqa: E402

SECONDS = 9
# A round trip of 10 ms and a queue of 20 ms. The jitter keeps the flows from marching in step.
# Under a sanitizer all is slower, or the nodes were the bottleneck and not the path.
PATH = {"rate": round(10_000 / PATIENCE), "queue": 25_000, "delay": 4.5, "jitter": 0.5}
MESSAGE_BYTES = 1000  # 1100 frames a second fill the bottleneck
FLOOD = round(3000 / PATIENCE)


def body_over(protocol):
    def body(world, build):
        lab = Lab(world, build, "--nodes", "4", "--topology", "full", without=("node1",),
                  bad=[("node2", "node3"), ("node2", "node4")], protocol=protocol)
        network = lab.bad_network
        tcp = tcp_ends(world, network)
        network.start()
        lab.start()
        sinks = [lab.node("node3"), lab.node("node4")]
        flood(lab, sinks, 20, 1)  # signer known, neighbours resolved
        network.stop()

        with network.running(**PATH):
            flood(lab, sinks, FLOOD, SECONDS)
            drain(lab)
        first, second = (crossed(network, number) for number in (0, 1))
        share = first / (first + second)
        print(f"two links: {share:.0%} and {1 - share:.0%} of {first + second} bytes")
        check(0.4 <= share <= 0.6, f"two links got {first} and {second} bytes across")

        with network.running(**PATH):
            server = world.start(tcp[1], "iperf3.server", ["iperf3", "--server", "--one-off"])
            client = world.start(tcp[0], "iperf3.client", [
                "iperf3", "--client", "192.0.2.2", "--time", str(SECONDS), "--congestion", "cubic",
                "--connect-timeout", "5000", "--json"])
            flood(lab, sinks[:1], FLOOD // 2, SECONDS)
            for process in (client, server):
                wait_for(lambda process=process: not process.running(), f"{process.name} to end", 20)
            drain(lab)
        with open(client.log, encoding="utf-8") as log:
            report = json.load(log)
        check("error" not in report, f"iperf3: {report.get('error')}")
        link, connection = crossed(network, 0), crossed(network, 2)
        print(f"a link and a TCP connection: {link} and {connection} bytes")
        check(link * 4 >= connection, f"TCP starves a link: {connection} to {link} bytes")
        check(connection * 4 >= link, f"a link starves TCP: {link} to {connection} bytes")
        lab.check_books()
        lab.stop()
    return body


def tcp_ends(world, network):
    """Two namespaces with kernel addresses, joined by the same path. No packets longer than the MTU:
    a bridge does not cut them."""
    ends = [world.namespace("tcp1"), world.namespace("tcp2")]
    network.join(ends[0], "tcp", ends[1], "tcp")
    for number, namespace in enumerate(ends, start=1):
        netns.run("ip", "netns", "exec", namespace, "ethtool", "-K", "tcp", "gso", "off", "gro", "off")
        world.give_address(namespace, "tcp", f"192.0.2.{number}/24")
    return ends


def flood(lab, sinks, rate, seconds):
    """Answers nobody waits for, to each sink in turn: they are verified, passed on and forgotten."""
    destinations = [text for sink in sinks for text in ("--destination", sink.id)]
    lab.lab_peer("node1", "node2", "flood", *destinations, "--code", "store_ans",
                 "--size", MESSAGE_BYTES, "--rate", rate, "--seconds", seconds, "--ping-rate", 0,
                 "--linger", 0)


def drain(lab):
    def empty():
        return all(link["queued"] == 0 and link["in_flight"] == 0
                   for name, link in lab.node("node2").links().items() if name != "node1")
    wait_for(empty, "node2's queues to drain", 15)


def crossed(network, number):
    """Bytes that crossed the bottleneck from the first end of a pair to the second."""
    counts = network.counts[number]["from_a"]
    check(counts["queue_drops"] > 0, f"pair {number} never filled the bottleneck: {counts}")
    return counts["passed_bytes"]


for each in LINK_PROTOCOLS:
    main(f"links_share_a_bottleneck ({each})", body_over(each), needs=("iperf3",))
