#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""openssl's own programs are a node's neighbours on TLS links: s_client connects to it, s_server is
called by it. In TLS 1.2 and 1.3 and with certificates of each algorithm they exchange signed Pings
and acks; with wrong certificates they hear why not (requirements C-23, C-31, C-32)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from lab import Lab  # noqa: E402
from openssl_peer import Credential, TlsPeer, wrong_credentials  # noqa: E402
from scenario import check, check_equal, main, wait_for  # noqa: E402

ALGORITHMS = ("ed25519", "ecdsa-p256", "rsa-2048")
VERSIONS = ("1_2", "1_3")
PINGS = 2
PING_REQUEST, PING_ANSWER = 0x17, 0x18


def body(world, build):
    lab = Lab(world, build, "--nodes", "3", openssl=("node1", "node3"))
    node = lab.node("node2")
    client = TlsPeer(lab, "node1", "node2", "127.0.0.1:7001")
    server = TlsPeer(lab, "node3", "node2", "127.0.0.1:7003")
    for peer in (client, server):
        node.speak_tls_with(peer.name, peer.local, listen=peer.remote)
    lab.start()
    for algorithm in ALGORITHMS:
        for peer in (client, server):
            own = Credential(lab, f"{peer.name}-{algorithm}", lab.node(peer.name).id, algorithm)
            for peer.version in VERSIONS:
                converse(node, peer, own)
    for client.version in VERSIONS:
        refuse(lab, client, client.refused_as_client)
    refuse(lab, server, server.refused_as_server)
    for client.version, alert in zip(VERSIONS, ("handshake failure", "certificate required")):
        said, _reason = client.refused_as_client(None)
        check(f"alert {alert}" in said, f"TLS {client.version} without a certificate: {said}")
    wait_for(lambda: "showed no certificate" in node.controlplane.tail(5), "the node's log to say so")
    lab.check_books()
    lab.stop()


def converse(node, peer, credential):
    what = f"{peer.name}, TLS {peer.version}, {credential.algorithm}"
    peer.wait_until_down()
    if peer.name == "node1":
        counts, messages = peer.converse_as_client(credential, pings=PINGS)
        check_equal(counts["acks"], PINGS, f"{what}: frames of ours that were acked")
        check_equal(counts["pings_answered"], PINGS, f"{what}: Pings answered by the node")
    else:
        run, counts, messages = peer.converse_as_server(credential, pings=PINGS)
        check_equal(run.summary["answered"], PINGS, f"{what}: the node's Pings answered")
        for line in run.lines:
            check_equal(line["responder"], peer.lab.node(peer.name).id, f"{what}: who answered")
    codes = [message["message_contents"]["message_code"]["value"] for message in messages]
    wanted = PING_ANSWER if peer.name == "node1" else PING_REQUEST
    check_equal(codes.count(wanted), PINGS, f"{what}: messages of code {wanted:#x} among {codes}")
    for message in messages:
        check_equal(message["signature_check"]["verdict"], "valid", f"{what}: the node's signature")
    session = f"TLSv{peer.version.replace('_', '.')} "
    check(f"is up as TLS {'server' if peer.name == 'node1' else 'client'} with {session}"
          in node.controlplane.tail(30), f"{what}: the node's log names no {session}")


def refuse(lab, peer, attempt):
    for name, credential, alert in wrong_credentials(lab, peer.name):
        peer.wait_until_down()
        said, _reason = attempt(credential)
        check(alert in said,
              f"{peer.name}, TLS {peer.version}, {name} certificate: openssl says {said}")


main("openssl_speaks_tls_with_a_node", body, needs=("openssl", "ss"))
