"""Dashboard processes for tests: real ones, forked from a process that has imported everything.

Importing takes a second of one core, which a test suite would otherwise pay a hundred times.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

from papertape.dashboard.server import serve

START_S_MAX = 30.0
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["papertape.dashboard.server"])


class Served:
    """A process that serves a data folder on a port; it has `subprocess.Popen`'s manners."""

    def __init__(self, port: int, data_dir: Path, log: Path) -> None:
        """Start it; what it says is appended to the log."""
        arguments = (port, data_dir, log, dict(os.environ))
        self._process = FORKS.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait for its end and return the exit code."""
        self._process.join(timeout_s)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("dashboard", timeout_s or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, if it is still there."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def _serve(port: int, data_dir: Path, log: Path, environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    with log.open("ab") as file:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(file.fileno(), stream.fileno())
    serve("127.0.0.1", port, data_dir)


def served(port: int, data_dir: Path, log: Path) -> Served:
    """Start a dashboard and wait until it listens."""
    process = Served(port, data_dir, log)
    deadline = time.monotonic() + START_S_MAX
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.02)
    raise AssertionError(log.read_text())


def free_port() -> int:
    """Return a port that nobody uses now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
