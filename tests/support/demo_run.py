# SPDX-License-Identifier: Apache-2.0
"""How a demo is run: what it lacks, Ctrl-C, exit status."""

import argparse
import os
import signal
import sys

import netns
from scenario import SKIP, Failed


def run_demo(demo, about, add_arguments=lambda parser: None):
    """demo(world, arguments) says whether all that was promised held. Ends the program."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--build", default="build", type=os.path.abspath, help="Meson build directory")
    parser.add_argument("--keep", metavar="DIRECTORY", help="copy logs and captures there")
    add_arguments(parser)
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
                status = 0 if demo(world, arguments) else 1
            except (Failed, RuntimeError) as failed:
                print(f"\nthe demo broke off: {failed}")
    except KeyboardInterrupt:
        print("\ninterrupted; everything is removed")
        status = 128 + signal.SIGINT
    sys.exit(status)
