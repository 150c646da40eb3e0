# SPDX-License-Identifier: Apache-2.0
"""Network namespaces, veth pairs and processes that vanish with the program that made them.

Everything carries the prefix hsl<pid>, so two runs never meet, and what a killed run left behind is
found and removed by the next one. Nothing without that prefix is ever touched.
"""

import atexit
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PREFIX = "hsl"
# How many times slower than a release build this one is (tests/scenario/meson.build): what is about
# time, and nothing else, waits so much longer.
PATIENCE = float(os.environ.get("HOPSEAL_PATIENCE", "1"))
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def run(*command, check=True, **options):
    """Runs a command and gives its stdout; says what failed and why."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def become_root():
    """Without root, starts the program again as root of a user namespace of its own, where the kernel
    allows that: namespaces and packet sockets need no more. Returns when there is nothing to do."""
    entered = "HOPSEAL_IN_USER_NAMESPACE"
    if os.geteuid() == 0 or entered in os.environ:
        return
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "--net"]
    if shutil.which("unshare") is None or subprocess.run(
            [*unshare, "true"], capture_output=True, check=False).returncode != 0:
        return
    # ip netns keeps its names below /run.
    script = 'mount -t tmpfs tmpfs /run && exec "$@"'
    os.environ[entered] = "1"
    os.execvp("unshare", [*unshare, "sh", "-c", script, "sh", sys.executable, *sys.argv])


def missing():
    """What this machine lacks for namespaces, as a sentence, or None."""
    if os.geteuid() != 0:
        return "needs root, or user namespaces: network namespaces and packet sockets"
    for program in ("ip", "ethtool"):
        if shutil.which(program) is None:
            return f"needs {program}: tools/deps installs it"
    probe = f"{PREFIX}{os.getpid()}-probe"
    try:
        run("ip", "netns", "add", probe)
    except RuntimeError as error:
        return f"cannot make network namespaces: {error}"
    run("ip", "netns", "del", probe, check=False)
    return None


def _die_with_parent():
    # A killed test must not leave a dataplane polling. setsid keeps Ctrl-C for the parent, which
    # then stops everybody in order.
    os.setsid()
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A program inside a namespace, its output in files."""

    def __init__(self, name, popen, log):
        self.name, self.popen, self.log = name, popen, log

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def kill(self):
        """kill -9, and waits until it is gone."""
        if self.running():
            self.popen.kill()
        self.popen.wait()

    def stop(self, patience_s=5.0 * PATIENCE):
        """SIGTERM, and kill -9 when that does not help. Gives the exit status."""
        if self.running():
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(patience_s)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        return self.popen.wait()

    def tail(self, lines=15):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                return "".join(log.readlines()[-lines:])
        except OSError:
            return ""


class World:
    """Namespaces, veths and processes of one run. Use as a context manager."""

    def __init__(self, keep_logs_in=None):
        self.id = f"{PREFIX}{os.getpid()}"
        _remove_leftovers()
        self.namespaces, self.processes = [], []
        # Regions are shared memory, so they live on tmpfs.
        self.directory = tempfile.mkdtemp(prefix=f"{self.id}-", dir=_tmpfs())
        self.keep_logs_in = keep_logs_in
        self._closed = False
        atexit.register(self.close)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _exit_on_signal)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def namespace(self, name):
        full = f"{self.id}-{name}"
        run("ip", "netns", "add", full)
        self.namespaces.append(full)
        # Router solicitations and the like are noise on a port the dataplane owns.
        run("ip", "netns", "exec", full, "sysctl", "-qw",
            "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
        run("ip", "-n", full, "link", "set", "lo", "up")
        return full

    def veth(self, namespace_a, name_a, namespace_b, name_b, mac_a=None, mac_b=None, mtu=1500):
        """A pair without IP addresses, checksum offload off: what net_af_packet wants."""
        run("ip", "-n", namespace_a, "link", "add", name_a, "type", "veth",
            "peer", "name", name_b, "netns", namespace_b)
        for namespace, name, mac in ((namespace_a, name_a, mac_a), (namespace_b, name_b, mac_b)):
            if mac:
                run("ip", "-n", namespace, "link", "set", name, "address", mac)
            run("ip", "-n", namespace, "link", "set", name, "mtu", str(mtu), "txqueuelen", "10000")
            run("ip", "netns", "exec", namespace, "ethtool", "-K", name, "tx", "off")
            run("ip", "-n", namespace, "link", "set", name, "up")

    def give_address(self, namespace, interface, address):
        """For ends that kernel sockets use."""
        if ":" in address:
            run("ip", "netns", "exec", namespace, "sysctl", "-qw",
                f"net.ipv6.conf.{interface}.disable_ipv6=0",
                f"net.ipv6.conf.{interface}.accept_dad=0")
            run("ip", "-n", namespace, "addr", "add", address, "dev", interface, "nodad")
        else:
            run("ip", "-n", namespace, "addr", "add", address, "dev", interface)

    def start(self, namespace, name, command, environment=None, stdin=None, stdout=None):
        """Starts a program in a namespace; stdout and stderr go to <directory>/<name>.log, but
        stdout to a file descriptor when there is one. Without one for stdin it is empty."""
        log = self.path(f"{name}.log")
        with open(log, "ab") as output:
            popen = subprocess.Popen(
                ["ip", "netns", "exec", namespace, *command],
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=output if stdout is None else stdout, stderr=output,
                preexec_fn=_die_with_parent, env={**os.environ, **(environment or {})})
        process = Process(name, popen, log)
        self.processes.append(process)
        return process

    def run_in(self, namespace, *command, timeout=120):
        """Runs a program in a namespace to its end and gives (status, stdout, stderr)."""
        popen = subprocess.Popen(
            ["ip", "netns", "exec", namespace, *command], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_die_with_parent)
        try:
            out, err = popen.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            popen.kill()
            out, err = popen.communicate()
            err += f"\n(killed after {timeout} s)"
        except BaseException:
            popen.kill()
            popen.wait()
            raise
        return popen.returncode, out, err

    def stop(self):
        """Ends all processes: SIGTERM, and kill -9 for those it does not move."""
        for process in self.processes:
            if process.running():
                process.popen.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 3 * PATIENCE
        for process in self.processes:
            process.stop(max(0.05, deadline - time.monotonic()))

    def close(self):
        """Stops and removes everything. Safe to call twice, and again after it was interrupted."""
        if self._closed:
            return
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN) if _main_thread() else None
        try:
            self.stop()
            for namespace in self.namespaces:
                _remove_namespace(namespace)
            if self.keep_logs_in:
                os.makedirs(self.keep_logs_in, exist_ok=True)
                for name in os.listdir(self.directory):
                    if name.endswith((".log", ".json", ".jsonl", ".pcap", ".toml")):
                        shutil.copy(self.path(name), self.keep_logs_in)
            shutil.rmtree(self.directory, ignore_errors=True)
            self._closed = True
        finally:
            if previous is not None:
                signal.signal(signal.SIGINT, previous)


def _tmpfs():
    return "/dev/shm" if os.path.isdir("/dev/shm") and os.access("/dev/shm", os.W_OK) else None


def _main_thread():
    import threading
    return threading.current_thread() is threading.main_thread()


def _exit_on_signal(number, _frame):
    sys.exit(128 + number)  # runs the exit handlers, so World.close


def _remove_namespace(namespace):
    for pid in run("ip", "netns", "pids", namespace, check=False).split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            pass
    run("ip", "netns", "del", namespace, check=False)


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _remove_leftovers():
    """What a run that was killed -9 left: its namespaces and directories, by its dead pid."""
    ours = re.compile(rf"^{PREFIX}(\d+)-")
    for line in run("ip", "netns", "list", check=False).splitlines():
        name = line.split()[0]
        match = ours.match(name)
        if match and not _alive(int(match.group(1))):
            _remove_namespace(name)
    base = _tmpfs() or tempfile.gettempdir()
    for name in os.listdir(base):
        match = ours.match(name)
        if match and not _alive(int(match.group(1))):
            shutil.rmtree(os.path.join(base, name), ignore_errors=True)
