#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""On links without encryption somebody flips bits between two peers: every such message is dropped by
the first peer behind, and only that link is accused."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from lab import Lab  # noqa: E402
from scenario import check, main  # noqa: E402
from tampering import LabLinkWatch  # noqa: E402


def body(world, build):
    lab = Lab(world, build, "--nodes", "6", "--client-ends", "--identities", "all", protocol="lab",
              tamper=("node3", "node4"), one_in=5)
    lab.start()
    watch = LabLinkWatch(lab)
    for algorithm in ("ed25519", "ecdsa-p256", "rsa-2048"):
        lab.node("node1").ping(lab.node("node6"), count=40, rate=100, identity=algorithm)
    findings = watch.stop()
    check(findings.total > 10, f"only {findings.total} messages were tampered with")
    check(not findings.broken, "; ".join(findings.broken))
    lab.check_books()
    lab.stop()


main("tampered_message_dies_at_first_hop", body, needs=("dumpcap",))
