"""The markets that are watched, their books, and what of all that the engine is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from papertape.clock import NS_PER_MS, NS_PER_S
from papertape.core.decimal_text import scaled
from papertape.feeds.polymarket.book import OLDER, TokenBook, TokenFacts
from papertape.feeds.polymarket.gamma import LiveMarket, Trading, winner_takes
from papertape.feeds.polymarket.messages import (
    BestPriceMessage,
    BookMessage,
    Change,
    FrameReader,
    LastTradeMessage,
    Message,
    NewMarketMessage,
    PriceChangeMessage,
    ResolvedMessage,
    TickSizeMessage,
)
from papertape.feeds.polymarket_levels import BadRecordError, LevelReader, step_ticks_of
from papertape.model.instrument import Instrument
from papertape.model.market import MarketState
from papertape.model.market_data import (
    InstrumentSeen,
    MarketData,
    MarketResolvedSeen,
    MarketSeen,
    MarketStateSeen,
    PrintSeen,
)

STATES: dict[Trading, MarketState] = {
    "tradable": "trading",
    "listed": "listed",
    "over": "closed",
    "resolved": "closed",
}


class Tracker:
    """Folds messages into books and tells what became of them, in order, through `emit`."""

    def __init__(
        self, emit: Callable[[MarketData], None], reader: FrameReader, counts: Counter[str]
    ) -> None:
        """Begin with no market; `emit` stamps nothing, items come with their time."""
        self.markets: dict[str, LiveMarket] = {}
        self.states: dict[str, MarketState] = {}
        self.books: dict[str, TokenBook] = {}
        self.news_of_listings = 0
        self.venue_ms = 0
        self._owners: dict[str, LiveMarket] = {}
        self._instruments: dict[str, Instrument] = {}
        self._over: set[str] = set()
        self._next_end_ns = 0
        self._emit = emit
        self._reader = reader
        self._counts = counts
        self._levels = LevelReader()

    # --- markets --------------------------------------------------------------------------------

    def list_market(self, market: LiveMarket, now_ns: int) -> bool:
        """Tell of a market or of its new state; return whether it is new."""
        if market.slug in self._over:
            return False
        is_new = market.slug not in self.markets
        if is_new:
            self._emit(
                MarketSeen(ts_ns=now_ns, market=market.market, instruments=market.instruments)
            )
            self.markets[market.slug] = market
            end_ns = market.market.end_ns or self._next_end_ns
            self._next_end_ns = min(end_ns, self._next_end_ns or end_ns)
            for token, instrument in zip(market.tokens, market.instruments, strict=True):
                facts = TokenFacts(
                    min_size=market.min_size,
                    neg_risk=market.neg_risk,
                    step_ticks=instrument.step_ticks,
                )
                self.books[token] = TokenBook(instrument.symbol, token, facts, self._levels)
                self._owners[token] = market
                self._instruments[token] = instrument
        self.set_state(market.slug, STATES[market.trading], now_ns)
        return is_new

    def set_state(self, slug: str, state: MarketState, now_ns: int) -> None:
        """Tell that a market began or ceased to trade; one that is over stays over."""
        before = self.states.get(slug)
        if before in {state, "closed"}:
            return
        self.states[slug] = state
        market_id = self.markets[slug].market.market_id
        self._emit(MarketStateSeen(ts_ns=now_ns, market_id=market_id, state=state))

    def close_due(self, now_ns: int) -> None:
        """Close the markets whose end has come."""
        if not self._next_end_ns or now_ns < self._next_end_ns:
            return
        later: list[int] = []
        for slug, market in self.markets.items():
            end_ns = market.market.end_ns
            if end_ns > now_ns:
                later.append(end_ns)
            elif end_ns:
                self.set_state(slug, "closed", now_ns)
        self._next_end_ns = min(later, default=0)

    def resolve(self, slug: str, payouts_micros: tuple[int, ...], now_ns: int) -> tuple[str, ...]:
        """Tell what a market pays and let go of it; return its tokens."""
        market = self.markets.pop(slug, None)
        if market is None:
            return ()
        self._over.add(slug)
        self.states.pop(slug, None)
        self._emit(
            MarketResolvedSeen(
                ts_ns=now_ns, market_id=market.market.market_id, payouts_micros=payouts_micros
            )
        )
        for token in market.tokens:
            for kept in (self.books, self._owners, self._instruments):
                kept.pop(token, None)
        return market.tokens

    # --- messages -------------------------------------------------------------------------------

    def take(self, message: Message, now_ns: int) -> bool:
        """Fold one message; return whether it was about a market of ours."""
        try:
            return self._take(message, now_ns)
        except BadRecordError as error:
            self._refuse(str(error))
            return True

    def _take(self, message: Message, now_ns: int) -> bool:
        match message:
            case BookMessage():
                return self._book(message, now_ns)
            case PriceChangeMessage():
                return self._changes(message, now_ns)
            case LastTradeMessage():
                return self._trade(message, now_ns)
            case TickSizeMessage():
                return self._tick(message, now_ns)
            case BestPriceMessage():
                book = self.books.get(message.asset_id)
                if book is not None:
                    book.compare(message, now_ns)
                return book is not None
            case ResolvedMessage():
                return self._resolved(message, now_ns)
            case NewMarketMessage():
                self.news_of_listings += 1
                return False

    def seed(self, message: BookMessage, now_ns: int) -> bool:
        """Take a whole book that was asked for; return whether it shows that we missed a change."""
        book = self.books.get(message.asset_id)
        if book is None:
            return False
        try:
            if book.condition == "live":
                return self._audit(book, message, now_ns)
            self._book(message, now_ns)
        except BadRecordError as error:
            self._refuse(str(error))
        return False

    def _audit(self, book: TokenBook, message: BookMessage, now_ns: int) -> bool:
        """Compare a quiet book with the venue's: the same is told again, another is a gap."""
        venue_ms = _number(message.timestamp, 0, "timestamp")
        if venue_ms < book.venue_ms:
            return False
        if book.differs(message):
            self.break_off(book, "the stream missed a change", now_ns)
            return True
        book.heard_ns = now_ns
        self._emit(book.seen(now_ns))
        return False

    def _book(self, message: BookMessage, now_ns: int) -> bool:
        book = self.books.get(message.asset_id)
        if book is None:
            return False
        if book.is_repeat(message):
            self._counts["books said again"] += 1
            return True
        step_before = self._instruments[book.token].step_ticks
        live = book.replace(message, now_ns)
        self.venue_ms = book.venue_ms
        if not live:
            self._counts[f"books not taken as live: {book.reason}"] += 1
        if book.facts.step_ticks != step_before:
            self._regrid(book.token, book.facts.step_ticks, now_ns)
        self._emit(book.seen(now_ns))
        return True

    def _changes(self, message: PriceChangeMessage, now_ns: int) -> bool:
        venue_ms = _number(message.timestamp, 0, "timestamp")
        self.venue_ms = venue_ms
        by_token: dict[str, list[Change]] = {}
        for change in message.price_changes:
            by_token.setdefault(change.asset_id, []).append(change)
        ours = False
        for token, changes in by_token.items():
            book = self.books.get(token)
            if book is None:
                continue
            ours = True
            was_live = book.condition == "live"
            if not book.change(changes, venue_ms, now_ns):
                if was_live:
                    self._counts[f"gaps: {book.reason}"] += 1
                    self._emit(book.seen(now_ns))
                continue
            self._emit(book.seen(now_ns))
        return ours

    def _trade(self, message: LastTradeMessage, now_ns: int) -> bool:
        book = self.books.get(message.asset_id)
        if book is None:
            return False
        if message.side not in {"BUY", "SELL"}:
            raise BadRecordError("last_trade_price: side")
        lots = _number(message.size, 2, "size", floor=True)
        if lots:
            self._emit(
                PrintSeen(
                    symbol=book.symbol,
                    ts_ns=now_ns,
                    price_ticks=_number(message.price, 4, "price"),
                    quantity_lots=lots,
                    side="BUY" if message.side == "BUY" else "SELL",
                    venue_ts_ns=_number(message.timestamp, 0, "timestamp") * NS_PER_MS,
                )
            )
        return True

    def _tick(self, message: TickSizeMessage, now_ns: int) -> bool:
        book = self.books.get(message.asset_id)
        if book is None:
            return False
        step_ticks = step_ticks_of(message.new_tick_size)
        book.regrid(step_ticks)
        self._regrid(book.token, step_ticks, now_ns)
        self._emit(book.seen(now_ns))
        return True

    def _regrid(self, token: str, step_ticks: int, now_ns: int) -> None:
        before = self._instruments[token]
        instrument = msgspec.structs.replace(before, step_ticks=step_ticks)
        self._instruments[token] = instrument
        self._emit(InstrumentSeen(ts_ns=now_ns, instrument=instrument))

    def _resolved(self, message: ResolvedMessage, now_ns: int) -> bool:
        for slug, market in list(self.markets.items()):
            if message.winning_asset_id in market.tokens:
                if not set(message.assets_ids) <= set(market.tokens):
                    raise BadRecordError("market_resolved: tokens of two markets")
                self.resolve(slug, winner_takes(market.tokens, message.winning_asset_id), now_ns)
                return True
        return False

    # --- trust ----------------------------------------------------------------------------------

    def break_off(self, book: TokenBook, reason: str, now_ns: int) -> None:
        """Stop trusting a book, and say so."""
        if book.break_off("gap", reason):
            self._counts[f"gaps: {reason}"] += 1
            self._emit(book.seen(now_ns))

    def resync(self, tokens: Iterable[str], now_ns: int) -> None:
        """Say of broken books that whole ones are being asked for."""
        for token in tokens:
            book = self.books.get(token)
            if book is not None and book.resync():
                self._emit(book.seen(now_ns))

    def doubt(self, tokens: Iterable[str], reason: str, now_ns: int) -> None:
        """Break off every live book of a connection: one of them may have missed a change."""
        for token in tokens:
            book = self.books.get(token)
            if book is not None and book.condition == "live":
                self.break_off(book, reason, now_ns)

    def lost(self, tokens: Iterable[str], reason: str, now_ns: int) -> None:
        """Mark the books of a dead connection: their prices stay, nobody acts on them."""
        for token in tokens:
            book = self.books.get(token)
            if book is None:
                continue
            had_book = book.condition != "waiting"
            book.forget_changes()
            if book.break_off("stale", reason) and had_book:
                self._emit(book.seen(now_ns))

    def check_suspects(self, now_ns: int, suspect_s: float) -> None:
        """Break off books whose best prices have differed from the venue's for too long."""
        for book in self.books.values():
            since_ns = book.suspect_since_ns
            if since_ns and now_ns - since_ns >= suspect_s * NS_PER_S:
                self.break_off(book, "the venue's best prices are not ours", now_ns)

    def _refuse(self, reason: str) -> None:
        if reason == OLDER:
            self._counts["books older than what is known"] += 1
        else:
            self._reader.refuse(reason)


def _number(text: str, decimals: int, field: str, *, floor: bool = False) -> int:
    try:
        return int(scaled(text, decimals, floor))
    except ValueError as error:
        raise BadRecordError(f"{field}: {error}") from None
