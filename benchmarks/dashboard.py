"""A dashboard in a process of its own, started as users start it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_TIMEOUT_S = 30


@dataclass(frozen=True)
class Served:
    """Where it listens, and which process it is."""

    port: int
    pid: int

    @property
    def address(self) -> str:
        """Return the address of the overview."""
        return f"http://127.0.0.1:{self.port}/"


@contextmanager
def serving(data_dir: Path) -> Iterator[Served]:
    """Serve a data folder on a free port; raises RuntimeError if nobody answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "papertape.cli", "dashboard"]
    command += ["--port", str(port), "--data-dir", str(data_dir)]
    server = subprocess.Popen(
        command, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        yield Served(port, server.pid)
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(port: int) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/status", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the dashboard did not start")


def answer(served: Served, path: str) -> Any:
    """Return the data that an endpoint answers with."""
    with urllib.request.urlopen(f"http://127.0.0.1:{served.port}{path}", timeout=10) as said:
        return json.load(said)["data"]
