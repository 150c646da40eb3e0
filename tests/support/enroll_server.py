# SPDX-License-Identifier: Apache-2.0
"""A hopseal-enroll on loopback, with a CA, a TLS certificate and a store of its own, for scenarios."""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

PATIENCE = float(os.environ.get("HOPSEAL_PATIENCE", "1"))
OVERLAY = "overlay.example.org"
PASSWORD = "correct horse battery"



class Failed(Exception):
    """A check that did not hold."""


def check(condition, finding):
    if not condition:
        raise Failed(finding)


def check_equal(found, expected, what):
    check(found == expected, f"{what}: expected {expected!r}, found {found!r}")


def wait_for(condition, what, seconds=15.0):
    deadline = time.monotonic() + seconds * PATIENCE
    while not (value := condition()):
        check(time.monotonic() < deadline, f"waited for {what}")
        time.sleep(0.05)
    return value


def run(*command, check_status=True, **options):
    done = subprocess.run(command, capture_output=True, check=False, **options)
    if check_status and done.returncode != 0:
        raise Failed(f"{' '.join(command[:4])}...: {done.stderr.decode(errors='replace')[-500:]}")
    return done


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Answer:
    """What curl got."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


class Server:
    """A hopseal-enroll with files of its own."""

    def __init__(self, directory, program, store, port=None, **limits):
        self.directory, self.program = directory, program
        os.makedirs(directory)
        self.port = port or free_port()
        self.process = None
        self.log = self.path("log")
        self.make_files()
        self.write_config(store, **limits)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write_config(self, store, **limits):
        # Hashes are cheap here: what they cost is no subject of this scenario.
        values = {"source_per_hour": 0, "connections_per_source": 400, "queue": 1000,
                  "challenge_at": 1000, "failures_per_hour": 0, **limits}
        with open(self.path("enroll.toml"), "w", encoding="utf-8") as file:
            file.write(f'''[authority]
overlay = "{OVERLAY}"
certificate = "ca.pem"
key = "ca-key.pem"
[store]
url = "{store}"
[server]
listen = "127.0.0.1:{self.port}"
certificate = "tls.pem"
key = "tls-key.pem"
configuration_document = "overlay.xml"
admin_socket = "{self.path('control.sock')}"
[password]
scrypt_log2_n = 10
scrypt_p = 1
[limits]
''' + "".join(f"{name} = {value}\n" for name, value in values.items()))

    def make_files(self):
        """CA, TLS certificate and document. The server takes any bytes for the latter."""
        with open(self.path("overlay.xml"), "wb") as file:
            file.write(b"<?xml version='1.0'?>\r\n<overlay>\xc3\xa4 \x01 as it stands</overlay>\n\n")
        common = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt",
                  "ec_paramgen_curve:P-256", "-days", "100"]
        run(*common, "-subj", "/CN=overlay CA", "-keyout", self.path("ca-key.pem"), "-out",
            self.path("ca.pem"), "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        run(*common, "-subj", "/CN=web", "-keyout", self.path("tls-key.pem"), "-out",
            self.path("tls.pem"), "-addext", f"subjectAltName=DNS:{OVERLAY}")
        for name in ("ca-key.pem", "tls-key.pem"):
            os.chmod(self.path(name), 0o600)

    def command(self, *arguments, stdin="", check_status=True):
        return run(self.program, "--config", self.path("enroll.toml"), *arguments,
                   input=stdin.encode(), check_status=check_status)

    def json(self, *arguments):
        return json.loads(self.command("--json", *arguments).stdout)

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "serve", "--config", self.path("enroll.toml")], stderr=log)
        wait_for(lambda: self._answers() or self.process.poll() is not None, "the server", 60)
        check(self.process.poll() is None, f"the server ended: {self.tail()}")

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def tail(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()[-1500:]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        check_equal(self.process.wait(20 * PATIENCE), 0, "exit status after SIGTERM")
        with open(self.log, encoding="utf-8", errors="replace") as log:
            report = re.search(r".*(ERROR|WARNING): \w+Sanitizer.*|.*runtime error: .*", log.read())
        check(report is None, f"the server says of itself: {report and report[0]}")

    def curl(self, path, *options):
        """One request, its certificate checked against the overlay's name (X-16)."""
        with tempfile.NamedTemporaryFile(dir=self.directory) as body, \
                tempfile.NamedTemporaryFile(dir=self.directory) as head:
            done = run("curl", "-sS", "--max-time", str(60 * PATIENCE), "--cacert",
                       self.path("tls.pem"), "--resolve", f"{OVERLAY}:{self.port}:127.0.0.1",
                       "-o", body.name, "-D", head.name, "-w", "%{http_code}", *options,
                       f"https://{OVERLAY}:{self.port}{path}", check_status=False)
            if done.returncode != 0:
                return None
            lines = head.read().decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) if ": " in line else (line, "")
                           for line in lines)
            raw = dict((line.split(": ", 1)[0].lower(), line.split(": ", 1)[1])
                       for line in lines if ": " in line)
            headers.update(raw)
            return Answer(int(done.stdout), headers, body.read())

    def enroll(self, user, csr, *more, password=PASSWORD, csr_type="application/pkcs10"):
        form = ["-F", f"username={user}", "-F", f"password={password}"]
        if csr is not None:
            form += ["-F", f"csr=@{csr};type={csr_type}"]
        return self.curl("/enroll", "-H", "Accept: application/pkix-cert", *form, *more)

    def csr(self, name, *newkey, more=()):
        path = self.path(name + ".csr")
        run("openssl", "req", "-new", "-nodes", "-newkey", *(newkey or ("ed25519",)), "-keyout",
            self.path(name + ".key"), "-subj", "/CN=taken from nowhere", "-outform", "DER", "-out",
            path, *more)
        return path

    def add_user(self, name, *more):
        self.command("user", "add", name, *more, stdin=PASSWORD + "\n")


def alternative_names(der):
    """The whole subjectAltName as openssl prints it, with its criticality."""
    text = run("openssl", "x509", "-inform", "DER", "-noout", "-text", input=der).stdout.decode()
    found = re.search(r"X509v3 Subject Alternative Name: (critical)?\s*\n\s*(.*)\n", text)
    check(found is not None, "the certificate has no subjectAltName")
    return found[1], found[2].split(", "), text


def node_ids(der):
    return re.findall(r"URI:reload://0110([0-9a-f]{32})@", " ".join(alternative_names(der)[1]))
