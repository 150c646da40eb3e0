#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""enrollment_with_curl.py --build DIR

hopseal-enroll against curl and openssl alone, on both stores: certificates as RFC 6940 section 11.3
wants them, every error token, limits, the challenge, 200 enrollments at once, and kill -9 in the
middle of them. Loopback and temporary directories only."""

import argparse
import concurrent.futures
import hashlib
import os
import re
import shutil
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import private_postgres  # noqa: E402
from enroll_server import (OVERLAY, PASSWORD, Failed, Server, alternative_names,  # noqa: E402
                           check, check_equal, node_ids, run, wait_for)

USERS = 200
KILL_USERS = 60
SKIP = 77


def certificates_are_right(server):
    server.add_user("alice@example.org", "--node-ids", "2")
    kinds = {"ed25519": ("ed25519",), "rsa": ("rsa:2048",),
             "p256": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")}
    seen = set()
    for name, newkey in kinds.items():
        csr = server.csr(name, *newkey, more=("-addext", "subjectAltName=DNS:evil.example.org"))
        answer = server.enroll("alice@example.org", csr)
        check_equal((answer.status, answer.headers["content-type"]), (200, "application/pkix-cert"),
                    f"enrollment with a key of {name}: {answer.body[:80]}")
        with open(server.path(name + ".der"), "wb") as file:
            file.write(answer.body)
        critical, names, text = alternative_names(answer.body)
        check_equal(critical, "critical", "subjectAltName with an empty subject")
        check_equal(len(names), 2, f"number of names in {names}")
        check_equal(names[0], "email:alice@example.org", "the rfc822Name")
        check(re.fullmatch(rf"URI:reload://0110[0-9a-f]{{32}}@{OVERLAY}/", names[1]),
              f"the URI of the Node-ID: {names[1]}")
        check(re.search(r"Subject:\s*\n", text), "the subject is not empty")
        seen.add(tuple(node_ids(answer.body)))
        key = run("openssl", "pkey", "-in", server.path(name + ".key"), "-pubout").stdout
        check_equal(run("openssl", "x509", "-inform", "DER", "-noout", "-pubkey",
                        input=answer.body).stdout, key, "the key of the certificate")
        run("openssl", "x509", "-inform", "DER", "-in", server.path(name + ".der"), "-out",
            server.path(name + ".pem"))
        run("openssl", "verify", "-CAfile", server.path("ca.pem"), server.path(name + ".pem"))
    check_equal(len(seen), 1, "sets of Node-IDs one user got for three keys (J-51)")
    answer = server.enroll("alice@example.org", server.path("rsa.csr"), "-F", "nodeids=2")
    check_equal(answer.status, 200, "two Node-IDs within the cap")
    both = node_ids(answer.body)
    check_equal((len(set(both)), both[0]), (2, next(iter(seen))[0]), "the second beside the first")


def every_error_has_its_token(server):
    csr = server.path("ed25519.csr")
    with open(server.path("garbage"), "wb") as file:
        file.write(b"\x30\x03garbage")
    asks_for_bob = server.csr("bob", more=("-addext", "subjectAltName=email:bob@example.org"))
    weak = server.csr("weak", "rsa:1024")
    server.add_user("off@example.org")
    server.command("user", "disable", "off@example.org")
    alice = "alice@example.org"
    cases = [
        ("failed_authentication", "a wrong password", (alice, csr), {"password": "wrong"}),
        ("failed_authentication", "an unknown user", ("nobody@example.org", csr), {}),
        ("failed_authentication", "a disabled user", ("off@example.org", csr), {}),
        ("username_not_available", "a name with a blank", ("al ice@example.org", csr), {}),
        ("username_not_available", "a CSR for another name", (alice, asks_for_bob), {}),
        ("Node-IDs_not_available", "three of two Node-IDs", (alice, csr, "-F", "nodeids=3"), {}),
        ("Node-IDs_not_available", "no Node-ID", (alice, csr, "-F", "nodeids=0"), {}),
        ("bad_CSR", "garbage", (alice, server.path("garbage")), {}),
        ("bad_CSR", "no CSR", (alice, None), {}),
        ("bad_CSR", "a CSR of another type", (alice, csr), {"csr_type": "text/plain"}),
        ("bad_CSR", "a key of 1024 bits", (alice, weak), {}),
    ]
    for token, what, arguments, options in cases:
        answer = server.enroll(*arguments, **options)
        check_equal((answer.status, answer.headers["content-type"], answer.body.decode()),
                    (403, "text/plain", token), what)
    form = ["-F", f"username={alice}"]
    for status, what, options in [
            (405, "GET", []), (405, "PUT", ["-X", "PUT", *form]),
            (406, "another Accept", ["-H", "Accept: text/html", *form]),
            (415, "no form", ["-d", "username=alice"]),
            (400, "a broken form", ["-H", "Content-Type: multipart/form-data; boundary=b", "-d", "x"]),
            (413, "40000 bytes", ["-F", "csr=" + "x" * 40000])]:
        check_equal(server.curl("/enroll", *options).status, status, what)
    check_equal(server.curl("/other").status, 404, "another path")


def documents_are_served(server):
    for content in (None, b"<overlay>another</overlay>", os.urandom(100_000)):
        if content is not None:
            with open(server.path("new"), "wb") as file:
                file.write(content)
            os.rename(server.path("new"), server.path("overlay.xml"))
        with open(server.path("overlay.xml"), "rb") as file:
            expected = hashlib.sha256(file.read()).hexdigest()

        def served():
            answer = server.curl("/.well-known/reload-config")
            check_equal((answer.status, answer.headers["content-type"]),
                        (200, "application/p2p-overlay+xml"), "the well-known document")
            return hashlib.sha256(answer.body).hexdigest() == expected
        wait_for(served, "the document that lies there now, byte for byte")


def revocation_is_published(server):
    serial = server.json("certificate", "list", "--user", "alice@example.org")[0]["serial"]

    def list_text():
        answer = server.curl("/crl")
        check_equal((answer.status, answer.headers["content-type"]), (200, "application/pkix-crl"),
                    "the revocation list")
        with open(server.path("crl.der"), "wb") as file:
            file.write(answer.body)
        done = run("openssl", "crl", "-inform", "DER", "-in", server.path("crl.der"), "-noout",
                   "-text", "-CAfile", server.path("ca.pem"))
        check(b"verify OK" in done.stderr, f"openssl crl: {done.stderr}")
        return done.stdout.decode()
    check("No Revoked Certificates" in list_text(), "the list is not empty before")
    server.command("certificate", "revoke", serial)
    wait_for(lambda: f"Serial Number: {serial}" in list_text(), "the serial in the list")
    again = server.command("certificate", "revoke", serial, check_status=False)
    check(again.returncode == 1 and b"already" in again.stderr, "a second revocation is refused")
    check("revoke" in [entry["action"] for entry in server.json("audit")], "the audit log says so")


def metrics_count(server):
    done = run("curl", "-sS", "--unix-socket", server.path("control.sock"), "http://e/metrics")
    text = done.stdout.decode()
    check(text.endswith("# EOF\n"), "metrics end with # EOF")
    for name, least in [("enrolled", 2), ("renewed", 2), ("failed_authentication", 3),
                        ("username_not_available", 2), ("node_ids_not_available", 2),
                        ("bad_csr", 4), ("documents_served", 3)]:
        found = re.search(rf"^hopseal_enroll_{name}_total (\d+)$", text, re.M)
        check(found is not None and int(found[1]) >= least, f"{name} of {least} at least: {found}")


def old_tls_is_refused(server):
    answer = server.curl("/crl", "--tlsv1.0", "--tls-max", "1.1", "--ciphers", "ALL@SECLEVEL=0")
    check(answer is None, "TLS 1.1 was accepted")
    for version in ("1.2", "1.3"):
        answer = server.curl("/crl", f"--tlsv{version}", "--tls-max", version)
        check(answer is not None and answer.status == 200, f"TLS {version} was refused")


def limits_hold(server, store):
    """A server that lets little through, on the same store."""
    csr = server.path("ed25519.csr")
    server.write_config(store, source_per_hour=60, source_burst=3)
    server.start()
    statuses = [server.enroll("alice@example.org", csr).status for _ in range(4)]
    check_equal(statuses, [200, 200, 200, 429], "a burst of three requests of one address")
    server.stop()

    server.write_config(store, failures_per_hour=60, failures_burst=2)
    server.start()
    for name in ("alice@example.org", "nobody@example.org"):
        answers = [server.enroll(name, csr, password="wrong") for _ in range(3)]
        check_equal([answer.status for answer in answers], [403, 403, 429],
                    f"two failures for {name}")
        check_equal(answers[2].headers["retry-after"], "60", "when to come again")
    server.stop()

    # challenge_at = 1: whoever comes while another is at work is given a token for later.
    server.write_config(store, challenge_at=1, challenge_wait_s=1, workers=1)
    with open(server.path("enroll.toml"), encoding="utf-8") as file:
        dear = file.read().replace("scrypt_log2_n = 10", "scrypt_log2_n = 16")
        dear = dear.replace("scrypt_p = 1", "scrypt_p = 8")  # a second, and 64 MiB
    with open(server.path("enroll.toml"), "w", encoding="utf-8") as file:
        file.write(dear)
    server.start()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        def flood():
            return server.enroll("nobody@example.org", csr)
        working = [pool.submit(flood)]
        challenged = wait_for(lambda: (a := server.enroll("alice@example.org", csr)).status == 429 and a
                              or working.append(pool.submit(flood)), "a challenge")
        token = challenged.headers["hopseal-challenge"]
        check_equal(challenged.headers["retry-after"], "1", "how long a token waits")
        early = server.enroll("alice@example.org", csr, "-H", f"Hopseal-Challenge: {token}")
        if early.status == 429:
            check_equal(early.headers["hopseal-challenge"], token, "who comes early keeps his token")
        time.sleep(1.2)
        working.append(pool.submit(flood))
        answer = server.enroll("alice@example.org", csr, "-H", f"Hopseal-Challenge: {token}")
        check_equal(answer.status, 200, "the same request with its token")
        for each in working:
            each.result()
    server.stop()


def many_at_once(server):
    """200 users at once: every one gets a certificate, and no Node-ID is given twice."""
    names = [f"user{i}@example.org" for i in range(USERS)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(server.add_user, names))
    csr = server.path("ed25519.csr")
    gate = threading.Barrier(USERS)

    def enroll(name):
        gate.wait()
        return server.enroll(name, csr)
    with concurrent.futures.ThreadPoolExecutor(USERS) as pool:
        answers = list(pool.map(enroll, names))
    check_equal([a.status if a else None for a in answers], [200] * USERS, "200 at once")
    given = {}
    for name, answer in zip(names, answers):
        given[name] = node_ids(answer.body)
    check_equal(len({ids[0] for ids in given.values()}), USERS, "different Node-IDs")
    books_are_right(server, given, answers)
    return given


def books_are_right(server, given, answers=()):
    """Each certificate that was handed out is recorded, and each Node-ID has its user."""
    recorded = server.json("certificate", "list", "--most", "100000")
    by_user, owner = {}, {}
    for certificate in recorded:
        check(certificate["node_ids"], f"certificate without Node-IDs: {certificate}")
        by_user.setdefault(certificate["user"], set()).update(certificate["node_ids"])
        for each in certificate["node_ids"]:
            check_equal(owner.setdefault(each, certificate["user"]), certificate["user"],
                        f"the owner of {each}")
    for name, ids in given.items():
        check(set(ids) <= by_user.get(name, set()), f"{name} was given {ids}, recorded {by_user.get(name)}")
    for user in server.json("user", "list"):
        check_equal(len(by_user.get(user["name"], ())), user["node_ids"],
                    f"Node-IDs of {user['name']} that a certificate holds, and that he has")
    serials = {certificate["serial"].lstrip("0") for certificate in recorded}
    for answer in answers:
        text = run("openssl", "x509", "-inform", "DER", "-noout", "-serial",
                   input=answer.body).stdout.decode().strip()
        check(text.split("=")[1].lstrip("0") in serials, f"{text} was handed out and not recorded")


def killed_in_the_middle(server):
    """kill -9 under load, thrice. Whoever asks again gets the same Node-IDs."""
    names = [f"kill{i}@example.org" for i in range(KILL_USERS)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(server.add_user, names))
    csr = server.path("ed25519.csr")
    given, answers, interrupted = {}, [], 0
    for attempt in range(3):
        done = []
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            def enroll(name):
                answer = server.enroll(name, csr)
                done.append(name)
                return name, answer
            futures = [pool.submit(enroll, name) for name in names]
            wait_for(lambda: len(done) > 5 + 10 * attempt, "some enrollments", 60)
            server.kill()
            for future in futures:
                name, answer = future.result()
                if answer is None or answer.status != 200:
                    interrupted += 1
                    continue
                answers.append(answer)
                ids = node_ids(answer.body)
                check_equal(given.setdefault(name, ids), ids, f"Node-IDs of {name} after a kill")
        books_are_right(server, given, answers)
        server.start()
    check(interrupted > 0, "no request was interrupted: this has shown nothing")
    recorded = {c["user"]: c["node_ids"]
                for c in server.json("certificate", "list", "--most", "100000")}
    for name in names:
        answer = server.enroll(name, csr)
        check_equal(answer.status, 200, f"{name} after the kills")
        ids = node_ids(answer.body)
        check_equal(given.setdefault(name, ids), ids, f"Node-IDs of {name} at last")
        if name in recorded:
            check_equal(ids, recorded[name], f"Node-IDs recorded for {name}, answered or not")
    books_are_right(server, given)
    print(f"  {interrupted} requests were interrupted by kill -9, {len(answers)} answered before")


def commands_refuse(server):
    for what, arguments, stdin, text in [
            ("a short password", ("user", "add", "x@example.org"), "short\n", b"bytes"),
            ("a name that is none", ("user", "add", "x"), PASSWORD, b"user name is like"),
            ("a second of the same name", ("user", "add", "alice@example.org"), PASSWORD, b"already"),
            ("an unknown user", ("user", "disable", "zz@example.org"), "", b"no user"),
            ("an unknown serial", ("certificate", "revoke", "AA"), "", b"no certificate")]:
        done = server.command(*arguments, stdin=stdin, check_status=False)
        check(done.returncode == 1 and text in done.stderr, f"{what}: {done.stderr}")
    server.command("check")
    os.chmod(server.path("ca-key.pem"), 0o640)
    done = server.command("check", check_status=False)
    check(done.returncode == 1 and b"chmod 600" in done.stderr, f"a key for many: {done.stderr}")
    os.chmod(server.path("ca-key.pem"), 0o600)
    server.command("user", "remove", "off@example.org")
    done = server.command("user", "add", "off@example.org", stdin=PASSWORD, check_status=False)
    check(done.returncode == 1 and b"was removed" in done.stderr, f"a name again: {done.stderr}")


def on_store(directory, program, store):
    server = Server(directory, program, store)
    try:
        server.command("check")
        server.start()
        certificates_are_right(server)
        every_error_has_its_token(server)
        documents_are_served(server)
        revocation_is_published(server)
        metrics_count(server)
        old_tls_is_refused(server)
        commands_refuse(server)
        many_at_once(server)
        killed_in_the_middle(server)
        server.stop()
        limits_hold(server, store)
    except BaseException:
        print(f"--- {directory}\n{server.tail() if os.path.exists(server.log) else ''}")
        raise
    finally:
        if server.process is not None and server.process.poll() is None:
            server.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build", help="Meson build directory")
    parser.add_argument("--store", choices=("sqlite", "postgres", "both"), default="both")
    arguments = parser.parse_args()
    for needed in ("curl", "openssl"):
        if shutil.which(needed) is None:
            print(f"skipped: needs {needed}: tools/deps installs it")
            sys.exit(SKIP)
    why_not = private_postgres.missing()
    if why_not and arguments.store != "sqlite":
        print(f"skipped: {why_not}")
        sys.exit(SKIP)
    program = os.path.join(os.path.abspath(arguments.build), "controlplane/enroll/hopseal-enroll")
    with tempfile.TemporaryDirectory(prefix="hopseal-enroll-") as directory:
        try:
            if arguments.store != "postgres":
                on_store(os.path.join(directory, "sqlite"), program, "sqlite:enroll.db")
                print("on SQLite: held")
            if arguments.store != "sqlite":
                with private_postgres.PrivatePostgres() as url:
                    on_store(os.path.join(directory, "postgres"), program, url)
                print("on PostgreSQL: held")
        except Failed as failed:
            print(f"enrollment_with_curl: {failed}")
            sys.exit(1)
        except Exception:  # a defect of the scenario
            traceback.print_exc()
            sys.exit(1)
    print("enrollment_with_curl: held")


main()
