# SPDX-License-Identifier: Apache-2.0
"""An overlay of real nodes on one network segment, who find their places by CHORD-RELOAD:

    ring = Ring(world, build, 8)
    ring.begin()                      # node1 takes the whole ring
    for node in ring.nodes[1:]:
        node.start()                  # joins by way of node1
    ring.wait_true(ring.nodes, 60)    # each node has the right neighbours
"""

import netns
from bad_network import BadNetwork
from lab import Lab
from scenario import Failed, check, wait_for

SEGMENT = "10.77.0."


class Ring(Lab):
    def __init__(self, world, build, count, conditions=None):
        """conditions: of the bad network between each node and the segment (bad_network.py)."""
        super().__init__(world, build, "--nodes", str(count))
        self._make_switch()
        if conditions:
            self.bad_network = BadNetwork(world, self.program("tests/support/bad_network"))
        for number, node in enumerate(self.nodes, 1):
            self._plug_in(node, number)
        if conditions:
            self.bad_network.start(**conditions)

    def _make_switch(self):
        self.switch = self.world.namespace("switch")
        netns.run("ip", "-n", self.switch, "link", "add", "segment", "type", "bridge")
        netns.run("ip", "-n", self.switch, "link", "set", "segment", "up")

    def _join(self, link, tamper, one_in, seed):
        """The links that `lab init` describes are not made: the overlay makes its own."""

    def _plug_in(self, node, number):
        interface, mac = f"n{number}", f"02:00:00:77:00:{number:02x}"
        join = self.bad_network.join if self.bad_network else self.world.veth
        join(node.namespace, interface, self.switch, f"to{number}", mac)
        netns.run("ip", "-n", self.switch, "link", "set", f"to{number}", "master", "segment")
        node.substitute(r"\n\[\[(peer|dataplane\.port)\]\]\n(?:.+\n)*", "")
        # Huge pages that are free when one looks are another's when one takes them.
        node.set("dataplane", "memory", '"plain"')
        # Many nodes on few cores: they look less often for packets while there are none.
        node.set("dataplane", "idle_sleep_us", "1000")
        node.set("overlay", "topology", '"chord-reload"')
        node.set("overlay", "bootstrap_nodes", f'["{SEGMENT}1:6084"]')
        node.set("overlay", "join", "false" if number == 1 else "true")
        with open(node.config, "a", encoding="utf-8") as file:
            file.write(f'\n[[dataplane.port]]\nname = "segment"\n'
                       f'device = "net_af_packet0,iface={interface},framesz=2048,blocksz=65536,'
                       f'framecnt=1024,qdisc_bypass=1"\n'
                       f'addresses = ["{SEGMENT}{number}/24"]\nmac = "{mac}"\n')
        node.address = f"{SEGMENT}{number}"

    def begin(self):
        """Starts the first node, which takes the whole ring."""
        first = self.nodes[0]
        first.start()
        wait_for(lambda: self.overlay_of(first) is not None, "the first node's control plane", 30)
        check(first.ctl("join", "--first")["done"], "the first node did not become a member")

    def overlay_of(self, node):
        """hopsealctl show overlay; None while nobody answers."""
        node.alive()
        try:
            return node.ctl("show", "overlay")
        except RuntimeError:
            return None

    def is_member(self, node):
        view = self.overlay_of(node)
        return view is not None and view["membership"] == "member"

    def misplaced(self, nodes):
        """Names of nodes that are no members, or whose nearest neighbours are not the true ones."""
        order = sorted(nodes, key=lambda node: node.id)
        wrong = []
        for index, node in enumerate(order):
            view = self.overlay_of(node)
            if view is None or view["membership"] != "member":
                wrong.append(node.name)
                continue
            if len(order) == 1:
                continue
            before, behind = order[index - 1].id, order[(index + 1) % len(order)].id
            if [row["node_id"] for row in view["predecessors"][:1]] != [before] or \
                    [row["node_id"] for row in view["successors"][:1]] != [behind]:
                wrong.append(node.name)
        return wrong

    def wait_true(self, nodes, seconds):
        try:
            wait_for(lambda: not self.misplaced(nodes), "one true ring", seconds, every=0.3)
        except Failed as failed:
            raise Failed(f"{failed}; misplaced are {', '.join(self.misplaced(nodes))}") from None
