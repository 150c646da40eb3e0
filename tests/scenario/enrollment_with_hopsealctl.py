#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""enrollment_with_hopsealctl.py --build DIR

hopsealctl enroll against hopseal-enroll, by URL, by the DNS and by a document that was brought; and
against servers that lie: names, authorities, documents, certificates and answers that are refused
before a password is sent, or before anything is written. Loopback and temporary directories only."""

import argparse
import json
import os
import re
import shutil
import socket
import ssl
import stat
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import dns_server  # noqa: E402
from enroll_server import (OVERLAY, PASSWORD, PATIENCE, Failed, Server,  # noqa: E402
                           alternative_names, check, check_equal, free_port, node_ids, run)

SKIP = 77
USER = "alice@example.org"
FILES = ["node-key.pem", "node.pem", "overlay.relo", "roots.pem"]


class World:
    """An overlay with its authority, what hopsealctl says of it, and a directory for all of it."""

    def __init__(self, build, directory):
        self.programs = {name: os.path.join(os.path.abspath(build), "controlplane", *path, name)
                         for name, path in {"hopseal-enroll": ["enroll"], "hopsealctl": ["ctl"],
                                            "hopseal-controlplane": []}.items()}
        self.directory = directory
        self.port = free_port()
        self.ctl("overlay", "init", self.path("overlay"), "--overlay", OVERLAY,
                 "--bootstrap-node", "192.0.2.1", "--enrollment-server",
                 f"https://{OVERLAY}:{self.port}/enroll")
        with open(self.path("password"), "w", encoding="utf-8") as file:
            file.write(PASSWORD + "\n")
        os.chmod(self.path("password"), 0o600)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def ctl(self, *arguments, stdin=b"", check_status=True):
        return run(self.programs["hopsealctl"], *arguments, input=stdin, check_status=check_status,
                   timeout=120 * PATIENCE)

    def enroll(self, *arguments):
        """What a good enrollment prints as JSON."""
        return json.loads(self.ctl("--json", "enroll", *arguments).stdout)

    def refused(self, what, sentence, *arguments, out="never", stdin=b""):
        """One that must fail with this sentence, and leave no directory behind."""
        done = self.ctl("enroll", "--out", self.path(out), *arguments, stdin=stdin,
                        check_status=False)
        said = done.stderr.decode()
        check(done.returncode == 1 and sentence in said, f"{what}: status {done.returncode}, {said}")
        if out == "never":
            left = [name for name in os.listdir(self.directory) if name.startswith("never")]
            check_equal(left, [], f"what is left of {what}")


class OverlayServer(Server):
    """A server of the overlay, or one that lies: with a certificate for other names, or a CA of its
    own."""

    def __init__(self, world, name, port, tls_names=None, foreign_ca=False):
        self.world, self.foreign_ca = world, foreign_ca
        self.tls_names = tls_names or f"DNS:{OVERLAY},IP:127.0.0.1"
        super().__init__(world.path(name), world.programs["hopseal-enroll"], "sqlite:enroll.db",
                         port=port)
        self.add_user(USER, "--node-ids", "3")

    def make_files(self):
        super().make_files()
        run("openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-days", "100", "-subj", "/CN=" + OVERLAY, "-keyout",
            self.path("tls-key.pem"), "-out", self.path("tls.pem"), "-addext",
            "subjectAltName=" + self.tls_names)
        os.chmod(self.path("tls-key.pem"), 0o600)
        shutil.copy(self.world.path("overlay", "overlay.relo"), self.path("overlay.xml"))
        if not self.foreign_ca:
            for name in ("ca.pem", "ca-key.pem"):
                shutil.copy(self.world.path("overlay", name), self.path(name))

    def url(self, path="/.well-known/reload-config", host="127.0.0.1"):
        return f"https://{host}:{self.port}{path}"

    def requests(self):
        """How many certificate requests reached it."""
        done = run("curl", "-sS", "--unix-socket", self.path("control.sock"), "http://e/metrics")
        counts = re.findall(r"^hopseal_enroll_(\w+)_total (\d+)$", done.stdout.decode(), re.M)
        return int(dict(counts)["requests"]) - int(dict(counts)["documents_served"])


class ScriptedServer:
    """TLS with the good server's certificate; sends what it is told, byte for byte, one answer a
    connection. None keeps silent. `requests` has what came."""

    def __init__(self, server):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server.path("tls.pem"), server.path("tls-key.pem"))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._context = context
        self.answers, self.requests = [], []
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}/x"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            connection, _ = self._listener.accept()
            try:
                with self._context.wrap_socket(connection, server_side=True) as tls:
                    self._answer(tls)
            except OSError:
                pass  # the client went away: what it says of it is what counts

    @staticmethod
    def _receive(tls):
        some = tls.recv(65536)
        if not some:
            raise OSError("the client went away")
        return some

    def _answer(self, tls):
        request = b""
        while b"\r\n\r\n" not in request:
            request += self._receive(tls)
        head, _, body = request.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        while length and len(body) < int(length[1]):
            body += self._receive(tls)
        self.requests.append((head.decode(), body))
        answer = self.answers.pop(0) if self.answers else b""
        if answer is None:
            tls.recv(1)  # until the client has had enough
            return
        tls.sendall(answer)
        if not answer.endswith(b"unfinished"):
            tls.unwrap()


def http(status, body=b"", *headers):
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def der_of(world, directory):
    return run("openssl", "x509", "-in", world.path(directory, "node.pem"), "-outform",
               "DER").stdout


def files_are_right(world, directory, ids):
    check_equal(sorted(os.listdir(world.path(directory))), FILES, "files of the node")
    modes = {name: stat.S_IMODE(os.stat(world.path(directory, name)).st_mode) for name in FILES}
    check_equal(modes, {"node-key.pem": 0o600, "node.pem": 0o644, "overlay.relo": 0o600,
                        "roots.pem": 0o644}, "their modes")
    der = der_of(world, directory)
    check_equal(sorted(node_ids(der)), sorted(ids), "Node-IDs in the certificate")
    names = alternative_names(der)[1]
    check_equal(names[0], "email:" + USER, "the rfc822Name")
    run("openssl", "verify", "-CAfile", world.path(directory, "roots.pem"),
        world.path(directory, "node.pem"))
    key = run("openssl", "pkey", "-in", world.path(directory, "node-key.pem"), "-pubout").stdout
    check_equal(run("openssl", "x509", "-inform", "DER", "-noout", "-pubkey", input=der).stdout,
                key, "the key of the certificate")
    with open(world.path(directory, "overlay.relo"), "rb") as mine, \
            open(world.path("overlay", "overlay.relo"), "rb") as published:
        check(mine.read() == published.read(), "the document is kept byte for byte")


def snippet_makes_a_node(world, directory, snippet):
    """What enroll prints, completed with a name and a port, is what a node starts with."""
    toml = world.path(directory + ".toml")
    with open(toml, "w", encoding="utf-8") as file:
        file.write(f'[node]\nname = "n1"\nruntime_directory = "{world.path("run")}"\n\n' + snippet +
                   '\n[dataplane]\n[[dataplane.port]]\nname = "p0"\n'
                   'device = "net_af_packet0,iface=eth0"\naddresses = ["192.0.2.7/24"]\n')
    run(world.programs["hopseal-controlplane"], "--config", toml, "--check")


def enrolls_by_url(world, server, common):
    by_url = ["--url", server.url(), "--server", server.url("/enroll"), *common]
    got = world.enroll("--out", world.path("first"), *by_url)
    check_equal((got["overlay"], got["user"], got["renewed"]), (OVERLAY, USER, False), "what it says")
    files_are_right(world, "first", got["node-ids"])
    snippet_makes_a_node(world, "first", got["node.toml"])
    text = world.ctl("enroll", "--out", world.path("text"), *by_url, "--algorithm",
                     "ecdsa-p256").stdout.decode()
    check(f"# Node-ID {got['node-ids'][0]}\n" in text, f"the Node-ID is printed: {text}")
    snippet_makes_a_node(world, "text", text)
    rsa = world.enroll("--out", world.path("rsa"), *by_url, "--algorithm", "rsa-2048", "--node-ids",
                       "3")
    check_equal((len(set(rsa["node-ids"])), rsa["node-ids"][0]), (3, got["node-ids"][0]),
                "three Node-IDs, the first of them as before")
    files_are_right(world, "rsa", rsa["node-ids"])
    typed = world.ctl("--json", "enroll", "--out", world.path("typed"), "--key",
                      world.path("rsa", "node-key.pem"), *by_url[:-2],
                      stdin=PASSWORD.encode() + b"\n")
    check_equal(json.loads(typed.stdout)["node-ids"], got["node-ids"],
                "with a key that was there, and the password on standard input")
    for program in ("first", "rsa", "typed"):
        with open(world.path(program, "node-key.pem"), "rb") as file:
            check(PASSWORD.encode() not in file.read(), "no password is kept")
    return got


def renews(world, server, common, before):
    with open(world.path("first", "node.toml"), "w", encoding="utf-8") as file:
        file.write("mine")
    was = der_of(world, "first")
    with open(world.path("first", "node-key.pem"), "rb") as file:
        key = file.read()
    password = common[-2:]
    got = world.enroll("--renew", "--out", world.path("first"), "--url", server.url(), "--server",
                       server.url("/enroll"), *common[:2], *password)
    check_equal((got["node-ids"], got["user"], got["renewed"]), (before["node-ids"], USER, True),
                "Node-IDs and user of the renewal (J-51)")
    check(der_of(world, "first") != was, "the certificate is a new one")
    with open(world.path("first", "node-key.pem"), "rb") as file:
        check(file.read() == key, "the key is the old one")
    with open(world.path("first", "node.toml"), encoding="utf-8") as file:
        check_equal(file.read(), "mine", "other files are left alone")
    os.remove(world.path("first", "node.toml"))
    files_are_right(world, "first", got["node-ids"])


def enrolls_by_name(world, server, common):
    """J-42: SRV, then the well-known path, at the SRV's host and port, under the overlay's name."""
    service = "_reload-config._tcp." + OVERLAY
    dns = dns_server.DnsServer({
        OVERLAY: [dns_server.address("127.0.0.1")],
        "web.example.org": [dns_server.address("127.0.0.1")],
        service: [dns_server.service(20, 0, server.port, "web.example.org"),
                  dns_server.service(10, 5, 1, "nowhere.example.org"),
                  dns_server.service(15, 5, free_port(), "web.example.org")]})
    try:
        by_name = [OVERLAY, "--dns", dns.place, *common]
        got = world.enroll("--out", world.path("named"), *by_name)
        files_are_right(world, "named", got["node-ids"])
        check_equal(got["document-from"], f"https://{OVERLAY}/.well-known/reload-config", "the URL")
        check_equal(got["server"], f"https://{OVERLAY}:{server.port}/enroll",
                    "the enrollment server of the document")
        check((service, dns_server.SRV) in dns.questions, f"questions: {dns.questions}")
        world.ctl("overlay", "fetch", OVERLAY, "--dns", dns.place, *common[:2], "--out",
                  world.path("fetched.relo"))

        dns.records[service] = [dns_server.service(0, 0, 1, ".")]
        world.refused("an SRV record of no service", "has no configuration server", *by_name)
        dns.records[service] = []
        done = world.ctl("enroll", "--out", world.path("never"), *by_name, check_status=False)
        check(b"has no SRV record" in done.stderr and done.returncode == 1 and
              b"127.0.0.1:443" in done.stderr, f"the overlay itself is asked: {done.stderr}")
        dns.garbage = True
        world.refused("a DNS answer that is none", service, *by_name)
    finally:
        dns.close()
    world.refused("a DNS server that is none", "127.0.0.1:9", OVERLAY, "--dns", "127.0.0.1:9",
                  *common)
    world.refused("a DNS server without a number", "address", OVERLAY, "--dns", "localhost", *common)
    six = dns_server.DnsServer({OVERLAY: [dns_server.address("127.0.0.1")],
                                service: [dns_server.service(0, 0, server.port, OVERLAY)]}, "::1")
    try:
        world.ctl("overlay", "fetch", OVERLAY, "--dns", six.place, *common[:2], "--out",
                  world.path("six.relo"))
    finally:
        six.close()


def brought_documents(world, server, common):
    """J-45."""
    brought = ["--document", world.path("overlay", "overlay.relo"), "--server",
               server.url("/enroll"), *common]
    got = world.enroll("--out", world.path("brought"), "--root", world.path("overlay", "ca.pem"),
                       *brought)
    files_are_right(world, "brought", got["node-ids"])
    with open(world.path("overlay", "overlay.relo"), encoding="utf-8") as file:
        text = file.read()
    with open(world.path("tampered.relo"), "w", encoding="utf-8") as file:
        file.write(text.replace("192.0.2.1", "192.0.2.9"))
    tampered = ["--document", world.path("tampered.relo"), *brought[2:]]
    world.refused("a document that was changed", "bad_signature", "--root",
                  world.path("overlay", "ca.pem"), *tampered)
    with open(world.path("broken.relo"), "w", encoding="utf-8") as file:
        file.write(text.replace("</configuration>", ""))
    world.refused("a document that is no XML", "not_well_formed", "--document",
                  world.path("broken.relo"), *brought[2:])
    world.refused("another overlay's document (J-44)", "other_overlay", "other.example.org",
                  *brought)


def liars_are_refused(world, good, common):
    by_url = ["--url", good.url(), "--server", good.url("/enroll")]
    before = good.requests()
    world.refused("a server whose CA nobody named", "--ca", *by_url, *common[2:])
    check_equal(good.requests(), before, "requests before the server was trusted")
    world.refused("a directory that is there", "there already", *by_url, *common, out="first")
    world.refused("a renewal of nothing", "No such file", "--renew", *by_url, *common)

    other = OverlayServer(world, "other-name", free_port(), tls_names="DNS:other.example.org")
    other.start()
    trust_other = ["--ca", other.path("tls.pem"), *common[2:]]
    world.refused("a configuration server of another name (J-43)", "not one for 127.0.0.1", "--url",
                  other.url(), *trust_other)
    world.refused("an enrollment server of another name (J-46)", "not one for 127.0.0.1 or " + OVERLAY,
                  "--document", world.path("overlay", "overlay.relo"), "--server",
                  other.url("/enroll"), *trust_other)
    check_equal(other.requests(), 0, "requests that a server of another name saw")
    other.stop()

    lying = OverlayServer(world, "foreign-ca", free_port(), tls_names="IP:127.0.0.1",
                          foreign_ca=True)
    lying.start()
    trust_lying = ["--url", lying.url(), "--server", lying.url("/enroll"), "--ca",
                   lying.path("tls.pem"), *common[2:]]
    world.refused("a certificate of another CA (J-54)", "does not chain", *trust_lying)
    world.refused("a certificate for the host alone, strictly (X-16)", "not one for " + OVERLAY,
                  "--strict-server-name", *trust_lying)
    lying.stop()


def errors_are_told(world, server, common):
    by_url = ["--url", server.url(), "--server", server.url("/enroll"), *common[:2]]
    login = ["--user", USER]
    with open(world.path("wrong"), "w", encoding="utf-8") as file:
        file.write("wrong\n")
    os.chmod(world.path("wrong"), 0o600)
    password = common[-2:]
    world.refused("a wrong password", "do not belong together", *by_url, *login, "--password-file",
                  world.path("wrong"))
    world.refused("no password", "a password has", *by_url, *login)
    world.refused("a user name that is none", "does not give out", *by_url, "--user", "a@@b",
                  *password)
    world.refused("too many Node-IDs", "--node-ids", *by_url, *login, "--node-ids", "4", *password)
    world.refused("no user", "--user", *by_url, *password)
    os.chmod(world.path("wrong"), 0o644)
    world.refused("a password for everybody", "chmod 600", *by_url, *login, "--password-file",
                  world.path("wrong"))


def answers_are_watched(world, server, common):
    """What no good server does."""
    odd = ScriptedServer(server)
    fetch = ["--url", odd.url, *common]
    relo = "Content-Type: application/p2p-overlay+xml"
    for what, sentence, answer in [
            ("a redirection", "is not followed", http(302, b"", "Location: https://evil.example/")),
            ("no document", "answers 404", http(404)),
            ("2 MiB", "larger than 1048576 bytes", http(200, b" " * (2 << 20), relo)),
            ("half a document", "ended before", b"HTTP/1.1 200 x\r\nContent-Length: 99\r\n\r\nunfinished"),
            ("a cut without a length", "ended before", b"HTTP/1.1 200 x\r\n\r\nunfinished"),
            ("no HTTP", "no HTTP answer", b"SSH-2.0-x\r\n\r\n"),
            ("endless headers", "no HTTP answer", b"HTTP/1.1 200 x\r\n" + b"A: b\r\n" * 9000)]:
        odd.answers = [answer]
        world.refused(what, sentence, *fetch)
    odd.answers = [None]
    began = time.monotonic()
    world.refused("silence", "in time", *fetch, "--timeout", "2")
    check(time.monotonic() - began < 3.5 * PATIENCE, "--timeout 2 holds")

    enroll = ["--url", server.url(), "--server", odd.url, *common]
    for what, sentence, answer in [
            ("an unknown token", 'unknown reason: "moon_phase"', http(403, b"moon_phase")),
            ("a page", "text/html", http(200, b"<html>", "Content-Type: text/html; charset=utf-8")),
            ("garbage", "is not taken", http(200, b"0\x03abc", "Content-Type: application/pkix-cert")),
            ("a redirection of the password", "is not followed",
             http(307, b"", "Location: https://evil.example/")),
            ("too many requests", "come again in 9 s", http(429, b"slow", "Retry-After: 9"))]:
        odd.answers = [answer]
        world.refused(what, sentence, *enroll)

    odd.requests.clear()
    certificate = der_of(world, "first")
    odd.answers = [http(429, b"busy", "Retry-After: 1", "Hopseal-Challenge: 6b.00ff"),
                   http(200, certificate, "Content-Type: application/pkix-cert")]
    world.refused("a certificate for another key", "another key", *enroll)
    (first, body), (second, again) = odd.requests
    check("Hopseal-Challenge" not in first and "Hopseal-Challenge: 6b.00ff\r\n" in second + "\r\n",
          f"the token of the challenge comes back: {second}")
    check(body == again and b"alice@example.org" in body, "the same request comes again")
    check("Accept: application/pkix-cert" in first, "the Accept header (J-48)")
    check(odd.url.split("/")[2] in first, "the Host header")


def on_overlay(world):
    server = OverlayServer(world, "good", world.port)
    try:
        server.start()
        common = ["--ca", server.path("tls.pem"), "--user", USER, "--password-file",
                  world.path("password")]
        before = enrolls_by_url(world, server, common)
        renews(world, server, common, before)
        brought_documents(world, server, common)
        liars_are_refused(world, server, common)
        errors_are_told(world, server, common)
        answers_are_watched(world, server, common)
        enrolls_by_name(world, server, common)
        server.stop()
    except BaseException:
        print(f"--- the good server\n{server.tail() if os.path.exists(server.log) else ''}")
        raise
    finally:
        if server.process is not None and server.process.poll() is None:
            server.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build", help="Meson build directory")
    arguments = parser.parse_args()
    for needed in ("curl", "openssl"):
        if shutil.which(needed) is None:
            print(f"skipped: needs {needed}: tools/deps installs it")
            sys.exit(SKIP)
    with tempfile.TemporaryDirectory(prefix="hopseal-enroll-") as directory:
        try:
            on_overlay(World(arguments.build, directory))
        except Failed as failed:
            print(f"enrollment_with_hopsealctl: {failed}")
            sys.exit(1)
        except Exception:  # a defect of the scenario
            traceback.print_exc()
            sys.exit(1)
    print("enrollment_with_hopsealctl: held")


main()
