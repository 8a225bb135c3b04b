"""TradingLoop: one market record at a time, live and in replays: mark, match, ask, trade."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from papertape.clock import NS_PER_S, ManualClock
from papertape.errors import AccountsBrokenError
from papertape.model.events import (
    AlertRaised,
    DataAlarm,
    EngineStateChanged,
    EventListed,
    FeedState,
    FeedStateChanged,
    InstrumentListed,
    MarketListed,
    MarketStateChanged,
    OrderFilled,
    PositionSettled,
    StrategyStateChanged,
)
from papertape.model.instrument import Instrument
from papertape.model.market_data import (
    BarSeen,
    BookSeen,
    EventSeen,
    FeedStateSeen,
    InstrumentSeen,
    MarketData,
    MarketResolvedSeen,
    MarketSeen,
    MarketStateSeen,
    Priced,
    PrintSeen,
    QuoteSeen,
    VenueClockSeen,
    parts_of,
)
from papertape.model.ports import Feed, MarketSink
from papertape.model.signal import Leg, Opportunity, Signal
from papertape.services import sets
from papertape.services.book_doubts import BookDoubts
from papertape.services.data_flow_manager import DataFlowManager
from papertape.services.decision import Decision
from papertape.services.door_parts import DoorParts
from papertape.services.exits import ExitDesk
from papertape.services.run_context import RunContext
from papertape.services.venue_clocks import clock_events
from papertape.services.wishes import carry_out
from papertape.strategies.strategy_manager import Asked, StrategyManager

FOLLOW_UPS_MAX = 1_000  # signals out of one market record: beyond it a loop is feeding itself
ALARMED_MAX = 1_000  # unlisted symbols that are told, once each
FILLED_MARK_NS = NS_PER_S  # equity is marked at least this often while trades happen


class TradingLoop:
    """Feeds the engine from a feed; everything that happens goes through the scribe to the tape.

    Per market record: it gets its number, resting orders meet it, strategies are asked, their
    signals go through the door. What one record or one signal led to is one unit on the tape.
    """

    def __init__(
        self,
        *,
        parts: DoorParts,
        door: DataFlowManager,
        manager: StrategyManager,
        sink: MarketSink,
        clock: ManualClock,
        equity_every_ns: int,
        on_idle: Callable[[], None],
    ) -> None:
        """Take the parts; `on_idle` is called often, for everything that is not trading."""
        self._view = parts.view
        self._scribe = parts.scribe
        self._watch = parts.watch
        self._engine = parts.engine
        self._door = door
        self._manager = manager
        self._sink = sink
        self._clock = clock
        self._equity_every_ns = equity_every_ns
        self._marked_ns = self._stepped_ns = 0
        self._marked_value = (-1, -1)
        self._fills_marked = 0
        self._on_idle = on_idle
        self._alarmed: set[str] = set()
        self._doubts = BookDoubts()
        self._exits = ExitDesk(parts.exits, parts.view, parts.watch, parts.scribe)
        self.events = 0
        self.busy_s = 0.0
        self._handlers: dict[type, Callable[[Any], None]] = {
            BookSeen: self._book,
            QuoteSeen: self._quote,
            BarSeen: self._bar,
            PrintSeen: self._print,
            InstrumentSeen: self._instrument,
            MarketSeen: self._market,
            EventSeen: self._event,
            MarketStateSeen: self._market_state,
            MarketResolvedSeen: self._resolved,
            FeedStateSeen: self._feed_state,
            VenueClockSeen: self._venue_clock,
        }

    def run(self, feed: Feed, *, duration_ns: int | None = None) -> None:
        """Process the feed to its end, or for a span of its own time."""
        self._manager.start(RunContext(self._view, self._watch, self._clock))
        began = time.perf_counter()
        end_ns: int | None = None
        for item in feed.items():
            self._first_price(feed.source, item)
            if duration_ns is not None:
                end_ns = item.ts_ns + duration_ns if end_ns is None else end_ns
                if item.ts_ns > end_ns:
                    feed.stop()
                    break
            self._on_idle()  # before it trades: a halt that was asked for comes first
            self.step(item)
        self._on_idle()
        self.busy_s = time.perf_counter() - began
        self._end(feed.source)

    def _first_price(self, source: str, item: MarketData) -> None:
        silent = len(parts_of(source)) == 1 and source not in self._view.feed_states
        if silent and isinstance(item, Priced):
            self._note_feed(source, "live", "")  # it speaks: it is there
            self._scribe.commit()

    def _end(self, source: str) -> None:
        self._manager.stop()
        for part in parts_of(source):
            self._note_feed(part, "ended", "it has no more data")
        self._mark(self._clock.now_ns(), force=True)
        self._scribe.commit()

    def step(self, item: MarketData) -> None:
        """Process one market record."""
        if self._engine.timetable.due_ns() is not None:
            self._catch_up(item.ts_ns)
        mseq = self._sink.record(item)
        self._clock.set_ns(item.ts_ns)
        now_ns = self._clock.now_ns()
        self._scribe.at(now_ns, mseq)
        self.events += 1
        try:
            if now_ns > self._stepped_ns and now_ns - self._marked_ns >= FILLED_MARK_NS:
                self._mark(now_ns)  # between two moments: an event's markets resolve in one
            self._stepped_ns = now_ns
            self._handlers[type(item)](item)
            self._scribe.commit()
        except (AccountsBrokenError, OverflowError) as error:
            self._halt(f"the books broke: {error}")
            raise

    def _catch_up(self, until_ns: int) -> None:
        """Let what was due before the next market record happen at its own time."""
        while (due_ns := self._engine.timetable.due_ns()) is not None and due_ns < until_ns:
            self._clock.set_ns(due_ns)
            self._scribe.at(self._clock.now_ns(), self._scribe.mseq)
            self._meet(self._engine.timetable.run)

    # --- prices ---------------------------------------------------------------------------------

    def _book(self, book: BookSeen) -> None:
        if book.symbol not in self._view.instruments:
            self._unknown(book.symbol)
            return
        changed = self._doubts.see(book)
        if changed is not None:
            self._scribe.note(changed)
        self._watch.see_book(book)
        self._after_price(book.symbol)
        if self._engine.resting_count and self._trading(book.symbol):
            self._meet(partial(self._engine.on_book, book))
        self._leave(book.symbol)
        self._ask("on_book", book.symbol, book)

    def _quote(self, quote: QuoteSeen) -> None:
        if quote.symbol not in self._view.instruments:
            self._unknown(quote.symbol)
            return
        book = self._watch.see_quote(quote)
        self._after_price(quote.symbol)
        if self._engine.resting_count and self._trading(quote.symbol):
            self._meet(partial(self._engine.on_book, book))
        self._leave(quote.symbol)
        self._ask("on_quote", quote.symbol, quote)
        self._ask("on_book", quote.symbol, book)

    def _bar(self, bar: BarSeen) -> None:
        if bar.symbol not in self._view.instruments:
            self._unknown(bar.symbol)
            return
        self._watch.see_bar(bar)
        self._after_price(bar.symbol)
        if self._engine.resting_count and self._trading(bar.symbol):
            self._meet(partial(self._engine.on_bar, bar))
        self._leave(bar.symbol)
        self._ask("on_bar", bar.symbol, bar)

    def _print(self, seen: PrintSeen) -> None:
        if seen.symbol not in self._view.instruments:
            self._unknown(seen.symbol)
            return
        self._watch.see_print(seen)
        if self._engine.resting_count and self._trading(seen.symbol):
            self._meet(partial(self._engine.on_print, seen))
        self._ask("on_print", seen.symbol, seen)

    def _after_price(self, symbol: str) -> None:
        ticks = self._watch.mark_ticks(symbol)
        if ticks is not None:
            self._view.portfolio.mark(symbol, ticks)

    def _trading(self, symbol: str) -> bool:
        """Return whether resting orders may fill: not while the market is halted or closed."""
        market_id = self._view.instruments[symbol].market_id
        return self._view.market_states.get(market_id, "trading") == "trading"

    def _unknown(self, symbol: str) -> None:
        if symbol in self._alarmed or len(self._alarmed) >= ALARMED_MAX:
            return
        self._alarmed.add(symbol)
        reason = "data for an instrument that was never listed is not used"
        self._alarm((symbol,), "listed", "not listed", reason)

    def _alarm(self, symbols: tuple[str, ...], test: str, figure: str, reason: str) -> None:
        source = self._watch.source
        self._scribe.note(
            DataAlarm(source=source, symbols=symbols, test=test, figure=figure, reason=reason)
        )

    def _meet(self, match: Callable[[], None]) -> None:
        """Let open orders meet what was seen, then tell their owners of fills."""
        first = self._scribe.pending()
        match()
        fills = [e for e in self._scribe.noted_since(first) if isinstance(e, OrderFilled)]
        self._scribe.commit()
        for fill in fills:
            self._trade(self._manager.tell_fill(fill))

    # --- strategies -----------------------------------------------------------------------------

    def _leave(self, symbol: str) -> None:
        """Sell what exit rules want sold, before the strategies are asked."""
        self._trade(list(self._exits.look(symbol, self._scribe.ts_ns)))

    def _ask(self, handler: str, symbol: str, seen: object) -> None:
        self._trade(self._manager.ask(handler, symbol, seen))

    def _trade(self, asked: Iterable[Asked]) -> None:
        """Send signals through the door, and the follow-ups of their fills after them."""
        waiting = list(asked)
        done = 0
        while waiting:
            tag, wanted = waiting.pop(0)
            if isinstance(wanted, Opportunity):
                self._door.note_opportunity(tag, wanted)
                continue
            for fill in carry_out(self._door, tag, wanted):
                waiting.extend(self._manager.tell_fill(fill))
            done += 1
            if done > FOLLOW_UPS_MAX:
                self.alert("error", "Signals without end", f"{tag} answers its own fills", tag)
                return

    # --- news -----------------------------------------------------------------------------------

    def _instrument(self, seen: InstrumentSeen) -> None:
        self._list(seen.instrument)

    def _list(self, instrument: Instrument) -> None:
        if self._view.instruments.get(instrument.symbol) != instrument:
            self._scribe.note(InstrumentListed(instrument=instrument))
            self._engine.relist(instrument)

    def _market(self, seen: MarketSeen) -> None:
        for instrument in seen.instruments:
            self._list(instrument)
        if self._view.markets.get(seen.market.market_id) != seen.market:
            self._scribe.note(MarketListed(market=seen.market))

    def _event(self, seen: EventSeen) -> None:
        if self._view.groups.get(seen.group.event_id) != seen.group:
            self._scribe.note(EventListed(group=seen.group))

    def _market_state(self, seen: MarketStateSeen) -> None:
        before = self._view.market_states.get(seen.market_id)
        if before in {seen.state, "resolved"}:
            return
        self._scribe.note(MarketStateChanged(market_id=seen.market_id, state=seen.state))
        if seen.state in {"closed", "resolved"}:
            self._expire(seen.market_id, f"the market is {seen.state}")

    def _expire(self, market_id: str, reason: str) -> None:
        market = self._view.markets.get(market_id)
        for symbol in market.symbols if market else ():
            self._engine.expire_symbol(symbol, reason)

    def _resolved(self, seen: MarketResolvedSeen) -> None:
        market = self._view.markets.get(seen.market_id)
        if market is None or self._view.market_states.get(seen.market_id) == "resolved":
            return
        payouts = seen.payouts_micros
        if payouts is not None and len(payouts) != len(market.symbols):
            figure = f"{len(payouts)} payouts for {len(market.symbols)} outcomes"
            self._alarm(market.symbols, "payouts", figure, "the resolution is not used")
            return
        self._expire(seen.market_id, "the market is resolved")
        self._scribe.note(
            MarketStateChanged(
                market_id=seen.market_id,
                state="resolved",
                payouts_micros=seen.payouts_micros,
                void=seen.payouts_micros is None,
            )
        )
        settled: list[PositionSettled] = sets.settle(self._view, market, seen.payouts_micros)
        for one in settled:
            self._scribe.note(one)
        for symbol in market.symbols:
            self._watch.forget(symbol)
            self._doubts.forget(symbol)
        self._scribe.commit()
        for one in settled:
            self._trade(self._manager.tell_settled(one))
        for symbol in market.symbols:
            self._manager.forget(symbol)

    def _feed_state(self, seen: FeedStateSeen) -> None:
        self._watch.hear(seen.source, alive=seen.state == "live")
        self._note_feed(seen.source, seen.state, seen.reason)

    def _venue_clock(self, seen: VenueClockSeen) -> None:
        for event in clock_events(self._view.clocks.get(seen.source), seen):
            self._scribe.note(event)

    def _note_feed(self, source: str, state: FeedState, reason: str) -> None:
        known = self._view.feed_states.get(source)
        if known is None or known.state != state:
            self._scribe.note(FeedStateChanged(source=source, state=state, reason=reason))

    # --- the account ----------------------------------------------------------------------------

    def _mark(self, now_ns: int, *, force: bool = False) -> None:
        """Record equity: soon after trades, else every so often while it changes."""
        traded = self._view.trades.fills + self._view.trades.settled
        due = now_ns - self._marked_ns >= self._equity_every_ns
        if not (due or force or traded != self._fills_marked):
            return
        marked = self._view.equity_marked()
        value = (marked.value_micros, marked.cash_micros)
        self._marked_ns = now_ns
        if value != self._marked_value:
            self._scribe.note(marked)
        self._marked_value = value
        self._fills_marked = traded

    def _halt(self, reason: str) -> None:
        self._scribe.halt(EngineStateChanged(state="halted", reason=reason))

    # --- what strategies and people cause -------------------------------------------------------

    def close_position(self, symbol: str, reason: str) -> list[Decision]:
        """Sell what each strategy holds of an instrument, at the book as it is seen now."""
        held = self._view.portfolio.accounts.positions.items()
        lots = {
            strategy: position.quantity_lots
            for (strategy, one), position in held
            if one == symbol and position.quantity_lots > 0
        }
        decisions = []
        for strategy in sorted(lots):
            leg = Leg(symbol=symbol, side="SELL", quantity_lots=lots[strategy])
            wanted = Signal(legs=(leg,), reason=reason)
            decision = self._door.process_signal(strategy, wanted, by_person=True)
            decisions.append(decision)
            for fill in decision.fills:
                self._trade(self._manager.tell_fill(fill))
        return decisions

    def alert(self, severity: Any, title: str, message: str, about: str = "") -> None:
        """Put an alert on the tape."""
        self._scribe.note(AlertRaised(severity=severity, title=title, message=message, about=about))

    def strategy_disabled(self, tag: str, reason: str) -> None:
        """Record that a strategy failed and take back its resting orders; the others go on."""
        self._scribe.note(StrategyStateChanged(strategy=tag, state="disabled", reason=reason))
        self._engine.cancel_all("its strategy was disabled", strategy=tag)

    def strategy_slow(self, tag: str, took_ms: int) -> None:
        """Alert that a strategy thought for too long."""
        self.alert("warning", f"{tag} is slow", f"one call took {took_ms} ms", tag)
