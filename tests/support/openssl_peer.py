# SPDX-License-Identifier: Apache-2.0
"""The neighbour of a node, played by openssl: s_client or s_server keeps the connection, frame_tool
behind it writes and reads the frames. Neither has any code of the node's links.

    peer = OpensslPeer(lab, "node1", "node2")              # DTLS, in the place of node1
    peer = TlsPeer(lab, "node1", "node2", "127.0.0.1:7001")  # TLS, beside node2
    report, messages = peer.converse_as_client(identity, pings=3)
    said = peer.refused_as_client(None)
"""

import json
import os

import netns
from netns import PATIENCE
from scenario import Failed, check, wait_for

# What openssl calls the suites of a cipher of ours. The server's certificate decides between them.
CIPHERS = {
    "aes128-gcm": "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
    "aes256-gcm": "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384",
    "chacha20-poly1305": "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
}
HANDSHAKE_S = 15 * PATIENCE


class Credential:
    """A certificate of the lab's overlay with its key, as files."""

    def __init__(self, lab, name, node_id, algorithm="ed25519", own_authority=False, **times):
        path = lab.world.path(name)
        authority = [] if own_authority else [
            "--ca-certificate", f"{lab.directory}/ca.pem", "--ca-key", f"{lab.directory}/ca-key.pem"]
        netns.run(lab.program("tests/support/make_certificate"), "--out", path, "--node-id", node_id,
                  "--overlay", lab.overlay, "--algorithm", algorithm, *authority,
                  *[f"--{key.replace('_', '-')}={value}" for key, value in times.items()])
        self.certificate, self.key, self.algorithm = f"{path}.pem", f"{path}-key.pem", algorithm


def wrong_credentials(lab, name):
    """What a node must refuse from a neighbour: (what is wrong, the credential, the alert)."""
    own, other = lab.node(name).id, lab.nodes[1].id
    yield "expired", Credential(lab, f"{name}-expired", own, "ecdsa-p256", not_before=-7200,
                                not_after=-60), "alert certificate expired"
    yield "foreign", Credential(lab, f"{name}-foreign", own, "ecdsa-p256",
                                own_authority=True), "alert unknown ca"
    yield "another node's", Credential(lab, f"{name}-other", other,
                                       "ecdsa-p256"), "alert bad certificate"


class OpensslPeer:
    SOCKETS = "-Huln"  # of ss: what s_server listens with

    def __init__(self, lab, name, neighbour):
        self.lab, self.name, self.node = lab, name, lab.node(neighbour)
        self.namespace = lab.node(name).namespace
        self.local, self.remote = lab.kernel_end(name, neighbour)
        self._runs = 0
        # OpenSSL 3.0's server has no Ed25519 in DTLS without an ECDSA certificate beside it.
        self._beside = Credential(lab, f"{name}-beside", lab.node(name).id, "ecdsa-p256")

    def association(self):
        return self.node.links()[self.name]["association"]

    def _authority(self):
        return ["-CAfile", f"{self.lab.directory}/ca.pem", "-verify_return_error"]

    def client_command(self, credential, cipher=None):
        command = ["openssl", "s_client", "-dtls1_2", "-timeout", "-quiet", "-bind", self.local,
                   "-connect", self.remote, *self._authority()]
        if credential is not None:
            command += ["-cert", credential.certificate, "-key", credential.key]
        return command + (["-cipher", CIPHERS[cipher]] if cipher else [])

    def server_command(self, credential, cipher=None):
        command = ["openssl", "s_server", "-dtls1_2", "-timeout", "-quiet", "-listen", "-accept",
                   self.local, "-Verify", "3", *self._authority()]
        if credential.algorithm == "ed25519":
            command += ["-cert", self._beside.certificate, "-key", self._beside.key,
                        "-dcert", credential.certificate, "-dkey", credential.key]
        else:
            command += ["-cert", credential.certificate, "-key", credential.key]
        return command + (["-cipher", CIPHERS[cipher]] if cipher else [])

    def converse_as_client(self, credential, cipher=None, pings=2):
        """s_client shakes hands with the node; signed Pings are sent to it. (counts, messages as
        hopsealctl decode shows them)."""
        before = self.association()
        with self._conversation(self.client_command(credential, cipher), credential,
                                "--pings", pings) as talk:
            self._wait_for_keys(before, talk)
            return talk.end()

    def converse_as_server(self, credential, cipher=None, pings=2):
        """The node shakes hands with s_server and pings what is behind it; the node's ping run."""
        before = self.association()
        with self._conversation(self.server_command(credential, cipher), credential,
                                "--answers", pings) as talk:
            self._wait_until_bound(talk.openssl)
            self.node.ctl("rekey", self.name, "--wait", str(HANDSHAKE_S))
            self._wait_for_keys(before, talk)
            run = self.node.ping(self.lab.node(self.name), count=pings, rate=10)
            return run, *talk.end()

    def refused_as_client(self, credential):
        """What s_client printed when its handshake was over; the node's reason."""
        before = self.association()
        _status, out, err = self.lab.world.run_in(
            self.namespace, *self.client_command(credential), timeout=HANDSHAKE_S)
        check(self.association() == before, "a refused handshake replaced keys")
        return out + err, self.reason()

    def refused_as_server(self, credential):
        before = self.association()
        log_name = self._name("server")
        openssl = self.lab.world.start(self.namespace, log_name, self.server_command(credential))
        try:
            self._wait_until_bound(openssl)
            try:
                self.node.ctl("rekey", self.name, "--wait", "0")
            except RuntimeError:
                pass  # it says that there are no new keys yet
            wait_for(lambda: "alert" in openssl.tail(), "openssl to hear of a refusal", HANDSHAKE_S)
        finally:
            openssl.kill()
        check(self.association() == before, "a refused handshake replaced keys")
        return openssl.tail(), self.reason()

    def reason(self):
        """Why the node gave up its last handshake on this link."""
        failure = self.node.links()[self.name]["handshake"]["last_failure"] or {}
        return failure.get("refusal", failure.get("failure"))

    def _name(self, what):
        self._runs += 1
        return f"{self.name}.{what}{self._runs}"

    def _wait_for_keys(self, before, talk):
        try:
            wait_for(lambda: self.association() not in (0, before), "keys", HANDSHAKE_S)
        except Failed as failed:
            raise Failed(f"{failed}: {talk.openssl.tail(5)}") from None

    def _wait_until_bound(self, openssl):
        port = self.local.rsplit(":", 1)[1]

        def bound():
            if not openssl.running():
                raise Failed(f"openssl ended: {openssl.tail(5)}")
            _status, out, _err = self.lab.world.run_in(
                self.namespace, "ss", self.SOCKETS, "sport", "=", f":{port}")
            return out.strip()
        wait_for(bound, "s_server to listen", HANDSHAKE_S)

    def _conversation(self, command, credential, *arguments):
        return _Conversation(self, command, credential, arguments)


class TlsPeer(OpensslPeer):
    """The same over TCP, in the namespace of the node itself: openssl connects to where the node
    listens, or listens where the node calls."""
    SOCKETS = "-Htln"
    NODE_LISTENS = "127.0.0.1:6084"

    def __init__(self, lab, name, neighbour, address):
        self.lab, self.name, self.node = lab, name, lab.node(neighbour)
        self.namespace = self.node.namespace
        self.local, self.remote = address, self.NODE_LISTENS
        self.version = "1_3"
        self._runs = 0

    def client_command(self, credential, cipher=None):
        return ["openssl", "s_client", f"-tls{self.version}", "-quiet", "-connect", self.remote,
                *self._authority(), *self._identity(credential)]

    def server_command(self, credential, cipher=None):
        return ["openssl", "s_server", f"-tls{self.version}", "-quiet", "-accept", self.local,
                "-Verify", "3", *self._authority(), *self._identity(credential)]

    def wait_until_down(self):
        wait_for(lambda: self.node.links()[self.name]["state"] == "down",
                 "the last connection to end", HANDSHAKE_S)

    @staticmethod
    def _identity(credential):
        if credential is None:
            return []
        return ["-cert", credential.certificate, "-key", credential.key]


class _Conversation:
    """openssl and frame_tool, joined by two pipes."""

    def __init__(self, peer, command, credential, arguments):
        self._lab, self._path = peer.lab, peer.lab.world.path(peer._name("frames"))
        to_openssl, from_frames = os.pipe()
        to_frames, from_openssl = os.pipe()
        # Ours stays open until openssl is gone: at the end of its input it would send on and on.
        self._open = [from_frames]
        name = os.path.basename(self._path)
        world = peer.lab.world
        self.openssl = world.start(peer.namespace, f"{name}.openssl", command, stdin=to_openssl,
                                   stdout=from_openssl)
        self._frames = world.start(peer.namespace, name, [
            peer.lab.program("tests/support/frame_tool"), "--certificate", credential.certificate,
            "--key", credential.key, "--overlay", peer.lab.overlay, "--destination", peer.node.id,
            "--messages", f"{self._path}.hex", "--report", f"{self._path}.json", "--seconds",
            str(2 * HANDSHAKE_S), *[str(argument) for argument in arguments]],
            stdin=to_frames, stdout=from_frames)
        for end in (to_openssl, to_frames, from_openssl):
            os.close(end)
        self._certificate = peer.node.described["identities"][0]["certificate"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.openssl.kill()
        self._frames.kill()
        for end in self._open:
            os.close(end)

    def end(self):
        """Waits until all frames are through; (counts, decoded messages with checked signatures)."""
        wait_for(lambda: not self._frames.running(), "all frames to come through", 3 * HANDSHAKE_S)
        check(os.path.exists(f"{self._path}.json"), f"frame_tool: {self._frames.tail(3)}")
        with open(f"{self._path}.json", encoding="utf-8") as file:
            counts = json.load(file)
        check(self._frames.popen.returncode == 0,
              f"frames are missing: {counts}; openssl: {self.openssl.tail(3)}")
        decoded = netns.run(self._lab.program("controlplane/ctl/hopsealctl"), "decode",
                            f"{self._path}.hex", "--certificates", self._certificate)
        return counts, [json.loads(line) for line in decoded.splitlines()]
