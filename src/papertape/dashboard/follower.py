"""The follower: folds the ledger into a view, and keeps the newest prices beside it.

It pulls by number, so that whatever was slow, off or restarted misses nothing. A ledger file that
was replaced, whether by another ledger or by an older copy of this one, is folded anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from papertape.clock import NS_PER_S, Clock
from papertape.errors import PapertapeError
from papertape.model.events import (
    InstrumentListed,
    OrderFilled,
    PositionSettled,
    RunStarted,
    SetsConverted,
    SetsMerged,
)
from papertape.model.ports import BoardDepth, BoardQuote, Heartbeat
from papertape.services.tape_view import TapeView
from papertape.tape.board import BoardReader
from papertape.tape.follow import LedgerReader

SLICE_RECORDS = 200  # folded at a time: under 10 ms in which nobody else is served
CATCHING_UP_RECORDS = 5_000  # further behind than this, the picture is not shown as the present
RETRY_NS = NS_PER_S  # between looks at a ledger that cannot be read
TRADE_EVENTS = (OrderFilled, PositionSettled, SetsMerged, SetsConverted)


@dataclass(frozen=True)
class Round:
    """Records after_seq < seq <= seq were folded; `reset` means that the story began anew."""

    after_seq: int
    seq: int
    kinds: frozenset[type]
    trades: int
    reset: bool
    more: bool


class Follower:
    """What the tape and the board say, as far as they were read."""

    def __init__(self, ledger: Path, board: Path, clock: Clock) -> None:
        """Follow a ledger and a board; neither needs to exist yet."""
        self.ledger_path = ledger
        self.reader = LedgerReader(ledger)
        self._board = BoardReader(board)
        self._clock = clock
        self._file: tuple[int, int] | None = None
        self._retry_ns = 0
        self.view = TapeView()
        self.quotes: dict[str, BoardQuote] = {}
        self.heartbeat: Heartbeat | None = None
        self.ledger_id: str | None = None
        self.problem = ""
        self.ready = False  # whether the present was reached once
        self.driven = False  # whether a loop calls us; otherwise each request does
        self.looked_ns = clock.now_ns()

    # --- the ledger -----------------------------------------------------------------------------

    def pump(self, records_max: int = SLICE_RECORDS) -> Round | None:
        """Fold the next records; None if there is nothing new."""
        now_ns = self._clock.now_ns()
        self.looked_ns = now_ns
        if self.problem and now_ns < self._retry_ns:
            return None
        try:
            found = self._pump(records_max)
        except PapertapeError as error:
            self.fail(str(error))
            return None
        self.problem = ""
        return found

    def fail(self, problem: str) -> None:
        """Keep what is known, say why there is no more, and look again in a second."""
        self.problem = problem
        self._retry_ns = self._clock.now_ns() + RETRY_NS

    def _pump(self, records_max: int) -> Round | None:
        reset = self._file_changed()
        if reset:
            self._begin()
        after_seq = self.view.seq
        records = self.reader.read(after_seq, records_max)
        for record in records:
            self.view.apply(record)
        kinds = frozenset(type(record.event) for record in records)
        if reset or RunStarted in kinds or InstrumentListed in kinds:
            self.view.update_quotes(list(self.quotes.values()))
        more = len(records) == records_max
        if not self.ready and (not more or self.behind() <= CATCHING_UP_RECORDS):
            self.ready = True
            reset = True
        if not records and not reset:
            return None
        trades = sum(isinstance(record.event, TRADE_EVENTS) for record in records)
        begun = reset or RunStarted in kinds
        return Round(after_seq, self.view.seq, kinds, trades, begun, more)

    def _file_changed(self) -> bool:
        try:
            stat = self.ledger_path.stat()
        except FileNotFoundError:
            file = None
        else:
            file = (stat.st_dev, stat.st_ino)
        changed = file != self._file
        self._file = file
        return changed

    def _begin(self) -> None:
        """Start from the newest snapshot of the file that is there now."""
        self.ready = False
        self.view = TapeView()
        try:
            self.ledger_id = self.reader.ledger_id()
            found = self.reader.latest_snapshot()
            if found is not None and not self.view.restore_bytes(found[1]):
                self.view = TapeView()
        except PapertapeError:
            self._file = None  # so that the next look begins again
            raise

    def behind(self) -> int:
        """Return how many records of the file are not folded yet."""
        try:
            return max(0, self.reader.head_seq() - self.view.seq)
        except PapertapeError as error:
            self.fail(str(error))
            return 0

    # --- the board ------------------------------------------------------------------------------

    def look_at_board(self) -> set[str]:
        """Take the newest prices and heartbeat; return the symbols whose quote changed."""
        if not self._board.changed():
            return set()
        self.heartbeat = self._board.heartbeat()
        quotes = {quote.symbol: quote for quote in self._board.quotes()}
        fresh = [quote for symbol, quote in quotes.items() if self.quotes.get(symbol) != quote]
        gone = self.quotes.keys() - quotes.keys()
        self.quotes = quotes
        self.view.update_quotes(fresh)
        return {quote.symbol for quote in fresh} | gone

    def depths(self, symbols: Sequence[str]) -> dict[str, BoardDepth]:
        """Return levels and prints of instruments, as far as the bot wrote them."""
        return self._board.depths(symbols)

    def refresh(self) -> None:
        """Read everything there is, at once: for a process without a loop, and for tests."""
        while (found := self.pump()) is not None and found.more:
            continue
        self.look_at_board()

    def now_ns(self) -> int:
        """Return the wall time."""
        return self._clock.now_ns()

    def symbols_of(self, market_ids: Iterable[str]) -> set[str]:
        """Return the instruments of markets."""
        markets = (self.view.markets.get(market_id) for market_id in market_ids)
        return {symbol for market in markets if market for symbol in market.symbols}

    def close(self) -> None:
        """Let go of the files."""
        self.reader.close()
        self._board.close()
