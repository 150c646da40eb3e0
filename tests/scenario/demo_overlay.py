#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The second demo: an overlay comes about. An enrollment server and a bootstrap node; five more nodes
enroll with a user name and a password and join by themselves; signed Pings go between all pairs; one
node dies by kill -9 and the ring closes over the gap; two more join. Exit status 0 when everything that
was promised held."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import netns  # noqa: E402
from demo_run import run_demo  # noqa: E402
from open_overlay import OpenOverlay  # noqa: E402

JOINED_S = 60
HEALED_S = 90  # the liveness Ping, its retransmissions, Updates
PINGS, RATE = 5, 10


def members(overlay, since):
    """Waits until all are one ring, and says when each was a member."""
    waiting, after = list(overlay.nodes_up), {}
    deadline = time.monotonic() + JOINED_S * netns.PATIENCE
    while waiting and time.monotonic() < deadline:
        for node in [node for node in waiting if overlay.is_member(node)]:
            waiting.remove(node)
            if node.name in since:
                after[node.name] = time.monotonic() - since[node.name]
        time.sleep(0.1)
    overlay.wait_true(overlay.nodes_up, JOINED_S)
    return after


def show_ring(overlay, after):
    print("  ring, in the order of Node-IDs")
    for node in sorted(overlay.nodes_up, key=lambda one: one.id):
        view = overlay.overlay_of(node)
        names = {other.id: other.name for other in overlay.nodes}
        before, behind = (names[view[side][0]["node_id"]] for side in ("predecessors", "successors"))
        joined = f"member after {after[node.name]:.1f} s" if node.name in after else ""
        print(f"    {node.id}  {node.name}  between {before} and {behind}, {view['links']} links  {joined}")


def ping_all(overlay):
    """Between all pairs, each way; (answered, sent), and the round trips in ms."""
    nodes = overlay.nodes_up
    runs = [a.start_ping(b, count=PINGS, rate=RATE) for a in nodes for b in nodes if a is not b]
    for run in runs:
        run.wait()
    rtts = sorted(line["rtt_us"] / 1000 for run in runs for line in run.lines if line["status"] == "ok")
    answered = sum(run.summary["answered"] for run in runs)
    print(f"  {len(runs)} pairs: {answered} of {len(runs) * PINGS} Pings answered, round trip "
          f"p50 {rtts[len(rtts) // 2]:.2f} ms, slowest {rtts[-1]:.0f} ms\n", flush=True)
    return answered == len(runs) * PINGS


def welcome(overlay, count):
    """Nodes that enroll and are started; when each began."""
    since = {}
    for _ in range(count):
        begun = time.monotonic()
        node = overlay.newcomer()
        print(f"  {node.name} enrolled as {node.id} in {time.monotonic() - begun:.1f} s", flush=True)
        since[node.name] = time.monotonic()
        node.start()
        overlay.nodes_up.append(node)
    return since


def demo(world, arguments):
    print("Hopseal: an enrollment server and nodes that know its URL, on one network segment\n")
    overlay = OpenOverlay(world, arguments.build)
    overlay.nodes_up = [overlay.newcomer()]
    overlay.begin()
    print(f"  node1 enrolled as {overlay.nodes[0].id} and took the whole ring", flush=True)
    since = welcome(overlay, 5)
    show_ring(overlay, members(overlay, since))
    held = [("six nodes are one ring and every pair reaches each other", ping_all(overlay))]

    dead = overlay.nodes[3]
    dead.controlplane.kill()
    dead.dataplane.kill()
    killed = time.monotonic()
    overlay.nodes_up.remove(dead)
    overlay.wait_true(overlay.nodes_up, HEALED_S)
    print(f"  {dead.name} was killed; the others are one ring again after "
          f"{time.monotonic() - killed:.1f} s", flush=True)
    held.append((f"without {dead.name}, every remaining pair reaches each other", ping_all(overlay)))

    since = welcome(overlay, 2)
    show_ring(overlay, members(overlay, since))
    held.append(("two more joined, and every pair reaches each other", ping_all(overlay)))
    unaccounted = sum(abs(node.counters()["unaccounted"]) for node in overlay.nodes_up)
    held.append((f"unaccounted packets: {unaccounted}", unaccounted == 0))

    print("As promised")
    for promise, good in held:
        print(f"  {'yes' if good else 'NO':<3}  {promise}")
    return all(good for _promise, good in held)


run_demo(demo, __doc__)
