"""Bulletin: newest prices, heartbeat and state files, written beside the trading loop.

All of it is convenience for other processes and for people; the tape is the truth. A thread of its
own writes, so that neither a slow disk nor a long pause of the feed is felt or mistaken for death.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import structlog

from papertape.engine.market_watch import DepthSeen
from papertape.model.ports import BoardQuote, Heartbeat, QuoteBoard
from papertape.tape.state_files import StateFiles

DEPTHS_EVERY_S = 0.5  # levels and prints are read by people, not by rules
QUOTES_EVERY_S = 0.1  # the dashboard shows prices at most ten times a second
HEARTBEAT_EVERY_S = 1.0

log = structlog.get_logger()

State = tuple[dict[str, Any], list[dict[str, Any]]]
"""(portfolio, newest trades)"""


class Bulletin:
    """Takes what the loop hands over, writes it soon, and beats once a second."""

    def __init__(self, board: QuoteBoard, files: StateFiles, beat: Callable[[], Heartbeat]) -> None:
        """Write quotes and heartbeats to `board`, state to `files`."""
        self._board = board
        self._files = files
        self._beat = beat
        self._quotes: dict[str, BoardQuote] = {}
        self._depths: dict[str, DepthSeen] = {}
        self._state: State | None = None
        self._wake = threading.Condition()
        self._stopping = False
        self._posted_s = 0.0
        self._deep_s = 0.0
        self._stated_s = 0.0
        self._thread = threading.Thread(target=self._run, name="bulletin", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def look(
        self,
        quotes: Callable[[], list[BoardQuote]],
        depths: Callable[[], list[DepthSeen]],
        state: Callable[[], State],
    ) -> None:
        """Take new quotes, depths and state from the loop's thread, if it is time for them."""
        now_s = time.monotonic()
        if now_s - self._posted_s < QUOTES_EVERY_S:
            return
        self._posted_s = now_s
        changed = quotes()
        deep: list[DepthSeen] = []
        if now_s - self._deep_s >= DEPTHS_EVERY_S:
            self._deep_s = now_s
            deep = depths()
        fresh = None
        if now_s - self._stated_s >= HEARTBEAT_EVERY_S:
            self._stated_s = now_s
            fresh = state()
        with self._wake:
            self._quotes.update((quote.symbol, quote) for quote in changed)
            self._depths.update((depth.symbol, depth) for depth in deep)
            self._state = fresh or self._state
            self._wake.notify()

    def stop(self, quotes: list[BoardQuote], depths: list[DepthSeen], state: State) -> None:
        """Write a last time and end."""
        with self._wake:
            self._quotes.update((quote.symbol, quote) for quote in quotes)
            self._depths.update((depth.symbol, depth) for depth in depths)
            self._state = state
            self._stopping = True
            self._wake.notify()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        beaten_s = 0.0
        stopping = False
        while not stopping:
            with self._wake:
                if not self._quotes and not self._stopping:
                    self._wake.wait(HEARTBEAT_EVERY_S)
                quotes, self._quotes = list(self._quotes.values()), {}
                depths, self._depths = list(self._depths.values()), {}
                state, self._state = self._state, None
                stopping = self._stopping
            now_s = time.monotonic()
            beat = None
            if stopping or now_s - beaten_s >= HEARTBEAT_EVERY_S:
                beaten_s = now_s
                beat = self._beat()
            self._board.put(quotes, beat, [depth.told() for depth in depths])
            if state is not None:
                self._write(state, force=stopping)

    def _write(self, state: State, *, force: bool) -> None:
        try:
            self._files.write(*state, force=force)
        except OSError as error:
            log.warning("state files could not be written", error=str(error))
