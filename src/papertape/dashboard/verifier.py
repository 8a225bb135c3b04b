"""Verification on request: a process of its own, one at a time, which keeps nobody waiting."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

from papertape.clock import NS_PER_MS, Clock, iso_utc
from papertape.errors import CheckFailedError, RunningError

NICE = 10  # the bot goes first
STOP_S_MAX = 2.0
DIFFERENCES_SHOWN_MAX = 20
OUTPUT_BYTES_MAX = 1_000_000  # of a report; its differences are bounded already
# As `up` does it: the child ends by itself when we are gone, however we ended.
COMMAND = (sys.executable, "-m", "papertape.cli", "verify", "--json", "--data-dir")
PARENT_VARIABLE = "PAPERTAPE_PARENT_PID"


class Verifier:
    """Runs `papertape verify` on a data folder and keeps its newest result."""

    def __init__(self, data_dir: Path, clock: Clock) -> None:
        """Nothing runs yet."""
        self._data_dir = data_dir
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._out: IO[bytes] | None = None
        self._err: IO[bytes] | None = None
        self._started_ns = 0
        self._through_seq = 0
        self._result: dict[str, Any] | None = None

    def start(self, head_seq: int) -> dict[str, Any]:
        """Begin a verification; RunningError while one is under way.

        head_seq: the newest number now, to say how much there is to do.
        """
        if self.state()["state"] == "running":
            raise RunningError("a verification is under way")
        self._out = tempfile.TemporaryFile()  # noqa: SIM115  closed when the process has ended
        self._err = tempfile.TemporaryFile()  # noqa: SIM115  so that no pipe fills up meanwhile
        self._started_ns, self._through_seq = self._clock.now_ns(), head_seq
        self._result = None
        self._process = subprocess.Popen(
            [*COMMAND, str(self._data_dir)],
            env={**os.environ, PARENT_VARIABLE: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
            start_new_session=True,
        )
        os.setpriority(os.PRIO_PROCESS, self._process.pid, NICE)
        return self.state()

    def state(self) -> dict[str, Any]:
        """Return {state: never, running, ok, different or failed, …} with the newest report."""
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return self._told("running")
            self._result = self._finished(code)
            self._drop()
        return self._result or self._told("never")

    def close(self) -> None:
        """End what runs."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._drop()

    def _told(self, state: str, **more: Any) -> dict[str, Any]:
        began = state != "never"
        return {
            "state": state,
            "started_at": iso_utc(self._started_ns) if began else None,
            "elapsed_ms": (self._clock.now_ns() - self._started_ns) // NS_PER_MS if began else None,
            "through_seq": self._through_seq if began else None,
            "report": None,
            "message": "",
            **more,
        }

    def _finished(self, code: int) -> dict[str, Any]:
        assert self._out is not None
        assert self._err is not None
        self._out.seek(0)
        self._err.seek(0)
        try:
            report = json.loads(self._out.read(OUTPUT_BYTES_MAX))
        except ValueError:
            words = self._err.read(OUTPUT_BYTES_MAX).decode(errors="replace").strip()
            last = words.splitlines()[-1] if words else f"it ended with code {code}"
            return self._told("failed", message=last.removeprefix("papertape: "))
        good = code == 0 and report.get("ok") is True
        if not good and code != CheckFailedError.exit_code:
            return self._told("failed", message=f"it ended with code {code}", report=report)
        report["differences"] = report.get("differences", [])[:DIFFERENCES_SHOWN_MAX]
        report.pop("ledger", None)
        return self._told("ok" if good else "different", report=report)

    def _drop(self) -> None:
        for file in (self._out, self._err):
            if file is not None:
                file.close()
        self._process = self._out = self._err = None
