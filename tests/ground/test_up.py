"""`papertape up`: two processes that start, are kept alive, and stop together."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.slow

READY_S_MAX = 20.0  # on a busy machine; alone it takes about a second
STOP_S_MAX = 3.0  # the promise


class Up:
    """A `papertape up` of its own, on a free port and an empty folder."""

    def __init__(self, folder: Path, *words: str) -> None:
        """Start it."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.data_dir = folder / "data"
        self.log = folder / "up.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", "papertape.cli", "up", "--port", str(self.port),
                    "--data-dir", str(self.data_dir), *words,
                ],
                cwd=folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    def get(self, path: str) -> dict[str, object]:
        """Return the data of an API answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        data: dict[str, object] = answer["data"]
        return data

    def child(self, command: str) -> psutil.Process | None:
        """Return the child that runs this papertape command."""
        for child in psutil.Process(self.process.pid).children():
            if child.status() != psutil.STATUS_ZOMBIE and command in child.cmdline():
                return child
        return None

    def trades(self) -> int:
        """Return how many trades the dashboard knows, -1 while it knows none."""
        try:
            summary = self.get("/api/portfolio")["summary"]
        except (OSError, http.client.HTTPException):
            return -1
        assert isinstance(summary, dict)
        count = summary["trades_count"]
        return -1 if count is None else int(count)  # None: no run is known yet

    def end(self) -> None:
        """Make sure that nothing is left."""
        family = []
        if self.process.poll() is None:
            family = psutil.Process(self.process.pid).children()
            self.process.kill()
        for child in family:
            child.kill()
        self.process.wait()


def wait_for(what: Callable[[], object], timeout_s: float = READY_S_MAX) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """Return a running `papertape up` on a fast simulation."""
    running = Up(tmp_path, "--speed", "20")
    try:
        yield running
    finally:
        running.end()


def test_a_trade_reaches_the_dashboard_and_ctrl_c_stops_both(up: Up) -> None:
    """The page's data holds trades of the bot; SIGINT ends all within 3 s, in good order."""
    wait_for(lambda: up.trades() > 0)
    assert f"http://127.0.0.1:{up.port}" in up.log.read_text()
    family = psutil.Process(up.process.pid).children()
    assert len(family) == 2
    began = time.monotonic()
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(10) == 0
    assert time.monotonic() - began < STOP_S_MAX
    assert not any(child.is_running() for child in family)
    log = up.log.read_text()
    assert "Traceback" not in log
    assert "killing it" not in log
    words = [sys.executable, "-m", "papertape.cli", "verify", "--data-dir", str(up.data_dir)]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0


def test_a_killed_bot_is_started_again_and_goes_on(up: Up) -> None:
    """`kill -9` of the bot: a new one goes on with the same tape; the dashboard never went."""
    wait_for(lambda: up.trades() > 0)
    bot, dashboard = up.child("run"), up.child("dashboard")
    assert bot is not None
    assert dashboard is not None
    before = up.trades()
    bot.kill()
    wait_for(lambda: (new := up.child("run")) is not None and new.pid != bot.pid)
    wait_for(lambda: up.trades() > before)
    assert dashboard.is_running()
    assert "the bot died (signal 9)" in up.log.read_text()


def test_children_end_when_their_parent_was_killed(up: Up) -> None:
    """No bot trades on in the dark."""
    wait_for(lambda: up.trades() >= 0)
    family = psutil.Process(up.process.pid).children()
    assert len(family) == 2
    up.process.kill()
    up.process.wait()
    gone, alive = psutil.wait_procs(family, timeout=10)
    for child in alive:
        child.kill()
    assert len(gone) == 2


def test_a_second_bot_on_the_same_folder_exits_3(up: Up) -> None:
    """It names the one that runs, at once, and `up` does not try again and again."""
    wait_for(lambda: up.trades() >= 0)
    bot = up.child("run")
    assert bot is not None
    for command in ("run", "up"):
        words = [sys.executable, "-m", "papertape.cli", command, "--data-dir", str(up.data_dir)]
        words += ["--port", str(_free_port())] if command == "up" else []
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 3, done.stderr
        assert f"pid {bot.pid}" in done.stderr


def test_the_dashboard_stays_when_the_bot_is_through(tmp_path: Path) -> None:
    """A bounded run ends; its result can still be looked at."""
    running = Up(tmp_path, "--speed", "max", "--duration", "60s")
    try:
        wait_for(lambda: "the bot has finished" in running.log.read_text())
        wait_for(lambda: running.trades() > 0)
        assert running.process.poll() is None
        os.kill(running.process.pid, signal.SIGTERM)
        assert running.process.wait(STOP_S_MAX) == 0
    finally:
        running.end()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
