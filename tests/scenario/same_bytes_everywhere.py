#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same messages through two nodes give the same bytes in the same order, whatever the number of
workers, the IP version and the kind of port. net_ring is compared with net_pcap in
tests/dataplane/node_ports_test.cc, because a ring does not leave its process."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from lab import Lab  # noqa: E402
from scenario import Failed, check, check_equal, main, wait_for  # noqa: E402

MESSAGES = 300
IDENTITIES = 4
VARIANTS = [  # workers, IP version, kind of port
    (1, 4, "net_af_packet"),
    (2, 4, "net_af_packet"),
    (1, 6, "net_af_packet"),
    (2, 6, "net_af_packet"),
    (1, 4, "net_pcap"),
    (2, 6, "net_pcap"),
]


def body(world, build):
    lab = Lab(world, build, "--nodes", "4", "--client-ends", "--identities", "all",
              without=("node1", "node4"))
    messages, first = world.path("messages.hex"), world.path("first.hex")
    for file, count, seed in ((messages, MESSAGES, 7), (first, IDENTITIES, 8)):
        lab.lab_peer("node1", "node2", "generate", "--messages", file, "--count", count,
                     "--padding", 250, "--seed", seed, "--destination", lab.node("node4").id,
                     identities=IDENTITIES)
    original = {node.name: open(node.config, encoding="utf-8").read() for node in lab.running_nodes}
    expected = None
    for variant in VARIANTS:
        for node in lab.running_nodes:
            with open(node.config, "w", encoding="utf-8") as config:
                config.write(original[node.name])
            configure(lab, node, *variant)
        received = send_through(lab, world, first, messages)
        if expected is None:
            check_equal(len(received), MESSAGES, "messages that came through")
            expected = received
            sent = open(messages, encoding="utf-8").read().split()
            # What was signed left as it came; the header in front of it grew by two Via entries.
            for before, after in zip(sent, expected):
                check(len(after) == len(before) + 2 * 2 * 18, "a message grew by two Node-IDs")
                check_equal(after[-400:], before[-400:], "the end of a message")
        check(received == expected, f"{variant}: {difference(received, expected)}")


def configure(lab, node, workers, family, kind):
    # Opaque IDs carry random generations; Node-IDs are the same each time.
    node.set("overlay", "full_via_entries", "true")
    node.set("dataplane", "workers", str(workers))
    lab.family = family
    if family == 6:
        ports = [port for n in lab.nodes for port in n.ports.values()]
        to6 = {p["address4"].split("/")[0]: p["address6"].split("/")[0] for p in ports}
        node.substitute(r'address = "([\d.]+):(\d+)"',
                        lambda found: f'address = "[{to6[found[1]]}]:{found[2]}"')
    if kind == "net_pcap":
        # rx_iface_in, or the port would receive what it sends.
        node.substitute(r"net_af_packet(\d+),iface=([^,\"]+)[^\"]*",
                        r"net_pcap\1,rx_iface_in=\2,tx_iface=\2")


def send_through(lab, world, first, messages):
    """The messages as the far end got them, first copies only, in order."""
    record = world.path("received.hex")
    if os.path.exists(record):
        os.unlink(record)
    for node in lab.running_nodes:
        node.start()
    for node in lab.running_nodes:
        node.wait_ready()
    listener = lab.lab_peer("node4", "node3", "listen", "--seconds", 60, "--record", record,
                            start="node4.listen")
    wait_for(lambda: os.path.exists(record), "the far end to listen")
    # Until now nobody answered node3 for that address, and it asks less and less often.
    wait_for(lambda: lab.node("node3").links()["node4"]["state"] != "resolving",
             "node3 to know the far end's MAC address")

    def signers_known():
        # lab_peer does not repeat a message whose signer was checked too late.
        lab.lab_peer("node1", "node2", "replay", "--messages", first, "--rate", 20, "--linger", 0.2)
        return all(node.status()["signers"] > IDENTITIES for node in lab.running_nodes)
    wait_for(signers_known, "all signers to be known", 20)
    with open(messages, encoding="utf-8") as file:
        wanted = {line[40:56] for line in file}  # transaction IDs

    def arrived():
        with open(record, encoding="utf-8") as file:
            return list(dict.fromkeys(line for line in file.read().split() if line[40:56] in wanted))
    report = lab.lab_peer("node1", "node2", "replay", "--messages", messages, "--rate", 300,
                          "--linger", 0.5)
    try:
        wait_for(lambda: len(arrived()) >= MESSAGES,
                 f"{MESSAGES} messages to come through", 10)
    except Failed as failed:
        raise Failed(f"{failed}: {len(arrived())} came, {report['frames_acked']} were acked, drops "
                     f"{ {node.name: node.drops() for node in lab.running_nodes} }, links "
                     f"{ {node.name: node.links() for node in lab.running_nodes} }") from None
    finally:
        listener.stop()
    lab.check_books()
    lab.stop()
    for node in lab.running_nodes:
        node.forget()
    return arrived()


def difference(received, expected):
    for i, (a, b) in enumerate(zip(received, expected)):
        if a != b:
            where = next((k for k, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            return f"message {i} differs from byte {where // 2} on"
    return f"{len(received)} messages instead of {len(expected)}"


main("same_bytes_everywhere", body)
