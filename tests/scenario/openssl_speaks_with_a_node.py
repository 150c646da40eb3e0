#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""openssl's own programs are a node's neighbours: s_client with a lower Node-ID, for which the node
waits, s_server with a higher one, which it calls. With certificates of each algorithm and each cipher
they shake hands and exchange signed Pings; with wrong certificates they hear why not (requirements
C-28, C-31, C-32)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from lab import Lab  # noqa: E402
from openssl_peer import CIPHERS, Credential, OpensslPeer, wrong_credentials  # noqa: E402
from scenario import check, check_equal, main  # noqa: E402

ALGORITHMS = ("ed25519", "ecdsa-p256", "rsa-2048")
# All nine together would take half a minute longer.
CIPHERS_OF_SERVER = dict(zip(ALGORITHMS, ([cipher] for cipher in CIPHERS)))
PINGS = 2
PING_REQUEST, PING_ANSWER = 0x17, 0x18


def body(world, build):
    lab = Lab(world, build, "--nodes", "3", openssl=("node1", "node3"))
    lab.start()
    node = lab.node("node2")
    client, server = OpensslPeer(lab, "node1", "node2"), OpensslPeer(lab, "node3", "node2")
    for algorithm in ALGORITHMS:
        for peer in (client, server):
            own = Credential(lab, f"{peer.name}-{algorithm}", lab.node(peer.name).id, algorithm)
            for cipher in CIPHERS if peer is client else CIPHERS_OF_SERVER[algorithm]:
                converse(node, peer, own, cipher)
    refuse(lab, client, client.refused_as_client)
    refuse(lab, server, server.refused_as_server)
    said, reason = client.refused_as_client(None)
    check("alert handshake failure" in said, f"without a certificate: {said}")
    check_equal(reason, "no_certificate", "why a client without certificate is refused")
    lab.check_books()
    lab.stop()


def converse(node, peer, credential, cipher):
    what = f"{peer.name}, {credential.algorithm}, {cipher}"
    if peer.name == "node1":
        counts, messages = peer.converse_as_client(credential, cipher, PINGS)
        check_equal(counts["acks"], PINGS, f"{what}: frames of ours that were acked")
        check_equal(counts["pings_answered"], PINGS, f"{what}: Pings answered by the node")
    else:
        run, counts, messages = peer.converse_as_server(credential, cipher, PINGS)
        check_equal(run.summary["answered"], PINGS, f"{what}: the node's Pings answered")
        for line in run.lines:
            check_equal(line["responder"], peer.lab.node(peer.name).id, f"{what}: who answered")
    link = node.links()[peer.name]
    check_equal(link["cipher"], cipher, f"{what}: cipher of the link")
    check_equal(link["role"], "server" if peer.name == "node1" else "client", f"{what}: role")
    codes = [message["message_contents"]["message_code"]["value"] for message in messages]
    wanted = PING_ANSWER if peer.name == "node1" else PING_REQUEST
    check_equal(codes.count(wanted), PINGS, f"{what}: messages of code {wanted:#x} among {codes}")
    for message in messages:
        check_equal(message["signature_check"]["verdict"], "valid", f"{what}: the node's signature")


def refuse(lab, peer, attempt):
    for name, credential, alert in wrong_credentials(lab, peer.name):
        said, reason = attempt(credential)
        check(alert in said, f"{peer.name}, {name} certificate: openssl says {said}")
        check(reason not in (None, "timed_out", "peer_alert"),
              f"{peer.name}, {name} certificate: the node says {reason}")


main("openssl_speaks_with_a_node", body, needs=("openssl", "ss"))
