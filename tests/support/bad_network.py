# SPDX-License-Identifier: Apache-2.0
"""bad_network between veths: several pairs of ends, one path with faults between them.

    network = BadNetwork(world, program)
    network.join(namespace_a, "n1-n2", namespace_b, "n2-n1")
    with network.running(loss=5, delay=25):
        ...
"""

import contextlib
import json

from scenario import check


class BadNetwork:
    def __init__(self, world, program):
        self.world, self.program = world, program
        self.namespace = world.namespace("badnetwork")
        self.pairs = []
        self.runs = 0
        self.process = None
        self.counts = None  # of the run that ended last

    def join(self, namespace_a, interface_a, namespace_b, interface_b, mac_a=None, mac_b=None):
        """Two interfaces, made here, with the path between them. Gives the pair's number."""
        number = len(self.pairs)
        a, b = f"a{number}", f"b{number}"
        self.world.veth(namespace_a, interface_a, self.namespace, a, mac_a, None)
        self.world.veth(self.namespace, b, namespace_b, interface_b, None, mac_b)
        self.pairs.append(f"{a}:{b}")
        return number

    def start(self, **conditions):
        """conditions are bad_network's options: loss=5, delay=25, rate=10000, queue=30000 ..."""
        check(self.process is None, "the bad network runs already")
        self.runs += 1
        arguments = [text for pair in self.pairs for text in ("--pair", pair)]
        for name, value in conditions.items():
            arguments += [f"--{name}", str(value)]
        self.process = self.world.start(self.namespace, f"badnetwork{self.runs}", [
            self.program, *arguments, "--stats", self.world.path("badnetwork.json")])

    def stop(self):
        """Ends it; what is on its way is gone. Gives the counts of each pair."""
        check(self.process.running(), f"the bad network ended: {self.process.tail()}")
        self.process.stop()
        self.process = None
        with open(self.world.path("badnetwork.json"), encoding="utf-8") as file:
            self.counts = json.load(file)["pairs"]
        for pair in self.counts:
            for way in ("from_a", "from_b"):
                check(pair[way]["socket_drops"] == 0 and pair[way]["send_errors"] == 0,
                      f"the bad network was worse than asked for: {pair}")
        return self.counts

    @contextlib.contextmanager
    def running(self, **conditions):
        self.start(**conditions)
        yield self
        self.stop()

    def total(self, what):
        """Of all pairs and both directions of the last run."""
        return sum(pair[way][what] for pair in self.counts for way in ("from_a", "from_b"))
