"""A process of a search: takes tries on standard input, answers outcomes on standard output.

One line of JSON each: first the setting, then lists of tries with their numbers; each list is
answered by one line. It ends when its input ends, so none outlives the search that began it, even
if that was killed. What a strategy prints goes to standard error.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from typing import BinaryIO

import msgspec

from papertape.errors import PapertapeError
from papertape.research.trial import Bench, Outcome, Setting, Try
from papertape.strategies.registry import strategy_class

Numbered = tuple[int, Try]


class Answer(msgspec.Struct, frozen=True):
    """Outcomes by the numbers of their tries, or why there can be none."""

    done: tuple[tuple[int, Outcome], ...] = ()
    error: str = ""


def answer(bench: Bench, tries: list[Numbered]) -> Answer:
    """Return the outcomes of some tries; an error of the data or the settings is said once."""
    try:
        return Answer(done=tuple((number, bench.run(one)) for number, one in tries))
    except PapertapeError as error:
        return Answer(error=str(error))


def main() -> None:
    """Serve until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the search; we end with it
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    lines = sys.stdin.buffer
    setting = msgspec.json.decode(lines.readline(), type=Setting)
    bench = Bench(setting, strategy_class(setting.strategy))
    wanted: queue.SimpleQueue[list[Numbered]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(lines, wanted), daemon=True).start()
    while True:
        out.write(msgspec.json.encode(answer(bench, wanted.get())) + b"\n")
        out.flush()


def _read(lines: BinaryIO, wanted: queue.SimpleQueue[list[Numbered]]) -> None:
    """Take tries from the input; at its end nobody waits for an answer any more."""
    decode = msgspec.json.Decoder(list[Numbered]).decode
    while line := lines.readline():
        wanted.put(decode(line))
    os._exit(0)


if __name__ == "__main__":
    main()
