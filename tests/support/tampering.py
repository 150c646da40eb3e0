# SPDX-License-Identifier: Apache-2.0
"""What must be true of a laboratory in which somebody tampers. The demo and scenarios ask the same."""

import time
from dataclasses import dataclass, field

from capture import Capture, contents_of, fingerprint, messages
from scenario import Failed, wait_for


@dataclass
class Findings:
    tampered: dict = field(default_factory=dict)  # node -> changed messages or records sent to it
    dropped: dict = field(default_factory=dict)   # node -> drops of the reason that fits
    accused: dict = field(default_factory=dict)   # node -> {neighbour: count}, accusers only
    delivered: int = 0           # changed messages seen behind the first peer
    broken: list = field(default_factory=list)    # sentences; empty when all is well

    @property
    def total(self):
        return sum(self.tampered.values())

    def expect_drops(self, lab, reason):
        """Every changed message or record is dropped for the reason by the node it went to."""
        expected = {node.name: self.tampered.get(node.name, 0) for node in lab.running_nodes}

        def counted():
            self.dropped = {n.name: n.drops().get(reason, 0) for n in lab.running_nodes}
            return self.dropped == expected
        try:
            wait_for(counted, "everything tampered with to be dropped", 5)
        except Failed:
            self.broken.append(f"{reason} drops are {self.dropped}, expected {expected}")

    def expect_evidence(self, lab, wanted):
        """wanted: node -> {neighbour: count}; nobody else accuses anybody."""
        time.sleep(0.5)  # evidence is sent at most every 100 ms
        accused = {node.name: node.evidence() for node in lab.running_nodes}
        self.accused = {node: names for node, names in accused.items() if names}
        if self.accused != wanted:
            self.broken.append(f"evidence is {self.accused}, expected {wanted}")


def records_on_the_wire(lab):
    """Somebody on the path changes records of a secure link: the next node's record layer drops each
    one, and nobody is accused, for anybody on the path could have done it."""
    left, right = lab.tamperer.left.name, lab.tamperer.right.name
    statistics, _log = lab.tamperer.stop()
    found = Findings({right: statistics["from_a"]["tampered"], left: statistics["from_b"]["tampered"]})
    found.expect_drops(lab, "record_forged")
    return found


def messages_of_a_byzantine_peer(lab):
    """A peer changes messages it forwards: the next honest node drops each one, and the evidence names
    the link to that peer and no other."""
    byzantine = lab.byzantine.node.name
    found = Findings(lab.byzantine.tampered())
    found.expect_drops(lab, "bad_signature")
    found.expect_evidence(lab, {node: {byzantine: count} for node, count in found.tampered.items()
                                if count})
    return found


class LabLinkWatch:
    """On links without encryption somebody on the path changes messages. Captures the links behind the
    first peers on both sides of the tamperer, from now on."""

    def __init__(self, lab):
        self.lab = lab
        left, right = lab.tamperer.left.name, lab.tamperer.right.name
        names = [node.name for node in lab.nodes]
        before, after = names[names.index(left) - 1], names[names.index(right) + 1]
        self._captures = [
            Capture(lab.world, lab.node(b).namespace, lab.port(b, a)["interface"], f"behind-{a}")
            for a, b in ((right, after), (left, before))]

    def stop(self):
        """Every changed message is dropped by the first peer, which accuses the link it came on."""
        lab, left, right = self.lab, self.lab.tamperer.left.name, self.lab.tamperer.right.name
        statistics, log = lab.tamperer.stop()
        found = Findings({right: statistics["from_a"]["tampered"],
                          left: statistics["from_b"]["tampered"]})
        found.expect_drops(lab, "bad_signature")
        found.expect_evidence(lab, {node: {neighbour: found.tampered[node]}
                                    for node, neighbour in ((right, left), (left, right))
                                    if found.tampered[node]})
        changed = {line["transaction"]: set() for line in log}
        for line in log:
            changed[line["transaction"]].add(line["contents"])
        watched = 0
        for capture in self._captures:
            for _source, message in messages(capture.stop()):
                watched += 1
                transaction, contents = contents_of(message)
                if transaction in changed and f"{fingerprint(contents):016x}" in changed[transaction]:
                    found.delivered += 1
        if found.delivered:
            found.broken.append(f"{found.delivered} tampered messages were passed on")
        if watched == 0:
            found.broken.append("no message was seen behind the first peers")
        return found
