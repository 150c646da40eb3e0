#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demo: a source, four peers and a destination in network namespaces. Somebody between two of the
peers flips bits in the records on the wire, and one of the peers flips bits in messages it forwards.
Shows what becomes of both, and whom the evidence names. Exit status 0 when everything that was
promised held."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from demo_run import run_demo  # noqa: E402
from lab import Lab  # noqa: E402
from tampering import messages_of_a_byzantine_peer, records_on_the_wire  # noqa: E402

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
        stopped = sum(n.drops().get(reason, 0) for n in lab.nodes
                      for reason in ("bad_signature", "record_forged"))
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


def show_tampering(lab, records, messages):
    left, right = lab.tamperer.left.name, lab.tamperer.right.name
    byzantine = lab.byzantine.node.name
    print(bold("Tampering"))
    rows = [(f"wire {left} ── {right}", "a record", towards, count, "record_forged",
             records.dropped[towards]) for towards, count in records.tampered.items()]
    rows += [(f"peer {byzantine}", "a message", towards, count, "bad_signature",
              messages.dropped[towards]) for towards, count in messages.tampered.items()]
    table(("who", "changes", "on the way to", "changed", "reason there", "dropped there"), rows,
          right=(3, 5))
    resent = sum(link["retransmitted"] for name in (left, right)
                 for peer, link in lab.node(name).links().items() if peer in (left, right))
    print(f"  {resent} messages were sent again on the link {left} ── {right}: "
          "what a dropped record held came through\n")
    print(bold("Evidence"))
    rows = [(node, f"the link to {neighbour}", count)
            for node, accused in messages.accused.items() for neighbour, count in accused.items()]
    table(("node", "accuses", "messages"), rows or [("none", "", "")], right=(2,))


def demo(world, arguments):
    print(bold("Hopseal") + ": six nodes in network namespaces, two processes each, DTLS on every link\n")
    print("  source ── node2 ──" + paint("31;1", " tamperer ") + "── node3 ── "
          + paint("31;1", "node4") + " ── node5 ── destination\n")
    print("  The tamperer changes records on the wire. node4 is a peer that cheats: it changes messages it\n"
          "  forwards, after checking them and before sealing them.\n")
    lab = Lab(world, arguments.build, "--nodes", "6", "--client-ends", "--identities", "all",
              tamper=("node2", "node3"), byzantine="node4", one_in=arguments.one_in,
              seed=arguments.seed)
    source, sink = lab.nodes[0], lab.nodes[-1]
    lab.start()
    lab.wait_for_settled_keys()
    finished = run_traffic(lab, source, sink, arguments.rate, arguments.seconds)
    records = records_on_the_wire(lab)
    messages = messages_of_a_byzantine_peer(lab)

    unaccounted = show_nodes(lab)
    print()
    show_tampering(lab, records, messages)
    print()
    show_round_trips(finished)
    print()

    sent = sum(run.summary["sent"] for run in finished.values())
    answered = sum(run.summary["answered"] for run in finished.values())
    wire_dropped, peer_dropped = sum(records.dropped.values()), sum(messages.dropped.values())
    held = [
        (f"records changed on the wire: {records.total}, dropped by the next node's record layer: "
         f"{wire_dropped}", records.total > 0 and not records.broken),
        (f"messages changed by the cheating peer: {messages.total}, dropped by the next honest peer: "
         f"{peer_dropped}; the evidence names the cheating peer and nobody else",
         messages.total > 0 and not messages.broken),
        (f"unaccounted packets: {unaccounted}", unaccounted == 0),
        (f"requests answered, in spite of it all: {answered} of {sent}", answered == sent),
    ]
    print(bold("As promised"))
    for promise, good in held:
        print(f"  {verdict(good):<3}  {promise}")
    for sentence in records.broken + messages.broken:
        print(paint("31", f"       {sentence}"))
    return all(good for _promise, good in held)


def add_arguments(parser):
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=100, help="requests per second and algorithm")
    parser.add_argument("--one-in", type=int, default=100, help="tamper with one record, and one message, of this many")
    parser.add_argument("--seed", type=int, default=7)


run_demo(demo, __doc__, add_arguments)
