"""Backtests on request: each a process of its own, one at a time, the others in a short queue."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import structlog

from papertape.clock import Clock, iso_utc
from papertape.dashboard.backtest_choices import PAPERTAPE
from papertape.dashboard.backtests import REPORT_FILE, RUN_ID
from papertape.errors import RunningError

log = structlog.get_logger("papertape.dashboard")

QUEUE_MAX = 5  # waiting besides the one that runs; more is a sweep, which is a command
JOBS_KEPT = 20  # finished ones, so that a page can say how they ended
NICE = 10  # the bot goes first
LOOK_EVERY_S = 0.2
RUN_S_MAX = 4 * 3_600.0  # what takes longer is a command for a terminal
STOP_S_MAX = 10.0  # a run that is told to stop writes its result first
OUTPUT_BYTES_MAX = 20_000_000
WORDS_BYTES_MAX = 4_096  # of what it says while it runs, the newest
INTERRUPTED = 130
PROGRESS = re.compile(r"([a-z ]{1,40}): (\d{1,3}) %", re.ASCII)
PARENT_VARIABLE = "PAPERTAPE_PARENT_PID"

Row = dict[str, Any]


@dataclass
class Job:
    """One backtest that was asked for; `about` says what, for people."""

    id: str
    about: Row
    words: list[str]
    queued_ns: int
    state: str = "queued"
    started_ns: int = 0
    ended_ns: int = 0
    stage: str = ""
    percent: int | None = None
    run_id: str | None = None
    message: str = ""
    stopping: bool = False

    @property
    def over(self) -> bool:
        """Return whether nothing more will happen."""
        return self.state in ("done", "failed", "cancelled")


class BacktestJobs:
    """Starts backtests one after another; from any thread."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Keep reports in this folder of backtests; nothing runs yet."""
        self._folder = folder
        self._clock = clock
        self._wake = threading.Condition()
        self._jobs: deque[Job] = deque(maxlen=QUEUE_MAX + 1 + JOBS_KEPT)
        self._thread: threading.Thread | None = None
        self._closing = False
        self._count = 0

    def add(self, about: Row, words: list[str]) -> Row:
        """Queue a backtest with these options; RunningError when the queue is full."""
        with self._wake:
            if sum(job.state == "queued" for job in self._jobs) >= QUEUE_MAX:
                raise RunningError(f"{QUEUE_MAX} backtests wait already")
            self._count += 1
            job = Job(f"J{self._count}", about, words, self._clock.now_ns())
            self._jobs.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="backtests", daemon=True)
                self._thread.start()
            self._wake.notify_all()
            return _row(job)

    def rows(self) -> list[Row]:
        """Return the newest jobs, the newest first."""
        with self._wake:
            return [_row(job) for job in reversed(self._jobs)]

    def cancel(self, job_id: str) -> Row | None:
        """Take a job out of the queue, or tell it to stop; None if there is no such job."""
        with self._wake:
            job = next((job for job in self._jobs if job.id == job_id), None)
            if job is None:
                return None
            if job.state == "queued":
                job.state, job.ended_ns = "cancelled", self._clock.now_ns()
            elif not job.over:
                job.stopping = True
            self._wake.notify_all()
            return _row(job)

    def close(self) -> None:
        """End what runs and forget what waits."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join(STOP_S_MAX)

    # --- the thread -----------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._wake:
                while not (self._closing or any(job.state == "queued" for job in self._jobs)):
                    self._wake.wait()
                if self._closing:
                    return
                job = next(job for job in self._jobs if job.state == "queued")
                job.state, job.started_ns = "running", self._clock.now_ns()
            try:
                self._run(job)
            except OSError as error:
                self._end(job, "failed", f"it could not be started: {error.strerror or error}")
                log.warning("a backtest could not be started", error=str(error))

    def _run(self, job: Job) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        report = self._folder / f".report-{os.getpid()}-{job.id}.html"
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen(
                [*PAPERTAPE, "backtest", *job.words, "--report", str(report), "--json"],
                env={**os.environ, PARENT_VARIABLE: str(os.getpid())},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            with suppress(ProcessLookupError):  # it is over already
                os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
            try:
                self._watch(job, process, err)
            finally:
                if process.poll() is None:
                    process.kill()
                process.wait()
            self._finished(job, process.returncode, out, err, report)

    def _watch(self, job: Job, process: subprocess.Popen[bytes], err: IO[bytes]) -> None:
        """Follow a process until it has ended, by itself or because it was told to."""
        deadline_s = time.monotonic() + RUN_S_MAX
        told = False
        while True:
            try:
                process.wait(LOOK_EVERY_S)
                return
            except subprocess.TimeoutExpired:
                pass
            said = PROGRESS.findall(_tail(err))
            with self._wake:
                if said:
                    job.stage, job.percent = said[-1][0].strip(), min(100, int(said[-1][1]))
                if time.monotonic() > deadline_s and not told:
                    job.message = f"it took more than {RUN_S_MAX / 3_600:.0f} h"
                    job.stopping = True
                stop = job.stopping or self._closing
            if stop and not told:
                told, deadline_s = True, time.monotonic() + STOP_S_MAX
                process.send_signal(signal.SIGINT)  # it ends in good order and keeps its result
            elif told and (time.monotonic() > deadline_s or self._closing):
                return

    def _finished(self, job: Job, code: int, out: IO[bytes], err: IO[bytes], report: Path) -> None:
        out.seek(0)
        try:
            found = json.loads(out.read(OUTPUT_BYTES_MAX) or b"{}")
        except ValueError:
            found = {}
        run_id = found.get("run_id")
        if isinstance(run_id, str) and RUN_ID.fullmatch(run_id):
            job.run_id = run_id
        if report.is_file():
            place = self._folder / job.run_id if job.run_id else None
            if place is not None and place.is_dir():
                report.replace(place / REPORT_FILE)
            else:
                report.unlink()
        if job.stopping or code == INTERRUPTED:
            self._end(job, "cancelled", job.message)
        elif code == 0 and job.run_id:
            self._end(job, "done", "")
        else:
            self._end(job, "failed", found.get("failure") or _why(_tail(err), code))

    def _end(self, job: Job, state: str, message: str) -> None:
        with self._wake:
            job.state, job.message, job.ended_ns = state, message, self._clock.now_ns()


def _tail(err: IO[bytes]) -> str:
    """Return the newest of what a process says, without moving the place where it writes."""
    size = os.fstat(err.fileno()).st_size
    start = max(0, size - WORDS_BYTES_MAX)
    return os.pread(err.fileno(), size - start, start).decode(errors="replace")


def _why(words: str, code: int) -> str:
    told = [line for line in words.strip().splitlines() if not PROGRESS.match(line)]
    mine = [line.removeprefix("papertape: ") for line in told if line.startswith("papertape: ")]
    if mine:
        return " ".join(mine)
    return told[-1] if told else f"it ended with code {code}"


def _row(job: Job) -> Row:
    return {
        "id": job.id,
        "state": job.state,
        **job.about,
        "queued_at": iso_utc(job.queued_ns),
        "started_at": iso_utc(job.started_ns) if job.started_ns else None,
        "ended_at": iso_utc(job.ended_ns) if job.ended_ns else None,
        "stage": job.stage,
        "percent": job.percent,
        "run_id": job.run_id,
        "message": job.message,
    }
