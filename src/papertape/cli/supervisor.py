"""Keeps two processes alive: starts them, restarts the one that dies, stops both together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from types import FrameType

import typer

from papertape.cli.lifeline import PARENT_VARIABLE
from papertape.cli.ports import answers
from papertape.errors import ConfigError, NewerDataError, RunningError

STOP_S_MAX = 2.5  # from SIGTERM to SIGKILL: the promise is a stop in under 3 s
POLL_S = 0.1
RESTARTS_MAX = 5  # within the window; more is a storm, and a person must look
RESTART_WINDOW_S = 60.0
RESTART_DELAYS_S = (0.5, 1.0, 2.0, 4.0, 8.0)
HOPELESS = {ConfigError.exit_code, RunningError.exit_code, NewerDataError.exit_code}


class Child:
    """One process: a papertape command that is kept running until it ends in good order."""

    def __init__(self, name: str, words: list[str]) -> None:
        """Keep name and command; nothing is started yet."""
        self.name = name
        self.finished = False
        self._words = words
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths: deque[float] = deque(maxlen=RESTARTS_MAX)
        self._start_at_s = 0.0

    def start(self) -> None:
        """Start the process in a group of its own, so that Ctrl-C reaches only the supervisor."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "papertape.cli", *self._words],
            env={**os.environ, PARENT_VARIABLE: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def look(self, now_s: float) -> int | None:
        """Restart what died; return an exit code once there is no point in going on."""
        if self.finished:
            return None
        if self._process is None:
            if now_s >= self._start_at_s:
                self.start()
            return None
        code = self._process.poll()
        if code is None:
            return None
        self._process = None
        if code == 0:
            self.finished = True
            _say(f"the {self.name} has finished")
            return None
        if code in HOPELESS:
            return code
        return self._plan_restart(code, now_s)

    def _plan_restart(self, code: int, now_s: float) -> int | None:
        recent = [death for death in self._deaths if now_s - death < RESTART_WINDOW_S]
        if len(recent) >= RESTARTS_MAX:
            _say(f"the {self.name} died {len(recent) + 1} times within {RESTART_WINDOW_S:.0f} s")
            return code if code > 0 else 1
        self._deaths.append(now_s)
        delay_s = RESTART_DELAYS_S[len(recent)]
        self._start_at_s = now_s + delay_s
        why = f"signal {-code}" if code < 0 else f"exit code {code}"
        _say(f"the {self.name} died ({why}); starting it again in {delay_s:g} s")
        return None

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def make_stop(self, deadline_s: float) -> None:
        """Wait until the deadline (monotonic seconds), then kill."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            _say(f"the {self.name} did not stop in time; killing it")
            self._process.kill()
            self._process.wait()


class Supervisor:
    """Runs children until a signal, or until one cannot be kept alive."""

    def __init__(self, children: list[Child], host: str, port: int) -> None:
        """Keep the children and the address at which the last of them will answer."""
        self._children = children
        self._host = host
        self._port = port
        self._stopping = False
        self._announced = False

    def run(self) -> int:
        """Return the exit code: 0 after a stop by signal, else that of the child that failed."""
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)
        code = 0
        try:
            while not self._stopping and not code:
                now_s = time.monotonic()
                code = next((c for child in self._children if (c := child.look(now_s))), 0)
                if all(child.finished for child in self._children):
                    break
                self._announce()
                time.sleep(POLL_S)
        finally:
            self._stop()
        return code

    def _announce(self) -> None:
        if self._announced or not answers(self._host, self._port):
            return
        self._announced = True
        shown_host = f"[{self._host}]" if ":" in self._host else self._host
        typer.echo(f"papertape is at http://{shown_host}:{self._port}  (Ctrl-C stops it)")

    def _stop(self) -> None:
        deadline_s = time.monotonic() + STOP_S_MAX
        for child in self._children:
            child.ask_to_stop()
        for child in self._children:
            child.make_stop(deadline_s)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True


def _say(message: str) -> None:
    typer.echo(f"papertape: {message}", err=True)
