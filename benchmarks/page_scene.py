"""What the benchmarks of pages share: a ledger with many trades, and a bot's end that goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.scene import SYMBOL, opening
from papertape.core.accounts import Accounts
from papertape.core.arithmetic import notional_micros
from papertape.model.events import (
    EquityMarked,
    Event,
    LegWanted,
    OrderFilled,
    OrderSubmitted,
    SignalRaised,
)
from papertape.model.instrument import Side
from papertape.model.ports import BoardQuote, Heartbeat
from papertape.tape.board import SqliteBoard
from papertape.tape.doorbell import Doorbell
from papertape.tape.ledger import SqliteLedger

STRATEGIES = ("bench", "steady", "lucky", "other")
TRADES_A_UNIT = 100  # of the past; what is live is written one by one
PAST_NS = 30 * 86_400 * 10**9
LOTS = 1_000
TICKS_AND_LOTS_TO_MICROS = 10**12  # a tick is 100,000 nanos, a lot 10,000,000
CASH_MICROS = 10**12  # as `opening` has it
BEAT_S = 0.2


class Bot:
    """A bot's end of a data folder: it writes trades, prices and its heartbeat."""

    def __init__(self, data_dir: Path) -> None:
        """Begin a run."""
        self.ledger = SqliteLedger(data_dir / "papertape.db", doorbell=Doorbell(data_dir))
        self.board = SqliteBoard(data_dir / "board.db")
        self.books = Accounts(CASH_MICROS)
        self.trades = 0
        self.ledger.append(opening(), ts_ns=time.time_ns() - PAST_NS, mseq=0)

    def past(self, trades: int) -> None:
        """Write trades of the last thirty days, and a sample of equity for every hundred."""
        begin_ns, step_ns = time.time_ns() - PAST_NS, PAST_NS // max(trades, 1)
        for first in range(0, trades, TRADES_A_UNIT):
            ts_ns = begin_ns + first * step_ns
            events = [e for _ in range(TRADES_A_UNIT) for e in self._trade(ts_ns)]
            value = self.books.cash_micros
            events.append(EquityMarked(cash_micros=value, value_micros=value, unrealized_micros=0))
            self.ledger.append(events, ts_ns=ts_ns, mseq=self.trades)
        self.ledger.flush(120)

    def trade(self) -> str:
        """Write one trade of now, wait until it is durable, and return its id."""
        events = self._trade(time.time_ns())
        self.ledger.append(events, ts_ns=time.time_ns(), mseq=self.trades)
        self.ledger.flush()
        return f"F{self.trades}"

    def beat(self) -> None:
        """Give a sign of life and a price that moves."""
        bid_ticks, now_ns = 5_000 + self.trades % 7 * 10, time.time_ns()
        quote = BoardQuote(
            symbol=SYMBOL, bid_ticks=bid_ticks, bid_lots=50_000, ask_ticks=bid_ticks + 100,
            ask_lots=40_000, last_ticks=None, ts_ns=now_ns, venue_ts_ns=0, state="live",
            source="simulated",
        )  # fmt: skip
        heartbeat = Heartbeat(
            run_id="bench", pid=0, wall_ns=now_ns, started_wall_ns=now_ns - 10**10,
            engine_ts_ns=now_ns, seq=self.ledger.head_seq(), mseq=self.trades, events=0,
            feed="bench", feed_state="live", engine_state="trading", stopped=False,
        )  # fmt: skip
        self.board.put([quote], heartbeat)

    def close(self) -> None:
        """Let go of the files."""
        self.ledger.close()
        self.board.close()

    def _trade(self, ts_ns: int) -> list[Event]:
        self.trades += 1
        n, pair = self.trades, (self.trades - 1) // 2
        side: Side = "BUY" if n % 2 else "SELL"
        strategy = STRATEGIES[pair % len(STRATEGIES)]
        ticks = 5_000 if side == "BUY" else 5_000 + (pair % 9 - 4) * 50
        notional = notional_micros(ticks, LOTS, TICKS_AND_LOTS_TO_MICROS)
        cost, realized = self.books.fill(
            (strategy, SYMBOL), side == "BUY", LOTS, notional, 1_000, ts_ns
        )
        self.books.close_if_flat((strategy, SYMBOL))
        leg = LegWanted(symbol=SYMBOL, side=side, quantity_lots=LOTS, limit_ticks=ticks)
        return [
            SignalRaised(
                signal_id=f"S{n}", strategy=strategy, legs=(leg,), reason="bench",
                time_in_force="IOC", all_or_none=False, then="none",
            ),
            OrderSubmitted(
                order_id=f"O{n}", signal_id=f"S{n}", strategy=strategy, symbol=SYMBOL, side=side,
                order_type="limit", time_in_force="IOC", quantity_lots=LOTS, limit_ticks=ticks,
            ),
            OrderFilled(
                fill_id=f"F{n}", order_id=f"O{n}", signal_id=f"S{n}", strategy=strategy,
                symbol=SYMBOL, side=side, price_ticks=ticks, quantity_lots=LOTS,
                notional_micros=notional, fee_micros=1_000, cost_micros=cost,
                realized_micros=realized, liquidity="taker", remaining_lots=0,
            ),
        ]  # fmt: skip


@contextmanager
def scene(data_dir: Path, trades: int) -> Iterator[Bot]:
    """Give a bot's end whose ledger holds so many trades."""
    with closing(Bot(data_dir)) as bot:
        bot.past(trades)
        bot.beat()
        yield bot


@contextmanager
def trading(bot: Bot, per_s: float) -> Iterator[dict[str, int]]:
    """Let the bot trade so often, and live; gives each trade's moment of durability (ns)."""
    durable: dict[str, int] = {}
    stop = threading.Event()

    def work() -> None:
        begun, beaten, n = time.monotonic(), 0.0, 0
        while not stop.wait(max(0.0, begun + (n + 1) / per_s - time.monotonic())):
            n += 1
            durable[bot.trade()] = time.monotonic_ns()
            if time.monotonic() - beaten >= BEAT_S:
                beaten = time.monotonic()
                bot.beat()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield durable
    finally:
        stop.set()
        thread.join(10)
