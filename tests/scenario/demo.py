#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demo: a source, four peers and a destination in network namespaces, and somebody between two of
the peers who flips a bit in one message of a hundred. Shows what becomes of these messages, and whom
the evidence names. Exit status 0 when everything that was promised held."""

import argparse
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import netns  # noqa: E402
from lab import Lab  # noqa: E402
from scenario import Failed, SKIP  # noqa: E402
from tampering import Watch  # noqa: E402

ALGORITHMS = {"ed25519": "Ed25519", "ecdsa-p256": "ECDSA P-256", "rsa-2048": "RSA-2048"}
ROLES = ("source", "peer", "peer", "peer", "peer", "destination")
TTY = sys.stdout.isatty()


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if TTY else text


def bold(text):
    return paint("1", text)


def verdict(good):
    return paint("32", "yes") if good else paint("31;1", "NO")


def progress(share, text):
    if TTY:
        width = 40
        done = int(share * width)
        print(f"\r  {'█' * done}{'░' * (width - done)} {share:4.0%}  {text}\033[K", end="", flush=True)


def table(head, rows, right):
    """Columns as wide as they need to be; the columns in right are numbers."""
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]

    def line(row):
        return "  ".join(f"{cell!s:>{w}}" if i in right else f"{cell!s:<{w}}"
                         for i, (cell, w) in enumerate(zip(row, widths))).rstrip()
    print("  " + bold(line(head)))
    for row in rows:
        print("  " + line(row))


def run_traffic(lab, source, sink, rate, seconds):
    """Pings with each algorithm side by side; the finished runs by algorithm."""
    runs = {a: source.start_ping(sink, count=int(rate * seconds), rate=rate, identity=a)
            for a in ALGORITHMS}
    start = time.monotonic()
    if not TTY:
        print(f"  sending for {seconds} s ...", flush=True)
    while time.monotonic() - start < seconds:
        share = (time.monotonic() - start) / seconds
        stopped = sum(n.drops().get("bad_signature", 0) for n in lab.nodes)
        answered = sum(run.answered_so_far() for run in runs.values())
        progress(share, f"{answered} answered, {stopped} stopped")
        time.sleep(0.25)
    progress(1, "waiting for those that must be sent again")
    finished = {algorithm: run.wait() for algorithm, run in runs.items()}
    if TTY:
        print("\r\033[K", end="")
    return finished


def show_nodes(lab):
    rows, all_unaccounted = [], 0
    for node, role in zip(lab.nodes, ROLES):
        counters = node.counters()
        drops = ", ".join(f"{n} {name}" for name, n in node.drops().items() if n) or "none"
        all_unaccounted += abs(counters["unaccounted"])
        rows.append((node.name, role, counters["received"], counters["forwarded"],
                     counters["verified"], node.cycles_per_message(), counters["held"],
                     counters["unaccounted"], drops))
    print(bold("Nodes"))
    table(("node", "role", "in", "forwarded", "verified", "cycles/message", "held", "unaccounted",
           "dropped by reason"), rows, right=range(2, 8))
    return all_unaccounted


def show_round_trips(finished):
    rows = []
    for algorithm, run in finished.items():
        first = sorted(l["rtt_us"] for l in run.lines if l["status"] == "ok" and l["sends"] == 1)
        again = sum(1 for l in run.lines if l["status"] == "ok" and l["sends"] > 1)

        def at(share, values=first):
            return f"{values[min(len(values) - 1, int(share * len(values)))] / 1000:.2f}" if values else "-"
        rows.append((ALGORITHMS[algorithm], run.summary["sent"], run.summary["answered"], again,
                     at(0.5), at(0.9), at(0.99), at(1)))
    print(bold("Round trips over five links, in ms"))
    table(("signed with", "sent", "answered", "after repeating", "p50", "p90", "p99", "max"), rows,
          right=range(1, 8))


def show_tampering(lab, found):
    left, right = lab.tamperer.left.name, lab.tamperer.right.name
    print(bold("Tampering") + f"  one message in {lab.tamperer.one_in} on the link {left} ── {right}")
    table(("direction", "messages changed", "dropped as bad_signature by"),
          [(f"{left} → {right}", found.tampered_requests, f"{right}: {found.dropped[right]}"),
           (f"{right} → {left}", found.tampered_answers, f"{left}: {found.dropped[left]}")],
          right=(1,))
    print()
    print(bold("Evidence"))
    rows = [(node, f"the link to {neighbour}", count)
            for node, accused in found.accused.items() for neighbour, count in accused.items()]
    table(("node", "accuses", "messages"), rows or [("none", "", "")], right=(2,))


def demo(world, build, arguments):
    print(bold("Hopseal") + ": six nodes in network namespaces, two processes each\n")
    print("  source ── node2 ── node3 ──" + paint("31;1", " tamperer ") + "── node4 ── node5 ── destination\n")
    lab = Lab(world, build, "--nodes", "6", "--client-ends", "--identities", "all",
              tamper=("node3", "node4"), one_in=arguments.one_in, seed=arguments.seed)
    source, sink = lab.nodes[0], lab.nodes[-1]
    lab.start()
    watch = Watch(lab)
    finished = run_traffic(lab, source, sink, arguments.rate, arguments.seconds)
    found = watch.stop()

    unaccounted = show_nodes(lab)
    print()
    show_tampering(lab, found)
    print()
    show_round_trips(finished)
    print()

    sent = sum(run.summary["sent"] for run in finished.values())
    answered = sum(run.summary["answered"] for run in finished.values())
    held = [
        ("something was tampered with", found.tampered > 0),
        (f"tampered messages passed on: {found.delivered} of {found.tampered}", found.delivered == 0),
        ("every one dropped by the first peer behind the tamperer, and the evidence names that link alone",
         not found.broken),
        (f"unaccounted packets: {unaccounted}", unaccounted == 0),
        (f"requests answered, in spite of it all: {answered} of {sent}", answered == sent),
    ]
    print(bold("As promised"))
    for promise, good in held:
        print(f"  {verdict(good):<3}  {promise}")
    for sentence in found.broken:
        print(paint("31", f"       {sentence}"))
    return all(good for _promise, good in held)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build", help="Meson build directory")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=100, help="requests per second and algorithm")
    parser.add_argument("--one-in", type=int, default=100, help="tamper with one message of this many")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keep", metavar="DIRECTORY", help="copy logs and captures there")
    arguments = parser.parse_args()
    netns.become_root()
    why_not = netns.missing()
    if why_not is not None:
        print(f"the demo cannot run here: {why_not}", file=sys.stderr)
        sys.exit(SKIP)
    status = 1
    try:
        with netns.World(keep_logs_in=arguments.keep) as world:
            try:
                status = 0 if demo(world, os.path.abspath(arguments.build), arguments) else 1
            except (Failed, RuntimeError) as failed:
                print(paint("31", f"\nthe demo broke off: {failed}"))
    except KeyboardInterrupt:
        print("\ninterrupted; everything is removed")
        status = 128 + signal.SIGINT
    sys.exit(status)


main()
