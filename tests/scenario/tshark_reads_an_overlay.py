#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every method an overlay lives by, on the wire between real nodes, as tshark decodes it with their key
logs: four nodes join, one is pinged, probed and asked for routes, a new configuration document goes
round, and one leaves. What tshark finds in the fields is what the nodes were told or say themselves
(requirements A-37 to A-49, X-18)."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from capture import Capture, tshark  # noqa: E402
from overlay_document import OverlayDocument  # noqa: E402
from ring import Ring  # noqa: E402
from scenario import check, check_equal, main, wait_for  # noqa: E402

TRUE_S = 90
PROBE, ATTACH, JOIN, LEAVE, UPDATE, ROUTE_QUERY, PING, CONFIG_UPDATE = 1, 3, 15, 17, 19, 21, 23, 33
METHODS = {"Probe": PROBE, "Attach": ATTACH, "Join": JOIN, "Leave": LEAVE, "Update": UPDATE,
           "RouteQuery": ROUTE_QUERY, "Ping": PING, "ConfigUpdate": CONFIG_UPDATE}
# Values of fields (RFC 6940 sections 6.5.1.1, 6.5.4.1, 10.7.3 and 14.10)
DTLS_SR, HOST, CONFIG, UPDATE_TYPES, LEAVE_TYPES = "3", "1", "1", {"1", "2", "3"}, {"1", "2"}


class Wire:
    """What was seen on the segment, by method."""

    def __init__(self, path, keys):
        self._frames = [frame for frame in tshark(path, keys=keys, joined=True) if frame.code]
        complaints = [frame.complaints for frame in self._frames if frame.complaints]
        check(not complaints, f"tshark complains: {complaints[:3]}")

    def bodies(self, code):
        """The bodies of all messages of a code."""
        return [frame.body for frame in self._frames if frame.code == code]

    def shown(self, code, name):
        """All values of a field, over all messages of a code."""
        return {value for body in self.bodies(code) for value in body.shown(name)}

    def nodes(self, code, name="nodeid"):
        return {value for body in self.bodies(code) for value in body.raw(name)}


def begin(world, ring):
    """Starts the nodes one by one; the log of each has the keys of its links from the first one on.
    What a link's other end was logged before, the earlier node has too."""
    logs = []
    for number, node in enumerate(ring.nodes, 1):
        if number == 1:
            ring.begin()
        else:
            node.start()
            wait_for(lambda node=node: ring.overlay_of(node) is not None, f"{node.name} to run", 30)
        logs.append(world.path(f"{node.name}.keys"))
        world.start(node.namespace, f"{node.name}.capture", node.ctl_command(
            "capture", world.path(f"{node.name}.pcapng"), "--keylog", logs[-1]))
        wait_for(lambda node=node: node.status()["capturing"], f"{node.name}'s key log", 30)
    return logs


def body(world, build):
    ring = Ring(world, build, 4)
    first, second, third, leaving = ring.nodes
    document = OverlayDocument(ring, first)
    for node in ring.nodes:
        document.give(node)
    wire = Capture(world, ring.switch, "segment", "segment")
    begun = time.monotonic()
    logs = begin(world, ring)
    ring.wait_true(ring.nodes, TRUE_S)

    check_equal(first.ping(third, count=3, rate=10, padding=100).summary["answered"], 3, "Pings")
    probed = second.ctl("probe", third.id)
    check_equal(probed["responder"], third.id, "who answered the Probe")
    point = f"{(int(third.id, 16) - 1) % 2**128:032x}"  # third is responsible for it
    way = first.ctl("route", f"resource:{point}")
    check(way["arrives"], f"the way to {point}: {way}")
    check_equal((way["hops"][0]["node"], way["hops"][-1]["node"]), (first.id, third.id), "its ends")
    second_document = document.write(2)
    first.ctl("adopt", second_document)
    wait_for(lambda: all(node.ctl("show", "config")["sequence"] == 2 for node in ring.nodes),
             "all nodes to have the second document", 30)
    check(leaving.ctl("leave")["done"], f"{leaving.name} did not leave")
    ring.wait_true(ring.nodes[:3], TRUE_S)
    elapsed = time.monotonic() - begun

    path, keys = wire.stop(), world.path("keys.log")
    check_equal(tshark(path), [], "what tshark reads without the keys")
    with open(keys, "w", encoding="ascii") as file:
        for log in logs:
            with open(log, encoding="ascii") as one:
                file.write(one.read())
    seen = Wire(path, keys)
    for name, code in METHODS.items():
        for what, number in (("request", code), ("answer", code + 1)):
            check(seen.bodies(number), f"tshark saw no {name} {what}")
    everybody = {node.id for node in ring.nodes}
    check_links(seen, ring)
    check_places(seen, everybody, leaving, elapsed)

    answers = seen.bodies(PROBE + 1)
    check(any(body.shown("uptime") == [str(probed["uptime_s"])] and
              body.numbers("responsible_set") == [probed["responsible_ppb"]] and
              body.shown("num_resources") == [str(probed["num_resources"])] for body in answers),
          f"no Probe answer with {probed}")
    # A search for a finger asks for other points.
    asked = [body.raw("opaque.data") for body in seen.bodies(ROUTE_QUERY)]
    check([point] in asked, f"no RouteQuery about {point}: {asked}")
    check(third.id in seen.nodes(ROUTE_QUERY + 1, "chordroutequeryans.nodeid"),
          f"no RouteQuery answer names {third.id}")
    check("100" in seen.shown(PING, "length.16"), "no Ping with the padding that was asked for")

    check_equal(seen.shown(CONFIG_UPDATE, "configupdatereq.type"), {CONFIG}, "ConfigUpdate types")
    for update in seen.bodies(CONFIG_UPDATE):
        check_equal(update.shown("length.24"), [str(os.path.getsize(second_document))],
                    "bytes of a document")
        check('sequence="2"' in update.shown("xml.attribute"),
              f"a document without its sequence: {update.shown('xml.attribute')}")
    for node in ring.nodes:
        check_equal(node.counters()["unaccounted"], 0, f"{node.name}: packets unaccounted for")
        node.stop()


def check_links(seen, ring):
    """Attach: where nodes can be reached, as their configuration has it."""
    addresses = {node.address for node in ring.nodes}
    for code in (ATTACH, ATTACH + 1):
        found = seen.shown(code, "ipv4addr")
        check(found and found <= addresses, f"Attach candidates at {found}, nodes at {addresses}")
        check_equal(seen.shown(code, "port"), {"6084"}, "ports of candidates")
        check_equal(seen.shown(code, "overlaylink.type"), {DTLS_SR}, "link protocols of candidates")
        check_equal(seen.shown(code, "icecandidate.type"), {HOST}, "types of candidates")
    check("passive" in seen.shown(ATTACH, "opaque.string"), "no Attach by a passive node")
    check("active" in seen.shown(ATTACH + 1, "opaque.string"), "no answer by an active node")


def check_places(seen, everybody, leaving, elapsed):
    """Join, Update and Leave: who is where in the ring."""
    joined = seen.nodes(JOIN, "joinreq.joining_peer_id")
    check(leaving.id in joined and joined < everybody, f"joined have {joined}, not all but the first")
    types = seen.shown(UPDATE, "chordupdate.type")
    check("2" in types and types <= UPDATE_TYPES, f"types of Updates: {types}")
    check_equal(seen.nodes(UPDATE), everybody, "nodes that Updates name")
    uptimes = {int(value) for value in seen.shown(UPDATE, "uptime")}
    check(max(uptimes) <= elapsed + 1, f"uptimes {uptimes}, {elapsed:.0f} s after the start")
    check_equal(seen.nodes(LEAVE, "leavereq.leaving_peer_id"), {leaving.id}, "who left")
    check(seen.shown(LEAVE, "chordleavedata.type") <= LEAVE_TYPES, "Leave of an unknown type")
    check(seen.nodes(LEAVE) <= everybody - {leaving.id}, "Leave hands over others than the peers")


main("tshark_reads_an_overlay", body, needs=("tshark", "dumpcap"))
