# SPDX-License-Identifier: Apache-2.0
"""What every scenario shares: its command line, skipping by name, checks that read as findings."""

import argparse
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback

import netns
from netns import PATIENCE

SKIP = 77  # what Meson reads as "skipped"
_SANITIZER_REPORT = re.compile(r"(WARNING|ERROR): \w+Sanitizer|: runtime error: ")


class Failed(Exception):
    """A check that did not hold."""


def check(condition, finding):
    if not condition:
        raise Failed(finding)


def check_equal(found, expected, what):
    check(found == expected, f"{what}: expected {expected}, found {found}")


def wait_for(condition, what, seconds=10.0, every=0.05):
    """Waits until condition() is true and gives its value; fails by name after some seconds."""
    seconds *= PATIENCE
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"waited {seconds:g} s for {what}")
        time.sleep(every)


def main(name, body, needs=()):
    """Runs body(world, build) in a fresh World. Returns when it held; exit status 1: it did not,
    77: it cannot run here."""
    parser = argparse.ArgumentParser(description=name)
    parser.add_argument("--build", default="build", help="Meson build directory")
    parser.add_argument("--keep", metavar="DIRECTORY", help="copy logs and captures there")
    arguments = parser.parse_args()

    netns.become_root()
    why_not = netns.missing()
    for program in needs:
        if why_not is None and shutil.which(program) is None:
            why_not = f"needs {program}: tools/deps installs it"
    if why_not is not None:
        print(f"skipped: {why_not}")
        sys.exit(SKIP)

    build = os.path.abspath(arguments.build)
    keep = arguments.keep or os.path.join(tempfile.gettempdir(), f"hopseal-{name}")
    world = netns.World(keep_logs_in=arguments.keep)
    status = 1
    try:
        with world:
            try:
                body(world, build)
                world.stop()
                _check_logs(world)
                print(f"{name}: held")
                status = 0
            except Failed as failed:
                world.keep_logs_in = keep
                print(f"{name}: {failed}")
                _show_logs(world)
            except Exception:  # a defect of the scenario, or of a program it started
                world.keep_logs_in = keep
                traceback.print_exc()
                _show_logs(world)
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    if world.keep_logs_in:
        print(f"logs: {world.keep_logs_in}")
    if status != 0:
        sys.exit(status)


def _check_logs(world):
    """In a sanitizer build: what a process said against itself, also when it ended well after it."""
    for process in world.processes:
        with open(process.log, encoding="utf-8", errors="replace") as log:
            report = next((line for line in log if _SANITIZER_REPORT.search(line)), None)
        check(report is None, f"{process.name}: {report}")


def _show_logs(world):
    for process in world.processes:
        tail = process.tail(8).strip()
        if tail and ".dumpcap" not in process.name:
            print(f"--- {process.name}\n{tail}")
