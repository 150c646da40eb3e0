# SPDX-License-Identifier: Apache-2.0
"""What must be true of a laboratory with a tamperer in it. The demo and a scenario ask the same."""

import time
from dataclasses import dataclass, field

from capture import Capture, contents_of, fingerprint, messages
from scenario import Failed, wait_for


@dataclass
class Findings:
    tampered: int = 0            # messages the tamperer changed
    tampered_requests: int = 0   # from left to right
    tampered_answers: int = 0
    passed: int = 0              # messages the tamperer could have changed
    dropped: dict = field(default_factory=dict)   # node -> bad_signature drops
    accused: dict = field(default_factory=dict)   # node -> {neighbour: count}
    delivered: int = 0           # changed messages seen behind the first peer
    watched: int = 0             # messages looked at behind the first peers
    broken: list = field(default_factory=list)    # sentences; empty when all is well


class Watch:
    """Captures the links behind the first peers on both sides of the tamperer, from now on."""

    def __init__(self, lab):
        self.lab = lab
        left, right = lab.tamperer.left.name, lab.tamperer.right.name
        names = [node.name for node in lab.nodes]
        before, after = names[names.index(left) - 1], names[names.index(right) + 1]
        self._captures = [
            Capture(lab.world, lab.node(b).namespace, lab.port(b, a)["interface"], f"behind-{a}")
            for a, b in ((right, after), (left, before))]

    def stop(self):
        lab, left, right = self.lab, self.lab.tamperer.left, self.lab.tamperer.right
        statistics, log = lab.tamperer.stop()
        found = Findings()
        found.tampered_requests = statistics["from_a"]["tampered"]
        found.tampered_answers = statistics["from_b"]["tampered"]
        found.tampered = found.tampered_requests + found.tampered_answers
        found.passed = statistics["from_a"]["messages"] + statistics["from_b"]["messages"]

        expected = {node.name: 0 for node in lab.running_nodes}
        expected[right.name], expected[left.name] = found.tampered_requests, found.tampered_answers

        def counted():
            found.dropped = {n.name: n.drops().get("bad_signature", 0) for n in lab.running_nodes}
            return found.dropped == expected
        try:
            wait_for(counted, "every tampered message to be dropped", 5)
        except Failed:
            found.broken.append(f"bad_signature drops are {found.dropped}, expected {expected}")

        time.sleep(0.5)  # evidence is sent at most every 100 ms
        found.accused = {node.name: node.evidence() for node in lab.running_nodes}
        wanted = {node.name: {} for node in lab.running_nodes}
        if found.tampered_requests:
            wanted[right.name] = {left.name: found.tampered_requests}
        if found.tampered_answers:
            wanted[left.name] = {right.name: found.tampered_answers}
        if found.accused != wanted:
            found.broken.append(f"evidence is {found.accused}, expected {wanted}")

        changed = {line["transaction"]: set() for line in log}
        for line in log:
            changed[line["transaction"]].add(line["contents"])
        for capture in self._captures:
            for _source, message in messages(capture.stop()):
                found.watched += 1
                transaction, contents = contents_of(message)
                if transaction in changed and f"{fingerprint(contents):016x}" in changed[transaction]:
                    found.delivered += 1
        if found.delivered:
            found.broken.append(f"{found.delivered} tampered messages were passed on")
        if found.watched == 0:
            found.broken.append("no message was seen behind the first peers")
        return found
