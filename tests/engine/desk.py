"""A bot without a feed: the real parts behind the real door, fed market data record by record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from papertape.clock import NS_PER_S, ManualClock
from papertape.config import load_config
from papertape.engine.exit_manager import ExitRules
from papertape.model.events import Event, OrderFilled, RunStarted, kind_of
from papertape.model.instrument import FeeSchedule, Instrument, Side
from papertape.model.market import EventGroup, Market, MarketState
from papertape.model.market_data import (
    BarSeen,
    BookSeen,
    EventSeen,
    InstrumentSeen,
    MarketResolvedSeen,
    MarketSeen,
    MarketStateSeen,
)
from papertape.model.ports import Ledger
from papertape.model.signal import Leg, Signal
from papertape.services.data_flow_manager import DataFlowManager
from papertape.services.decision import Decision
from papertape.services.door_parts import door_parts
from papertape.services.run_context import RunContext
from papertape.services.tape_view import TapeView
from papertape.services.trading_loop import TradingLoop
from papertape.strategies.base import Strategy
from papertape.strategies.strategy_manager import StrategyManager
from papertape.tape.memory import MemoryLedger
from papertape.tape.recorder import CountingSink

T0_NS = 1_767_225_600 * NS_PER_S  # 2026-01-01T00:00:00Z
NO_FEE = FeeSchedule()
CRYPTO_FEE = FeeSchedule(kind="curve", taker_ppm=70_000)  # Polymarket, r = 0.07
CASH_MICROS = 10_000_000_000  # the 10,000.00 that the config gives
YES, NO = "test:rain:YES", "test:rain:NO"
PAIR = "test:BTC/USDT"

Levels = Sequence[tuple[int, int]]
"""(ticks, lots), best first; one tick is 0.0001, one lot 0.01"""


def outcome(symbol: str, *, fees: FeeSchedule = NO_FEE, min_lots: int = 0) -> Instrument:
    """Return an outcome token on Polymarket's grid."""
    venue, slug, name = symbol.split(":")
    return Instrument(
        symbol=symbol,
        venue=venue,
        kind="outcome",
        quote_currency="USDC",
        tick_nanos=100_000,
        lot_nanos=10_000_000,
        step_ticks=100,
        min_lots=min_lots,
        fees=fees,
        market_id=f"{venue}:{slug}",
        outcome=name,
    )


def spot(symbol: str = PAIR, *, fees: FeeSchedule = NO_FEE) -> Instrument:
    """Return a crypto pair."""
    return Instrument(
        symbol=symbol,
        venue="test",
        kind="spot",
        quote_currency="USDT",
        tick_nanos=10_000_000,
        lot_nanos=10_000,
        fees=fees,
    )


def market_of(slug: str, *, event_id: str = "", mirrored: bool = False) -> Market:
    """Return a market of YES and NO."""
    return Market(
        market_id=f"test:{slug}",
        venue="test",
        question=f"{slug}?",
        outcomes=("YES", "NO"),
        symbols=(f"test:{slug}:YES", f"test:{slug}:NO"),
        end_ns=T0_NS + 86_400 * NS_PER_S,
        event_id=event_id,
        mirrored=mirrored,
    )


class Desk:
    """Ledger, view, door, strategies and loop of one run."""

    def __init__(
        self,
        strategies: Mapping[str, Strategy] | None = None,
        *,
        risk: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
        exits: dict[str, ExitRules] | None = None,
        ledger: Ledger | None = None,
        view: TapeView | None = None,
        now_ns: int = T0_NS,
        source: str = "test",
    ) -> None:
        """Start a run: a fresh account on a new ledger, or the next run of the given view."""
        self.ledger = MemoryLedger() if ledger is None else ledger
        self.view = TapeView() if view is None else view
        self.settings = dict(settings or {}) | {f"risk.{k}": v for k, v in (risk or {}).items()}
        config = load_config(overrides=self.settings)
        self.clock = ManualClock(max(now_ns, self.view.last_ts_ns))
        number = self.view.runs + 1
        self.parts = door_parts(
            config, self.ledger, self.view, self.clock, source=source, run_number=number
        )
        self.parts.exits = exits or {}
        self.door = DataFlowManager(parts=self.parts)
        self.engine = self.parts.engine
        self.manager = StrategyManager(
            strategies or {},
            on_disabled=lambda tag, why: self.loop.strategy_disabled(tag, why),  # noqa: PLW0108 made below
            on_slow=lambda tag, ms: self.loop.strategy_slow(tag, ms),  # noqa: PLW0108
        )
        self.loop = TradingLoop(
            parts=self.parts,
            door=self.door,
            manager=self.manager,
            sink=CountingSink(),
            clock=self.clock,
            equity_every_ns=10 * NS_PER_S,
            on_idle=lambda: None,
        )
        fresh = number == 1
        scribe = self.parts.scribe
        scribe.at(self.clock.now_ns(), 0)
        scribe.note(
            RunStarted(
                run_id=f"run-{number}",
                number=number,
                account="test",
                mode="SIMULATED",
                feed=source,
                fresh=fresh,
                initial_cash_micros=CASH_MICROS,
                strategies=self.manager.tags,
            )
        )
        scribe.commit()
        self.engine.restore(self.view.orders.open.values())
        self.manager.start(RunContext(self.view, self.parts.watch, self.clock))
        scribe.commit()

    # --- the market -----------------------------------------------------------------------------

    def step(self, item: Any, *, after_s: float = 0.0) -> None:
        """Feed one market record, some time after the last."""
        item.ts_ns = self.clock.now_ns() + round(after_s * NS_PER_S)
        self.loop.step(item)

    def list_market(
        self,
        slug: str = "rain",
        *,
        fees: FeeSchedule = NO_FEE,
        event_id: str = "",
        mirrored: bool = False,
        min_lots: int = 0,
    ) -> Market:
        """List a market of YES and NO."""
        market = market_of(slug, event_id=event_id, mirrored=mirrored)
        tokens = tuple(outcome(s, fees=fees, min_lots=min_lots) for s in market.symbols)
        self.step(MarketSeen(ts_ns=0, market=market, instruments=tokens))
        return market

    def list_event(
        self, slugs: Sequence[str], *, fees: FeeSchedule = NO_FEE, neg_risk: bool = True,
        augmented: bool = False, min_lots: int = 0,
    ) -> EventGroup:  # fmt: skip
        """List markets that belong to one event, and the event."""
        for slug in slugs:
            self.list_market(slug, fees=fees, event_id="race", min_lots=min_lots)
        group = EventGroup(
            event_id="race",
            venue="test",
            title="the race",
            market_ids=tuple(f"test:{slug}" for slug in slugs),
            neg_risk=neg_risk,
            augmented=augmented,
        )
        self.step(EventSeen(ts_ns=0, group=group))
        return group

    def list_pair(self, *, fees: FeeSchedule = NO_FEE) -> None:
        """List a crypto pair."""
        self.step(InstrumentSeen(ts_ns=0, instrument=spot(fees=fees)))

    def book(
        self, symbol: str = YES, *, bids: Levels = (), asks: Levels = (), after_s: float = 0.0,
        state: Any = "live",
    ) -> None:  # fmt: skip
        """Show a book."""
        self.step(
            BookSeen(
                symbol=symbol,
                ts_ns=0,
                bid_ticks=[ticks for ticks, _ in bids],
                bid_lots=[lots for _, lots in bids],
                ask_ticks=[ticks for ticks, _ in asks],
                ask_lots=[lots for _, lots in asks],
                state=state,
            ),
            after_s=after_s,
        )

    def bar(
        self, ticks: Sequence[int], *, volume: int = 1_000_000, symbol: str = PAIR,
        after_s: float = 60.0,
    ) -> None:  # fmt: skip
        """Show a closed bar: open, high, low, close."""
        opened, high, low, close = ticks
        self.step(
            BarSeen(
                symbol=symbol,
                ts_ns=0,
                interval_ns=60 * NS_PER_S,
                open_ticks=opened,
                high_ticks=high,
                low_ticks=low,
                close_ticks=close,
                volume_lots=volume,
            ),
            after_s=after_s,
        )

    def resolve(self, market_id: str, payouts_micros: tuple[int, ...] | None) -> None:
        """Let a market pay."""
        self.step(MarketResolvedSeen(ts_ns=0, market_id=market_id, payouts_micros=payouts_micros))

    def turn(self, market_id: str, state: MarketState) -> None:
        """Let a market begin or cease to trade."""
        self.step(MarketStateSeen(ts_ns=0, market_id=market_id, state=state))

    # --- signals --------------------------------------------------------------------------------

    def send(
        self, side: Side, lots: int, limit_ticks: int | None = None, *, symbol: str = YES,
        strategy: str = "hand", tif: Any = "IOC", **more: Any,
    ) -> Decision:  # fmt: skip
        """Send a signal of one leg through the door."""
        leg = Leg(symbol=symbol, side=side, quantity_lots=lots, limit_ticks=limit_ticks)
        return self.door.process_signal(strategy, Signal(legs=(leg,), time_in_force=tif, **more))

    def send_set(
        self, symbols: Sequence[str], lots: int, *, then: Any = "none", strategy: str = "hand",
        limit_ticks: int | None = None,
    ) -> Decision:  # fmt: skip
        """Buy one of each, all or none."""
        legs = tuple(
            Leg(symbol=symbol, side="BUY", quantity_lots=lots, limit_ticks=limit_ticks)
            for symbol in symbols
        )
        return self.door.process_signal(strategy, Signal(legs=legs, all_or_none=True, then=then))

    # --- what came of it ------------------------------------------------------------------------

    def held(self, symbol: str = YES, strategy: str = "hand") -> int:
        """Return the lots held."""
        return self.view.portfolio.held_lots(strategy, symbol)

    @property
    def cash(self) -> int:
        """Return the cash in micros."""
        return self.view.portfolio.accounts.cash_micros

    def events(self, kind: type | None = None) -> list[Any]:
        """Return what is on the tape, or what of one kind."""
        found: list[Event] = [record.event for record in self.ledger.read(0, 1_000_000)]
        return [event for event in found if kind is None or isinstance(event, kind)]

    def fills(self) -> list[OrderFilled]:
        """Return the fills on the tape."""
        return self.events(OrderFilled)

    def kinds(self) -> list[str]:
        """Return the kinds of the records in order."""
        return [kind_of(event) for event in self.events()]

    def restarted(self, *, from_snapshot: bool) -> Desk:
        """Return the next run on this ledger, its state folded from the tape as the bot does."""
        view = TapeView()
        if from_snapshot:
            assert view.restore_bytes(self.view.snapshot_bytes())
        while records := self.ledger.read(view.seq, 1_000):
            for record in records:
                view.apply(record)
        return Desk(ledger=self.ledger, view=view, settings=self.settings)


def folded(ledger: Ledger) -> TapeView:
    """Return the fold of a whole ledger."""
    view = TapeView()
    while records := ledger.read(view.seq, 1_000):
        for record in records:
            view.apply(record)
    return view
