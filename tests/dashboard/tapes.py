"""A tape for tests: real events through a real ledger, with exact books beside it."""

from __future__ import annotations

import time
from pathlib import Path

from papertape.core.accounts import Accounts
from papertape.core.arithmetic import notional_micros
from papertape.model.events import (
    AlertRaised,
    EquityMarked,
    Event,
    InstrumentListed,
    LegWanted,
    LevelUsed,
    MarketListed,
    MarketStateChanged,
    OpportunitySkipped,
    OrderFilled,
    OrderSubmitted,
    PositionSettled,
    RunStarted,
    SetPart,
    SetsMerged,
    SignalRaised,
    SignalRefused,
)
from papertape.model.instrument import Instrument, Side
from papertape.model.market import Market
from papertape.model.ports import BoardDepth, BoardPrint, BoardQuote, Heartbeat
from papertape.tape.board import SqliteBoard
from papertape.tape.doorbell import Doorbell
from papertape.tape.ledger import SqliteLedger

START_NS = 1_760_000_000_000_000_000
CASH_MICROS = 10_000_000_000
SLUG = "will-it-rain"
YES, NO = f"simulated:{SLUG}:YES", f"simulated:{SLUG}:NO"


def instrument(symbol: str) -> Instrument:
    """Return an outcome token."""
    return Instrument(
        symbol=symbol,
        venue="simulated",
        kind="outcome",
        quote_currency="USD",
        tick_nanos=100_000,
        lot_nanos=10_000_000,
        step_ticks=100,
        market_id=f"simulated:{SLUG}",
        outcome=symbol.rpartition(":")[2],
    )


class Tape:
    """A bot's end of a data folder, driven by hand."""

    def __init__(self, data_dir: Path, *, run: bool = True, ts_ns: int = START_NS) -> None:
        """Open the ledger and the board, and begin a run."""
        data_dir.mkdir(parents=True, exist_ok=True)
        self.data_dir = data_dir
        self.bell = Doorbell(data_dir)
        self.ledger = SqliteLedger(data_dir / "papertape.db", doorbell=self.bell)
        self.board = SqliteBoard(data_dir / "board.db")
        self.books = Accounts(CASH_MICROS)
        self.ts_ns = ts_ns
        self.number = 0
        self.mseq = 0
        if run:
            self.start()

    def start(self, run_id: str = "R1", *, fresh: bool = True) -> None:
        """Begin a run: account, instruments, market."""
        if fresh:
            self.books = Accounts(CASH_MICROS)
        market = Market(
            market_id=f"simulated:{SLUG}",
            venue="simulated",
            question="Will it rain?",
            outcomes=("YES", "NO"),
            symbols=(YES, NO),
            end_ns=self.ts_ns + 3_600 * 10**9,
        )
        self.put(
            RunStarted(
                run_id=run_id,
                number=int(run_id[1:]),
                account="main",
                mode="SIMULATED",
                feed="simulated",
                fresh=fresh,
                initial_cash_micros=CASH_MICROS,
                strategies=("arbitrage", "momentum"),
                seed=7,
            ),
            InstrumentListed(instrument=instrument(YES)),
            InstrumentListed(instrument=instrument(NO)),
            MarketListed(market=market),
            MarketStateChanged(market_id=market.market_id, state="trading"),
        )

    def put(self, *events: Event) -> int:
        """Append events as one unit and return the newest number."""
        self.ts_ns += 1_000_000_000
        self.mseq += 1
        return self.ledger.append(list(events), ts_ns=self.ts_ns, mseq=self.mseq)[-1].seq

    def trade(
        self,
        side: Side = "BUY",
        lots: int = 1_000,
        ticks: int = 4_000,
        *,
        symbol: str = YES,
        strategy: str = "momentum",
        fee_micros: int = 1_000,
    ) -> str:
        """Append a signal, its order and its fill as one unit; return the fill's id."""
        self.number += 1
        n, buying = self.number, side == "BUY"
        notional = notional_micros(ticks, lots, 10**12)
        cost, realized = self.books.fill(
            (strategy, symbol), buying, lots, notional, fee_micros, self.ts_ns
        )
        self.books.close_if_flat((strategy, symbol))
        leg = LegWanted(symbol=symbol, side=side, quantity_lots=lots, limit_ticks=ticks)
        evidence = LevelUsed(
            price_ticks=ticks, seen_lots=lots, taken_before_lots=0, book_ts_ns=self.ts_ns,
            book_age_ns=0, source="simulated",
        )  # fmt: skip
        self.put(
            SignalRaised(
                signal_id=f"S{n}", strategy=strategy, legs=(leg,), reason="price rises",
                time_in_force="IOC", all_or_none=False, then="none",
            ),
            OrderSubmitted(
                order_id=f"O{n}", signal_id=f"S{n}", strategy=strategy, symbol=symbol, side=side,
                order_type="limit", time_in_force="IOC", quantity_lots=lots, limit_ticks=ticks,
            ),
            OrderFilled(
                fill_id=f"F{n}", order_id=f"O{n}", signal_id=f"S{n}", strategy=strategy,
                symbol=symbol, side=side, price_ticks=ticks, quantity_lots=lots,
                notional_micros=notional, fee_micros=fee_micros, cost_micros=cost,
                realized_micros=realized, liquidity="taker", remaining_lots=0, evidence=evidence,
            ),
        )  # fmt: skip
        return f"F{n}"

    def refuse(self) -> int:
        """Append a refused signal, a skipped opportunity and an alert."""
        self.number += 1
        return self.put(
            SignalRefused(
                signal_id=f"S{self.number}", strategy="momentum", code="stale_book",
                reason="the book is 14 s old", symbol=YES,
            ),
            OpportunitySkipped(
                strategy="arbitrage", symbols=(YES, NO), test="edge", figure="0.2",
                reason="the edge is below the fees",
            ),
            AlertRaised(severity="warning", title="Data is late", message="14 s", about=YES),
        )  # fmt: skip

    def mark(self, value_micros: int) -> int:
        """Append a sample of equity."""
        return self.put(
            EquityMarked(
                cash_micros=self.books.cash_micros, value_micros=value_micros, unrealized_micros=0
            )
        )

    def merge(self, lots: int, *, strategy: str = "arbitrage") -> int:
        """Turn complete YES+NO sets into cash."""
        parts = []
        for symbol in (YES, NO):
            held = self.books.positions[strategy, symbol]
            parts.append((symbol, -lots, -held.released_cost(lots)))
        cash = lots * 10_000
        realized = self.books.exchange(strategy, parts, cash, self.ts_ns)
        for symbol in (YES, NO):
            self.books.close_if_flat((strategy, symbol))
        return self.put(
            SetsMerged(
                strategy=strategy, market_id=f"simulated:{SLUG}", cash_micros=cash,
                realized_micros=realized,
                parts=tuple(
                    SetPart(symbol=symbol, quantity_lots=moved, cost_micros=cost)
                    for symbol, moved, cost in parts
                ),
            )
        )  # fmt: skip

    def settle(self, *, symbol: str = YES, strategy: str = "momentum") -> int:
        """Resolve the market at 1 and pay a position."""
        lots = self.books.held_lots((strategy, symbol))
        cash = lots * 10_000
        cost, realized = self.books.leave((strategy, symbol), lots, cash, self.ts_ns)
        self.books.close_if_flat((strategy, symbol))
        return self.put(
            MarketStateChanged(
                market_id=f"simulated:{SLUG}", state="resolved", payouts_micros=(1_000_000, 0)
            ),
            PositionSettled(
                strategy=strategy, symbol=symbol, market_id=f"simulated:{SLUG}",
                quantity_lots=lots, payout_micros=1_000_000, cash_micros=cash, cost_micros=-cost,
                realized_micros=realized,
            ),
        )  # fmt: skip

    def quote(
        self, bid_ticks: int, ask_ticks: int, *, symbol: str = YES, beat: bool = True
    ) -> None:
        """Put a quote on the board, with a heartbeat of now."""
        quote = BoardQuote(
            symbol=symbol, bid_ticks=bid_ticks, bid_lots=50_000, ask_ticks=ask_ticks,
            ask_lots=40_000, last_ticks=None, ts_ns=self.ts_ns, venue_ts_ns=0, state="live",
            source="simulated",
        )  # fmt: skip
        self.board.put([quote], self.heartbeat() if beat else None)

    def depth(self, *, symbol: str = YES, best_ticks: int = 4_000, levels: int = 3) -> None:
        """Put levels around a price and one print on the board."""
        steps = range(levels)
        deep = BoardDepth(
            symbol=symbol, ts_ns=self.ts_ns,
            bid_ticks=tuple(best_ticks - 100 * i for i in steps),
            bid_lots=tuple(10_000 * (i + 1) for i in steps),
            ask_ticks=tuple(best_ticks + 200 + 100 * i for i in steps),
            ask_lots=tuple(20_000 for _ in steps),
            prints=(BoardPrint(self.ts_ns, best_ticks, 500, "SELL"),),
        )  # fmt: skip
        self.board.put([], None, [deep])

    def heartbeat(self, *, age_ns: int = 0, stopped: bool = False, run_id: str = "R1") -> Heartbeat:
        """Return a sign of life."""
        now_ns = time.time_ns() - age_ns
        return Heartbeat(
            run_id=run_id, pid=4242, wall_ns=now_ns, started_wall_ns=now_ns - 60 * 10**9,
            engine_ts_ns=self.ts_ns, seq=self.ledger.head_seq(), mseq=self.mseq, events=10,
            feed="simulated", feed_state="live", engine_state="trading", stopped=stopped,
        )  # fmt: skip

    def flush(self) -> int:
        """Wait until everything is on disk."""
        return self.ledger.flush()

    def close(self) -> None:
        """Let go of the files."""
        self.ledger.close()
        self.board.close()
        self.bell.close()


def busy(tape: Tape) -> None:
    """Let a strategy win, another lose, one position stay open, and one signal be refused."""
    tape.trade("BUY", 1_000, 4_000)
    tape.trade("SELL", 1_000, 5_000)
    tape.trade("BUY", 2_000, 3_000, symbol=NO, strategy="arbitrage")
    tape.trade("SELL", 500, 2_000, symbol=NO, strategy="arbitrage")
    tape.trade("BUY", 100, 4_500)
    tape.refuse()
    tape.quote(4_400, 4_600)
    tape.quote(3_100, 3_300, symbol=NO)
    tape.mark(9_990_000_000)
    tape.flush()
