#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL of one's own for a test: a new cluster in a temporary directory, on a Unix socket only.

private_postgres.py COMMAND...   runs the command with HOPSEAL_POSTGRES_URL in its environment
"""

import glob
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

SKIP = 77  # what Meson reads as "skipped"


def programs():
    """The directory of the newest initdb, or None. Debian keeps it out of PATH."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"),
                   key=lambda path: int(path.split("/")[4]))
    path = found[-1] if found else shutil.which("initdb")
    return os.path.dirname(path) if path else None


def _unprivileged():
    """What a command is prefixed with: initdb and postgres refuse root."""
    if os.geteuid() != 0:
        return []
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return None


def missing():
    """Why there can be no PostgreSQL here, or None."""
    if programs() is None:
        return "needs postgresql: tools/deps installs it"
    if _unprivileged() is None:
        return "needs a user other than root to run PostgreSQL as"
    return None


class PrivatePostgres:
    """with PrivatePostgres() as url: the cluster lives as long as the block."""

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="hopseal-pg-", dir="/tmp")
        prefix = _unprivileged()
        if prefix:
            owner = int(prefix[1].split("=")[1])
            os.chown(self.directory, owner, int(prefix[2].split("=")[1]))
        data = os.path.join(self.directory, "data")
        quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True,
                 "cwd": self.directory}
        self.process = None
        try:
            made = subprocess.run(
                prefix + [os.path.join(programs(), "initdb"), "-D", data, "-U", "hopseal",
                          "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"],
                check=False, **quiet)
            if made.returncode != 0:
                raise RuntimeError(f"initdb: {made.stdout}")
            self.log = open(os.path.join(self.directory, "log"), "w+", encoding="utf-8")
            self.process = subprocess.Popen(
                prefix + [os.path.join(programs(), "postgres"), "-D", data, "-k", self.directory,
                          "-c", "listen_addresses=", "-c", "max_connections=40",
                          "-c", "shared_buffers=16MB"],
                stdout=self.log, stderr=subprocess.STDOUT, cwd=self.directory)
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return (f"postgresql://hopseal@/postgres?host="
                f"{urllib.parse.quote(self.directory, safe='')}")

    def _wait(self):
        deadline = time.monotonic() + 60 * float(os.environ.get("HOPSEAL_PATIENCE", "1"))
        ready = [os.path.join(programs(), "pg_isready"), "-q", "-h", self.directory, "-U", "hopseal",
                 "-d", "postgres"]
        while subprocess.run(ready, check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.log.seek(0)
                raise RuntimeError(f"postgres did not start: {self.log.read()[-2000:]}")
            time.sleep(0.1)

    def __exit__(self, *_):
        if self.process is not None:
            self.process.send_signal(3)  # SIGQUIT: at once; nothing in it is worth a checkpoint
            self.process.wait()
            self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def main():
    why_not = missing()
    if why_not is not None:
        print(f"skipped: {why_not}")
        sys.exit(SKIP)
    with PrivatePostgres() as url:
        environment = dict(os.environ, HOPSEAL_POSTGRES_URL=url)
        sys.exit(subprocess.run(sys.argv[1:], check=False, env=environment).returncode)


if __name__ == "__main__":
    main()
