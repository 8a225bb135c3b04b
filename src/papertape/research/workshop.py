"""Where tries are run: here, or by processes of this machine that may die and be replaced."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import IO, Protocol

import msgspec

from papertape.errors import WorldError
from papertape.research.trial import Bench, Outcome, Setting, Try
from papertape.research.trial_worker import Answer, Numbered
from papertape.strategies.base import Strategy

CHUNK_S = 0.25  # of work in one line to a process: seldom enough to cost nothing
CHUNK_TRIES_MAX = 256
CHUNKS_AHEAD = 2  # given to a process: one that it works on, one that waits
DEATHS_PER_TRY = 2  # a try that ends its process twice is not tried again
DEATHS_IN_A_ROW = 3  # per process, without any outcome between: then it is not the try
GOODBYE_S = 5.0
WAIT_S = 0.5  # between looks for Ctrl-C
ERROR_CHARS_MAX = 500  # of what a process said before it died

Done = tuple[int, Outcome]


class Workshop(Protocol):
    """Runs tries."""

    def run(self, tries: Sequence[Try]) -> Iterator[list[Done]]:
        """Yield outcomes by the places of their tries, in any order, as soon as they are there.

        An empty list now and then lets the caller look up.
        """
        ...

    def close(self) -> None:
        """End everything."""
        ...


class InProcess:
    """One try after the other, here."""

    def __init__(self, setting: Setting, kind: type[Strategy]) -> None:
        """Run tries of this setting with a class that need not stand in a file."""
        self._bench = Bench(setting, kind)

    def run(self, tries: Sequence[Try]) -> Iterator[list[Done]]:
        """Yield outcomes one by one."""
        for place, one in enumerate(tries):
            yield [(place, self._bench.run(one))]

    def close(self) -> None:
        """Do nothing: nothing was begun."""


class LocalProcesses:
    """Processes of this machine; one that dies is replaced, what it had is done again."""

    def __init__(self, setting: Setting, jobs: int) -> None:
        """Begin `jobs` processes."""
        self._setting = setting
        self._jobs = jobs
        self._select = selectors.DefaultSelector()
        self._workers: list[_Worker] = []
        self._waiting: deque[int] = deque()
        self._alone: deque[int] = deque()
        self._deaths: dict[int, int] = {}
        self._deaths_in_a_row = 0
        self._try_s = CHUNK_S
        try:
            for _ in range(jobs):
                self._begin()
        except BaseException:
            self.close()
            raise

    def run(self, tries: Sequence[Try]) -> Iterator[list[Done]]:
        """Yield outcomes as processes answer."""
        self._waiting.extend(range(len(tries)))
        self._deaths.clear()
        left = len(tries)
        while left:
            for worker in self._workers:
                self._supply(worker, tries)
            done: list[Done] = []
            for key, _ in self._select.select(WAIT_S):
                done += self._listen(key.data)
            left -= len(done)
            yield done

    def close(self) -> None:
        """End the processes: their input ends, and so do they."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()
        self._select.close()

    @property
    def pids(self) -> list[int]:
        """Return the processes' numbers."""
        return [worker.process.pid for worker in self._workers]

    def _begin(self) -> None:
        worker = _Worker(self._setting)
        self._workers.append(worker)
        self._select.register(worker.out, selectors.EVENT_READ, worker)

    def _supply(self, worker: _Worker, tries: Sequence[Try]) -> None:
        """Give a process enough to do; a try that was there when one died is given alone."""
        while len(worker.chunks) < CHUNKS_AHEAD:
            if self._alone:
                if worker.chunks:
                    return
                worker.give([(place := self._alone.popleft(), tries[place])])
                continue
            size = min(max(1, round(CHUNK_S / self._try_s)), CHUNK_TRIES_MAX)
            share = -(-len(self._waiting) // (CHUNKS_AHEAD * self._jobs))
            places = [self._waiting.popleft() for _ in range(min(size, share))]
            if not places:
                return
            worker.give([(place, tries[place]) for place in places])

    def _listen(self, worker: _Worker) -> list[Done]:
        """Return what a process has answered."""
        answers = worker.answers()
        if answers is None:
            return self._died(worker)
        done: list[Done] = []
        for answer in answers:
            if answer.error:
                raise WorldError(answer.error)
            took_s = worker.finished() / max(len(answer.done), 1)
            self._try_s = max(0.7 * self._try_s + 0.3 * took_s, 1e-6)
            self._deaths_in_a_row = 0
            done += answer.done
        return done

    def _died(self, worker: _Worker) -> list[Done]:
        """Replace a process; what it had is done by others, alone, so that the cause is known."""
        self._select.unregister(worker.out)
        self._workers.remove(worker)
        said = worker.last_words()
        worker.end()
        self._deaths_in_a_row += 1
        if self._deaths_in_a_row > DEATHS_IN_A_ROW * self._jobs:
            raise WorldError(f"processes of the search end at once: {said}")
        given_up: list[Done] = []
        first = True
        for chunk in worker.chunks:
            for place in chunk:
                self._deaths[place] = self._deaths.get(place, 0) + first
                if self._deaths[place] < DEATHS_PER_TRY:
                    self._alone.append(place)
                else:
                    failure = f"{LOST}: {said}"
                    given_up.append(
                        (place, Outcome(figures={}, grid=(), step_ns=0, failure=failure))
                    )
            first = False
        self._begin()
        return given_up


LOST = "its process ended twice"
"""How the failure begins of a try that nobody could finish; such an outcome is not kept."""


class _Worker:
    """One process, with what it was given and has not answered."""

    def __init__(self, setting: Setting) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed by end()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "papertape.research.trial_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._into = self.process.stdin
        self.out = self.process.stdout
        os.set_blocking(self.out.fileno(), False)
        self._rest = b""
        self.chunks: deque[list[int]] = deque()
        self._since_s = 0.0
        self._send(setting)

    def give(self, tries: list[Numbered]) -> None:
        if not self.chunks:
            self._since_s = time.monotonic()
        self.chunks.append([place for place, _ in tries])
        self._send(tries)

    def answers(self) -> list[Answer] | None:
        """Return what has come, None if nothing will come any more."""
        ended = False
        while True:
            part: bytes | None = self.out.read(1 << 20)  # None: nothing yet
            if part is None:
                break
            if not part:
                ended = True
                break
            self._rest += part
        *lines, self._rest = self._rest.split(b"\n")
        if not lines and ended:
            return None
        return [msgspec.json.decode(line, type=Answer) for line in lines]

    def finished(self) -> float:
        """Take the oldest chunk as answered; return how long it took, in seconds."""
        self.chunks.popleft()
        now_s = time.monotonic()
        took_s, self._since_s = now_s - self._since_s, now_s
        return took_s

    def last_words(self) -> str:
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip().splitlines()
        code = self.process.poll()
        return (said[-1] if said else f"exit code {code}")[:ERROR_CHARS_MAX]

    def end(self) -> None:
        for file in (self._into, self.out):
            try:
                file.close()
            except BrokenPipeError:
                continue
        try:
            self.process.wait(GOODBYE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._errors.close()

    def _send(self, value: object) -> None:
        try:
            self._into.write(msgspec.json.encode(value) + b"\n")
            self._into.flush()
        except BrokenPipeError:
            return  # it has died: its output ends too, and says so
