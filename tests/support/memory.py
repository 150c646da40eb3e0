# SPDX-License-Identifier: Apache-2.0
"""How much memory a process has, from /proc."""

MIB = 1 << 20


def private_bytes(process):
    """Memory that is this process's own, in bytes: what a leak, or state kept for strangers, adds to."""
    with open(f"/proc/{process.pid}/smaps_rollup", encoding="ascii") as file:
        return sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Private_"))
