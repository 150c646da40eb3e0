# SPDX-License-Identifier: Apache-2.0
"""A laboratory of real nodes in namespaces: what `hopsealctl lab init` describes, brought to life.

    lab = Lab(world, build, "--nodes", "6", "--client-ends", tamper=("node3", "node4"))
    lab = Lab(world, build, "--nodes", "3", bad=[("node1", "node2"), ("node2", "node3")])
    lab.start()
    lab.node("node1").ping(lab.node("node6"), count=10)
"""

import json
import os
import re
import socket
import subprocess

import netns
from bad_network import BadNetwork
from netns import PATIENCE
from scenario import Failed, check, wait_for


DATAPLANE = "dataplane/hopseal-dataplane"
BYZANTINE = "tests/support/byzantine_dataplane"
CONTROLPLANE = "controlplane/hopseal-controlplane"
CTL = "controlplane/ctl/hopsealctl"


# What a scenario about links runs over. The nodes' configuration says which.
LINK_PROTOCOLS = ("dtls", "lab")


class PingRun:
    """A hopsealctl ping, running or ended: its lines and, at the end, its summary."""

    def __init__(self, process, patience_s):
        self.process, self.patience_s = process, patience_s
        self.lines, self.summary = [], None

    def answered_so_far(self):
        with open(self.process.log, encoding="utf-8") as log:
            return sum('"status":"ok"' in line for line in log)

    def wait(self):
        try:
            self.process.popen.wait(self.patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed(f"{self.process.name} did not end: {self.process.tail(3)}") from None
        with open(self.process.log, encoding="utf-8") as log:
            for line in log:
                if not line.startswith("{"):
                    raise Failed(f"{self.process.name}: {line.strip()}")
                document = json.loads(line)
                if document.get("summary"):
                    self.summary = document
                else:
                    self.lines.append(document)
        if self.summary is None:
            raise Failed(f"{self.process.name} ended without a summary: {self.process.tail(3)}")
        return self


class Node:
    """One node: its two processes, its files, and hopsealctl pointed at it."""

    def __init__(self, lab, described):
        self.lab, self.described = lab, described
        self.name = described["name"]
        self.id = described["node_id"]
        self.config = described["config"]
        self.runtime_directory = described["runtime_directory"]
        self.ports = {port["peer"]: port for port in described["ports"]}
        self.is_peer = described["role"] == "peer"
        self.namespace = lab.world.namespace(self.name)
        self.dataplane = self.controlplane = None

    # Configuration, before the start.

    def set(self, section, key, value):
        """Sets a key in node.toml; value is TOML text. [[tables]] are out of its reach."""
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        line = f"{key} = {value}"
        head = re.search(rf"^\[{re.escape(section)}\]\n", text, re.M)
        if head is None:
            text += f"\n[{section}]\n{line}\n"
        else:
            end = re.compile(r"^\[", re.M).search(text, head.end())
            end = end.start() if end else len(text)
            block, count = re.subn(rf"^{re.escape(key)} *=.*$", line, text[head.end():end], flags=re.M)
            text = text[:head.end()] + (block if count else f"{line}\n{block}") + text[end:]
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text)

    def speak_lab_with(self, peer):
        """The link to a peer goes without encryption: a test program will speak on it."""
        self.set("overlay", "lab_links", "true")
        self.substitute(rf'(\[\[peer\]\]\nname = "{peer}"\n(?:.+\n)*?)protocol = "dtls"',
                        r'\1protocol = "lab"')

    def speak_tls_with(self, peer, address, listen=None):
        """The link to a peer goes by the kernel's TCP: to an address, or from one to ours."""
        self.substitute(rf'(\[\[peer\]\]\nname = "{peer}"\n(?:.+\n)*?)address = .+\nport = .+\nprotocol = .+',
                        rf'\1address = "{address}"\nprotocol = "tls"')
        if listen is not None:
            self.set("links", "tls_listen", json.dumps([listen]))

    def substitute(self, pattern, replacement):
        """For what set() cannot reach."""
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(re.sub(pattern, replacement, text))

    # Processes.

    def start_dataplane(self, *arguments):
        program, environment = DATAPLANE, None
        if self.lab.byzantine is not None and self.lab.byzantine.node is self:
            program, environment = BYZANTINE, self.lab.byzantine.environment
        self.dataplane = self.lab.world.start(
            self.namespace, f"{self.name}.dataplane",
            [self.lab.program(program), "--config", self.config, *arguments], environment)

    def start_controlplane(self):
        self.controlplane = self.lab.world.start(
            self.namespace, f"{self.name}.controlplane",
            [self.lab.program(CONTROLPLANE), "--config", self.config])

    def start(self):
        self.start_dataplane()
        self.start_controlplane()

    def stop(self):
        """Both in order. True when both went at once and said they went well."""
        statuses = [p.stop() for p in (self.controlplane, self.dataplane) if p is not None]
        return all(status == 0 for status in statuses)

    def forget(self):
        """Removes what a stopped node keeps: the next start is a first one."""
        for name in os.listdir(self.runtime_directory):
            os.unlink(os.path.join(self.runtime_directory, name))

    def wait_ready(self, seconds=20.0):
        """The dataplane runs, has been told all its links, has a control plane, and keys for the
        links it can have keys for: those to nodes that run."""
        def ready():
            for process in (self.dataplane, self.controlplane):
                if process is not None and not process.running():
                    raise Failed(f"{process.name} ended: {process.tail()}")
            try:
                status = self.status()
            except RuntimeError:
                return False
            return status["dataplane_running"] and not status["headless"] \
                and status["links"] == len(self.ports) and status["resyncs"] > 0 \
                and all(link["association"] for name, link in self.links().items()
                        if link["protocol"] == "dtls" and name not in self.lab.openssl)
        wait_for(ready, f"{self.name} to be ready", seconds)

    # hopsealctl.

    def ctl_command(self, *arguments):
        return [self.lab.program(CTL), "--config", self.config, "--json", *arguments]

    def ctl(self, *arguments, timeout=60):
        """hopsealctl --json in the node's namespace; the document it prints."""
        status, out, err = self.lab.world.run_in(
            self.namespace, *self.ctl_command(*arguments), timeout=timeout)
        if status != 0:
            raise RuntimeError(f"hopsealctl {' '.join(arguments)} on {self.name}: {err or out}")
        return json.loads(out)

    def status(self):
        return self.ctl("show", "status")

    def links(self):
        """Neighbour's name -> what the link is doing."""
        return {link["name"]: link for link in self.ctl("show", "links")["links"]}

    def counters(self):
        """Counters of all lcores together."""
        total = {}
        for lcore in self.ctl("show", "lcores", "--all")["lcores"]:
            for name, value in lcore["counters"].items():
                total[name] = total.get(name, 0) + value
        return total

    def drops(self):
        """Reason -> packets, without the zeros."""
        return {drop["reason"]: drop["count"] for drop in self.ctl("show", "drops")["drops"]
                if drop["count"]}

    def evidence(self):
        """Accused neighbour's name -> messages with a bad signature. Forged records accuse nobody."""
        accused = {}
        for entry in self.ctl("show", "evidence")["evidence"]:
            if not entry["accuses"]:
                continue
            name = entry["name"] if entry["reason"] == "bad_signature" else \
                f"{entry['name']} ({entry['reason']})"
            accused[name] = accused.get(name, 0) + entry["count"]
        return accused

    def metrics(self):
        """The control plane's metrics without labels, by name."""
        with socket.socket(socket.AF_UNIX) as api:
            api.settimeout(10 * PATIENCE)
            api.connect(os.path.join(self.runtime_directory, "control.sock"))
            api.sendall(b"GET /metrics HTTP/1.0\r\nHost: node\r\nConnection: close\r\n\r\n")
            with api.makefile("r", encoding="utf-8") as answer:
                pairs = (line.split() for line in answer if line.startswith("hopseal_"))
                return {pair[0]: float(pair[1]) for pair in pairs if "{" not in pair[0]}

    def cycles_per_message(self):
        """TSC cycles of all turns that did work, for each message that came to parse. Includes acks,
        and the time in which the kernel let somebody else run."""
        stages = {stage["stage"]: stage for stage in self.ctl("show", "stages", "--all")["stages"]}
        messages = stages["parse"]["packets"]
        return round(self.counters()["busy_cycles"] / messages) if messages else 0

    def start_ping(self, to, count, rate, identity=None, lifetime_ms=None, padding=0):
        """Starts Pings to a node, or to a Destination List; a PingRun."""
        destination = to.id if isinstance(to, Node) else ",".join(node.id for node in to)
        arguments = ["ping", destination, "--count", str(count), "--rate", str(rate)]
        if identity is not None:
            arguments += ["--identity", identity]
        if padding:
            arguments += ["--padding", str(padding)]
        if lifetime_ms is not None:
            arguments += ["--timeout", str(lifetime_ms / 1000)]
        self.lab.ping_runs += 1
        process = self.lab.world.start(
            self.namespace, f"{self.name}.ping{self.lab.ping_runs}", self.ctl_command(*arguments))
        return PingRun(process, patience_s=count / rate + (lifetime_ms or 20000) / 1000 + 15)

    def ping(self, to, count, rate, identity=None, lifetime_ms=None, padding=0):
        """The same, waiting for the end."""
        return self.start_ping(to, count, rate, identity, lifetime_ms, padding).wait()

    def alive(self):
        """Fails when a process of this node has ended."""
        for process in (self.dataplane, self.controlplane):
            if process is not None:
                check(process.running(), f"{process.name} ended: {process.tail()}")


class Lab:
    def __init__(self, world, build, *arguments, tamper=None, byzantine=None, one_in=100, seed=7,
                 without=(), bad=(), protocol="dtls", openssl=(), attack_records=False):
        """arguments go to `hopsealctl lab init`. tamper: two neighbours to put a tamperer between.
        byzantine: a node that cheats in one of one_in messages it forwards.
        without: nodes whose place a test program takes; they get a namespace and no processes, and
        their links have no encryption.
        bad: pairs of neighbours with a bad network between them, the same for all; the caller
        starts it before the nodes. protocol: of the links.
        openssl: nodes whose place openssl takes: as without, but their links stay as they are.
        attack_records: the tamperer flips no bits, but takes records through all attacks of
        record_attacks.h."""
        check(protocol in LINK_PROTOCOLS, f"no such link protocol: {protocol}")
        self.world, self.build = world, build
        directory = world.path("lab")
        netns.run(self.program(CTL), "lab", "init", directory, "--protocol", protocol, *arguments)
        with open(os.path.join(directory, "lab.json"), encoding="utf-8") as file:
            self.described = json.load(file)
        self.directory = directory
        self.overlay = self.described["overlay"]
        self.family = self.described["address_family"]
        self.nodes = [Node(self, node) for node in self.described["nodes"]]
        self._by_name = {node.name: node for node in self.nodes}
        self.running_nodes = [node for node in self.nodes
                              if node.name not in without and node.name not in openssl]
        self.openssl = openssl
        self.attack_records = attack_records
        for node in self.nodes:
            # The defaults are for machines that do nothing else meanwhile.
            node.set("admission", "signer_hold_ms", str(round(1000 * PATIENCE)))
            node.set("admission", "queue_age_ms", str(round(2000 * PATIENCE)))
            if protocol == "dtls":
                for peer in without:
                    if peer in node.ports:
                        node.speak_lab_with(peer)
        self.byzantine = None
        if byzantine is not None:
            self.byzantine = Byzantine(world, self.node(byzantine), one_in)
        self.tamperer = self.bad_network = None
        self.ping_runs = 0
        bad = [set(pair) for pair in bad]
        if bad:
            self.bad_network = BadNetwork(world, self.program("tests/support/bad_network"))
        for link in self.described["links"]:
            if {link["a"], link["b"]} in bad:
                self._join_badly(link)
            else:
                self._join(link, tamper, one_in, seed)

    def program(self, path):
        full = os.path.join(self.build, path)
        if not os.path.exists(full):
            raise RuntimeError(f"{full} is not built: ninja -C {self.build}")
        return full

    def node(self, name):
        return self._by_name[name]

    def port(self, name, peer):
        return self.node(name).ports[peer]

    def _join(self, link, tamper, one_in, seed):
        a, b = self.node(link["a"]), self.node(link["b"])
        mac_a, mac_b = self.port(a.name, b.name)["mac"], self.port(b.name, a.name)["mac"]
        if tamper is None or {a.name, b.name} != set(tamper):
            self.world.veth(a.namespace, link["interface_a"], b.namespace, link["interface_b"],
                            mac_a, mac_b)
            return
        middle = self.world.namespace("tamperer")
        self.world.veth(a.namespace, link["interface_a"], middle, "left", mac_a, None)
        self.world.veth(middle, "right", b.namespace, link["interface_b"], None, mac_b)
        self.tamperer = Tamperer(self.world, self.program("tests/support/tamperer"), middle,
                                 one_in, seed, self.attack_records, left=a, right=b)

    def _join_badly(self, link):
        a, b = self.node(link["a"]), self.node(link["b"])
        self.bad_network.join(
            a.namespace, link["interface_a"], b.namespace, link["interface_b"],
            self.port(a.name, b.name)["mac"], self.port(b.name, a.name)["mac"])

    def start(self):
        if self.tamperer:
            self.tamperer.start()
        for node in self.running_nodes:
            node.start()
        for node in self.running_nodes:
            node.wait_ready()

    def wait_for_settled_keys(self):
        """For seconds after a handshake a record that no key opens is held, since keys for it may be on
        their way (dataplane/secure_link.h). From here on it is forged."""
        def settled():
            return all(link["association_age_seconds"] > 6 for node in self.running_nodes
                       for link in node.links().values() if link["protocol"] == "dtls")
        wait_for(settled, "keys to be older than 6 s", 20, every=0.5)

    def check_books(self):
        """Every node runs, and its ledger explains every packet."""
        for node in self.running_nodes:
            node.alive()
            wait_for(lambda node=node: node.counters()["unaccounted"] == 0,
                     f"{node.name} to account for every packet", 3)

    def stop(self):
        for node in self.running_nodes:
            check(node.stop(), f"{node.name} did not stop in good order")

    def endpoint(self, name, peer):
        """Address and port of a node on its link to a peer."""
        address = self.port(name, peer)[f"address{self.family}"].split("/")[0]
        return f"{f'[{address}]' if ':' in address else address}:{self.described['service_port']}"

    def kernel_end(self, name, neighbour):
        """Gives the kernel the address of a node on its link to a neighbour; endpoints of both."""
        node, port = self.node(name), self.port(name, neighbour)
        key = f"address{self.family}"
        if key not in port.setdefault("kernel_has", set()):
            self.world.give_address(node.namespace, port["interface"], port[key])
            port["kernel_has"].add(key)
        return self.endpoint(name, neighbour), self.endpoint(neighbour, name)

    def lab_peer(self, name, neighbour, *arguments, timeout=120, start=None, identities=1):
        """Runs lab_peer in the place of a node, on its link to a neighbour; its report. With
        start=NAME it is started and left running instead. It signs with so many of the node's
        identities in turn."""
        node = self.node(name)
        local, remote = self.kernel_end(name, neighbour)
        signers = [argument for identity in node.described["identities"][:identities] for argument in
                   ("--certificate", identity["certificate"], "--key", identity["key"])]
        command = [self.program("tests/support/lab_peer"), "--local", local,
                   "--remote", remote, "--overlay", self.overlay,
                   *signers, *[str(argument) for argument in arguments]]
        if start is not None:
            return self.world.start(node.namespace, start, command)
        status, out, err = self.world.run_in(node.namespace, *command, timeout=timeout)
        if status != 0:
            raise RuntimeError(f"lab_peer {arguments}: {err}")
        return json.loads(out) if out.strip() else None


class Tamperer:
    def __init__(self, world, program, namespace, one_in, seed, attack_records, left, right):
        self.world, self.program, self.namespace = world, program, namespace
        self.arguments = ["--attack-records"] if attack_records else []
        self.one_in, self.seed, self.left, self.right = one_in, seed, left, right
        self.process = None

    def start(self):
        self.process = self.world.start(self.namespace, "tamperer", [
            self.program, "--a", "left", "--b", "right", "--one-in", str(self.one_in),
            "--seed", str(self.seed), "--stats", self.world.path("tamperer.json"),
            "--log", self.world.path("tampered.jsonl"), *self.arguments])

    def stop(self):
        """Ends it and gives (statistics, log of tampered messages)."""
        self.process.stop()
        with open(self.world.path("tamperer.json"), encoding="utf-8") as file:
            statistics = json.load(file)
        with open(self.world.path("tampered.jsonl"), encoding="utf-8") as file:
            return statistics, [json.loads(line) for line in file]


class Byzantine:
    """A node whose dataplane flips a bit in some messages it forwards (tests/support/byzantine.cc)."""

    def __init__(self, world, node, one_in):
        self.node, self.one_in, self._log = node, one_in, world.path("cheated.jsonl")
        self.environment = {"HOPSEAL_BYZANTINE_ONE_IN": str(one_in),
                            "HOPSEAL_BYZANTINE_LOG": self._log}

    def tampered(self):
        """Neighbour's name -> tampered messages that went to it."""
        names = {link["slot"]: name for name, link in self.node.links().items()}
        counts = {name: 0 for name in names.values()}
        with open(self._log, encoding="utf-8") as file:
            for line in file:
                counts[names[json.loads(line)["link"]]] += 1
        return counts
