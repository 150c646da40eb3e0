# SPDX-License-Identifier: Apache-2.0
"""An overlay that anybody can join who has a user name: an enrollment server, and nodes that begin
with nothing but its URL and a bootstrap node's address.

    overlay = OpenOverlay(world, build)   # CA, document, server
    first = overlay.newcomer()            # enrolls; a Node, not started
    overlay.begin()                       # the first one takes the ring
    overlay.newcomer().start()            # joins by itself

Each node has two interfaces: one for its dataplane, on the overlay's segment, and one with a kernel
address, by which hopsealctl reaches the server."""

import json
import os
import time

import netns
from lab import CTL, Node
from netns import PATIENCE
from ring import SEGMENT, Ring
from scenario import Failed

ENROLL = "controlplane/enroll/hopseal-enroll"
NAME = "overlay.example.org"
OFFICE = "10.78.0."
SERVER = f"{OFFICE}254:8443"
PASSWORD = "correct horse battery"


class OpenOverlay(Ring):
    def __init__(self, world, build):  # pylint: disable=super-init-not-called
        self.world, self.build, self.overlay = world, build, NAME
        self.nodes, self.ping_runs = [], 0
        self.byzantine = self.tamperer = self.bad_network = None
        self._make_switch()
        netns.run("ip", "-n", self.switch, "link", "add", "office", "type", "bridge")
        world.give_address(self.switch, "office", f"{OFFICE}254/24")
        netns.run("ip", "-n", self.switch, "link", "set", "office", "up")
        self.directory = world.path("overlay")
        netns.run(self.program(CTL), "overlay", "init", self.directory, "--overlay", NAME,
                  "--bootstrap-node", f"{SEGMENT}1", "--enrollment-server", f"https://{SERVER}/enroll")
        self._start_server()

    def file(self, name):
        return os.path.join(self.directory, name)

    def _start_server(self):
        netns.run("openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt",
                  "ec_paramgen_curve:P-256", "-days", "30", "-subj", f"/CN={NAME}", "-keyout",
                  self.file("tls-key.pem"), "-out", self.file("tls.pem"), "-addext",
                  f"subjectAltName=DNS:{NAME},IP:{OFFICE}254")
        os.chmod(self.file("tls-key.pem"), 0o600)
        self._write("password", PASSWORD + "\n")
        os.chmod(self.file("password"), 0o600)
        self._write("enroll.toml", f'''[authority]
overlay = "{NAME}"
certificate = "ca.pem"
key = "ca-key.pem"
[store]
url = "sqlite:enroll.db"
[server]
listen = "{SERVER}"
certificate = "tls.pem"
key = "tls-key.pem"
configuration_document = "overlay.relo"
admin_socket = "{self.file('enroll.sock')}"
''')
        self.server = self.world.start(self.switch, "enroll",
                                       [self.program(ENROLL), "serve", "--config",
                                        self.file("enroll.toml")])

    def _write(self, name, text):
        with open(self.file(name), "w", encoding="utf-8") as file:
            file.write(text)

    def newcomer(self):
        """A user and a node that enrolls in that user's name."""
        number = len(self.nodes) + 1
        name = f"node{number}"
        user = f"user{number}@{NAME}"
        netns.run(self.program(ENROLL), "--config", self.file("enroll.toml"), "user", "add", user,
                  "--password-file", self.file("password"))
        described = {"name": name, "node_id": None, "config": self.world.path(name, "node.toml"),
                     "runtime_directory": self.world.path(name, "run"), "ports": [], "role": "peer"}
        node = Node(self, described)
        self.world.veth(node.namespace, "office", self.switch, f"desk{number}")
        netns.run("ip", "-n", self.switch, "link", "set", f"desk{number}", "master", "office")
        self.world.give_address(node.namespace, "office", f"{OFFICE}{number}/24")
        said = self._enroll(node, user)
        node.id = node.described["node_id"] = said["node-ids"][0]
        os.makedirs(node.runtime_directory)
        with open(node.config, "w", encoding="utf-8") as file:
            file.write(f'[node]\nname = "{name}"\nruntime_directory = "{node.runtime_directory}"\n\n'
                       f'{said["node.toml"]}\n[dataplane]\nservice_port = 6084\nworkers = 1\n'
                       'poll = "adaptive"\n')
        self._plug_in(node, number)
        node.set("admission", "signer_hold_ms", str(round(1000 * PATIENCE)))
        node.set("admission", "queue_age_ms", str(round(2000 * PATIENCE)))
        self.nodes.append(node)
        return node

    def _enroll(self, node, user):
        """The server's bridge port, and the server itself, may need a moment."""
        directory = os.path.dirname(node.config)
        deadline = time.monotonic() + 20 * PATIENCE
        while True:
            status, out, err = self.world.run_in(
                node.namespace, self.program(CTL), "--json", "enroll", NAME, "--url",
                f"https://{SERVER}/.well-known/reload-config", "--ca", self.file("tls.pem"), "--user",
                user, "--password-file", self.file("password"), "--out", directory)
            if status == 0:
                return json.loads(out)
            if time.monotonic() > deadline or self.server.popen.poll() is not None:
                raise Failed(f"{node.name} could not enroll: {err.strip()}; {self.server.tail(3)}")
            time.sleep(0.2)
