#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A TLS link between two nodes is a link like the others: messages pass it in both directions, longer
ones in fragments, and are checked at each hop. It goes down with either process of either node and
comes back by itself (requirements C-23, C-24)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from lab import Lab  # noqa: E402
from scenario import check, check_equal, main, wait_for  # noqa: E402


def body(world, build):
    lab = Lab(world, build, "--nodes", "3", "--client-ends")
    first, middle, last = lab.nodes
    # The kernels' own way from one to the other, beside those of the dataplanes.
    world.veth(first.namespace, "tls0", middle.namespace, "tls0", None, None)
    world.give_address(first.namespace, "tls0", "198.51.100.1/24")
    world.give_address(middle.namespace, "tls0", "198.51.100.2/24")
    first.speak_tls_with(middle.name, "198.51.100.2", listen="198.51.100.1")
    middle.speak_tls_with(first.name, "198.51.100.1", listen="198.51.100.2")
    lab.start()
    wait_until_up(first, middle)

    for source, sink in ((first, last), (last, first)):
        check_equal(source.ping(sink, count=200, rate=200).summary["answered"], 200,
                    f"Pings of {source.name} answered by {sink.name}")
    check_equal(first.ping(last, count=20, rate=50, padding=3000).summary["answered"], 20,
                "Pings with 3000 bytes answered")
    link = middle.links()[first.name]
    check_equal(link["protocol"], "tls", "protocol of the link")
    check(link["cipher"].startswith("TLSv1.3 "), f"the link's cipher is {link['cipher']}")
    check(link["srtt_us"] > 0, "no round trip was measured")
    check(middle.counters()["verified"] >= 800, f"checked at the middle: {middle.counters()}")
    metrics = middle.metrics()
    check_equal(metrics["hopseal_tls_connections"], 1, "connections of the middle node")
    check(metrics["hopseal_stream_messages_in_total"] >= 400, f"metrics: {metrics}")

    for what in ("controlplane", "dataplane"):
        before = first.links()[middle.name]["association"]
        getattr(middle, what).kill()
        wait_for(lambda: first.links()[middle.name]["state"] == "down",
                 f"the link to go down with the {what} of its other end", 20)
        check(not first.ping(middle, count=1, rate=1, lifetime_ms=1000).summary["answered"],
              "a node without its processes answered")
        getattr(middle, f"start_{what}")()
        middle.wait_ready()
        wait_until_up(first, middle)
        check(first.links()[middle.name]["association"] != before, "the same connection")
        check_equal(first.ping(last, count=50, rate=100).summary["answered"], 50,
                    f"Pings answered after the {what} came back")
    lab.check_books()
    lab.stop()


def wait_until_up(*ends):
    for node, peer in (ends, reversed(ends)):
        wait_for(lambda node=node, peer=peer: node.links()[peer.name]["state"] == "up",
                 f"the TLS link of {node.name} to be up", 20)


main("tls_links_carry_messages", body)
