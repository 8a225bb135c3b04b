"""What a process does when a signal comes: SIGINT and SIGTERM end a run in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

Answers = Mapping[signal.Signals, Callable[[str], None]]
"""Signal -> what is called with its name; it runs wherever the main thread happens to be, so it
sets flags and takes no lock."""


@contextmanager
def answering(answers: Answers) -> Iterator[None]:
    """Answer these signals for a while; only the main thread may ask for that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def heard(number: int, frame: FrameType | None) -> None:
        known = signal.Signals(number)
        answers[known](known.name)

    before = {number: signal.signal(number, heard) for number in answers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
