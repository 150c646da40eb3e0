#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pings signed with each algorithm cross four peers and come back; tshark says what stood on each
link (requirements A-22, B-17, B-21, B-23, B-28, B-32, X-18)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from capture import PING_ANSWER, PING_REQUEST, LinkCapture  # noqa: E402
from lab import Lab  # noqa: E402
from scenario import check, check_equal, main  # noqa: E402

# (hash, signature) of TLS's SignatureAndHashAlgorithm; Ed25519 as in RFC 8422 section 5.1.3.
SCHEMES = {"ed25519": (8, 7), "ecdsa-p256": (4, 3), "rsa-2048": (4, 1)}
INITIAL_TTL = 100
PINGS = 5


def body(world, build):
    lab = Lab(world, build, "--nodes", "6", "--client-ends", "--identities", "all", protocol="lab")
    path = [f"node{i}" for i in range(1, 7)]
    lab.start()
    captures = [LinkCapture(lab, a, b) for a, b in zip(path, path[1:])]

    source, sink = lab.node(path[0]), lab.node(path[-1])
    pings = {}
    for algorithm in SCHEMES:
        for line in source.ping(sink, count=PINGS, rate=50, identity=algorithm).lines:
            check_equal(line["status"], "ok", f"Ping signed with {algorithm}")
            check_equal(line["responder"], sink.id, "who answered")
            pings[line["transaction_id"]] = algorithm
    check_equal(len(pings), PINGS * len(SCHEMES), "Pings answered")

    links = [capture.stop() for capture in captures]
    for k, frames in enumerate(links):
        for frame in frames:
            check(not frame.complaints, f"tshark on link {k}: {frame.complaints}")
        check(any(frame.ack for frame in frames), f"no acks on link {k}")
    for transaction, algorithm in pings.items():
        check_request(lab, path, links, transaction, SCHEMES[algorithm])
        check_answer(lab, path, links, transaction)
    lab.check_books()
    lab.stop()


def only(frames, transaction, code, source, where):
    """The frame of a message on a link, sent by source; its repetitions must be the same."""
    found = [f for f in frames
             if f.transaction == transaction and f.code == code and f.source == source]
    check(found, f"transaction {transaction}, code {code:#x}, is not on {where}")
    return found[0]


def check_request(lab, path, links, transaction, scheme):
    via = []
    for k, frames in enumerate(links):
        here = f"{path[k]} -> {path[k + 1]}"
        frame = only(frames, transaction, PING_REQUEST, lab.port(path[k], path[k + 1])["mac"], here)
        check_equal(frame.ttl, INITIAL_TTL - k, f"{here}: TTL of the request")
        check_equal(frame.destination, [lab.node(path[-1]).id], f"{here}: Destination List")
        check_equal(len(frame.via), k, f"{here}: entries on the Via List")
        check_equal(frame.via[:len(via)], via, f"{here}: Via List as it was one link before")
        for entry in frame.via:
            check(len(entry) == 4 and int(entry, 16) & 0x8000,
                  f"{here}: {entry} is no compact opaque ID")
        check_equal(frame.scheme, scheme, f"{here}: signature algorithm")
        check_equal(frame.identity_type, 1, f"{here}: SignerIdentity is cert_hash")
        via = frame.via


def check_answer(lab, path, links, transaction):
    for k in reversed(range(len(links))):
        here = f"{path[k + 1]} -> {path[k]}"
        request = only(links[k], transaction, PING_REQUEST,
                       lab.port(path[k], path[k + 1])["mac"], here)
        frame = only(links[k], transaction, PING_ANSWER,
                     lab.port(path[k + 1], path[k])["mac"], here)
        check_equal(frame.ttl, INITIAL_TTL - (len(links) - 1 - k), f"{here}: TTL of the answer")
        # The node at the other end, then the way back that is still to go (decision 0006).
        check_equal(frame.destination, [lab.node(path[k]).id] + request.via[::-1],
                    f"{here}: Destination List of the answer")
        check_equal(frame.via, [], f"{here}: Via List of the answer")
        check_equal(frame.scheme, SCHEMES["ed25519"], f"{here}: algorithm of the answer")


main("messages_cross_nodes", body, needs=("tshark", "dumpcap"))
