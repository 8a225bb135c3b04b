"""One token's book, kept from snapshots and changes, with proof that nothing was missed.

There is no sequence number. What proves a book: its hash when it is whole, the venue's own best
prices after every change, a top that does not cross, and a connection that is heard. A book that
fails any of these is not live until the venue has sent it whole again.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from papertape.clock import NS_PER_MS
from papertape.core.decimal_text import scaled
from papertape.core.level_text import read_levels
from papertape.feeds.conditions import SHOWN, Condition
from papertape.feeds.polymarket.messages import BestPriceMessage, BookMessage, Change
from papertape.feeds.polymarket.sides import Side
from papertape.feeds.polymarket_levels import (
    LOT_DECIMALS,
    ONE_TICKS,
    TICK_DECIMALS,
    BadRecordError,
    BookHash,
    LevelReader,
    decode_levels,
    step_ticks_of,
)
from papertape.model.market_data import BookSeen

SEARCHES_MAX = 20  # in vain, one after the other: then the venue hashes otherwise than we know
HELD_BACK_MAX = 5_000  # changes kept while a book is being repaired; then it is asked for anew
OLDER = "book: older than what is known"


class TokenFacts(msgspec.Struct):
    """What the hash of a book is made of besides its levels, as the venue last said it."""

    min_size: str
    neg_risk: bool
    step_ticks: int
    last_trade: str = ""


class TokenBook:
    """The book of one token; `condition` says whether it may be traded on, `reason` why not."""

    def __init__(self, symbol: str, token: str, facts: TokenFacts, levels: LevelReader) -> None:
        """Begin without a book: nothing is known before the first snapshot."""
        self.symbol = symbol
        self.token = token
        self.facts = facts
        self.condition: Condition = "waiting"
        self.reason = "no snapshot yet"
        self.venue_ms = 0
        self.heard_ns = 0
        self.suspect_since_ns = 0
        self.last_hash = ""
        self._late_hash = ""
        self._in_vain = 0
        self._levels = levels
        self._bids, self._asks = Side(), Side()
        self._held_back: list[tuple[int, list[Change]]] = []
        self._changed_since_hash = False

    @property
    def broken(self) -> bool:
        """Return whether the book must be asked for anew."""
        return self.condition != "live"

    def seen(self, ts_ns: int) -> BookSeen:
        """Return the book as the engine shall see it now."""
        return BookSeen(
            symbol=self.symbol,
            ts_ns=ts_ns,
            bid_ticks=self._bids.ticks[::-1],
            bid_lots=self._bids.lots[::-1],
            ask_ticks=self._asks.ticks[:],
            ask_lots=self._asks.lots[:],
            venue_ts_ns=self.venue_ms * NS_PER_MS,
            state=SHOWN[self.condition],
            reason="" if self.condition == "live" else self.reason,
        )

    def break_off(self, condition: Condition, reason: str) -> bool:
        """Stop trusting the book; return whether that is news."""
        news = SHOWN[self.condition] != SHOWN[condition]
        self.condition, self.reason = condition, reason
        self.suspect_since_ns = 0
        self.last_hash = ""
        return news

    def resync(self) -> bool:
        """Note that a whole book is being asked for; return whether that is news.

        A book whose hash did not come out stays unverified while it is asked for again.
        """
        if self.condition not in {"gap", "stale"}:
            return False
        self.condition = "resyncing"
        return True

    def is_repeat(self, message: BookMessage) -> bool:
        """Return whether this is the book we have, said again."""
        same = message.hash == self.last_hash and not self._changed_since_hash
        return same and self.condition == "live"

    def differs(self, message: BookMessage) -> bool:
        """Return whether a verified book of the venue has other levels than ours."""
        step = step_ticks_of(message.tick_size) if message.tick_size else self.facts.step_ticks
        bids, asks = self._sides(message, step)
        return not (bids.same(self._bids) and asks.same(self._asks))

    def replace(self, message: BookMessage, now_ns: int) -> bool:
        """Take a whole book and the changes held back since; return whether it may be traded on.

        Raises BadRecordError for a book that cannot be one. A book older than what is known is
        not taken, unless a repair brings it twice: then the venue means it. Changes that came
        after it are put on top.
        """
        venue_ms = _venue_ms(message.timestamp)
        if venue_ms < self.venue_ms and (self.condition == "live" or self._is_late(message)):
            raise BadRecordError(OLDER)
        step_ticks = self.facts.step_ticks
        if message.tick_size:
            step_ticks = step_ticks_of(message.tick_size)
        bids, asks = self._sides(message, step_ticks)
        verified = self._verify(message, step_ticks)
        self.facts.step_ticks = step_ticks
        self._bids, self._asks = bids, asks
        self.venue_ms, self.heard_ns = max(venue_ms, self.venue_ms), now_ns
        self.last_hash, self._changed_since_hash = message.hash, False
        self.suspect_since_ns = 0
        self.condition, self.reason = "live", ""
        if not verified:
            self.condition, self.reason = "unverified", "the hash does not come out"
        held_back, self._held_back = self._held_back, []
        for changed_ms, changes in held_back:
            if changed_ms >= venue_ms and verified and not self.change(changes, changed_ms, now_ns):
                return False
        return self.condition == "live"

    def change(self, changes: list[Change], venue_ms: int, now_ns: int) -> bool:
        """Put new totals on the book; return False if it is no longer to be trusted."""
        if self.condition != "live":
            self._hold_back(venue_ms, changes)
            return False
        if venue_ms < self.venue_ms:
            return True  # it is in the snapshot already
        try:
            for one in changes:
                self._put(one)
        except ValueError as error:
            return self._fail(f"a change that cannot be one: {error}")
        self.venue_ms, self.heard_ns = venue_ms, now_ns
        self._changed_since_hash = True
        if _cross(self._bids, self._asks):
            return self._fail("bid and ask cross")
        last = changes[-1]
        if not self._agrees(last.best_bid, last.best_ask):
            return self._fail("the venue's best prices are not ours")
        self.suspect_since_ns = 0
        return True

    def compare(self, message: BestPriceMessage, now_ns: int) -> None:
        """Note since when the venue's best prices are not ours: they may run ahead for a moment."""
        if self.condition != "live" or _venue_ms(message.timestamp) < self.venue_ms:
            return
        if self._agrees(message.best_bid, message.best_ask):
            self.suspect_since_ns = 0
        elif not self.suspect_since_ns:
            self.suspect_since_ns = now_ns

    def regrid(self, step_ticks: int) -> None:
        """Take a new tick: the book is dropped until the venue sends it whole."""
        self.facts.step_ticks = step_ticks
        self._bids, self._asks, self._held_back = Side(), Side(), []
        self.break_off("resyncing", "the tick size changed")

    def forget_changes(self) -> None:
        """Drop what was held back: the connection it came over is gone."""
        self._held_back.clear()

    def _is_late(self, message: BookMessage) -> bool:
        """Return whether a repair is older than what is known and was not brought before."""
        brought_before = message.hash == self._late_hash
        self._late_hash = message.hash
        return not brought_before

    def _fail(self, reason: str) -> bool:
        self.break_off("gap", reason)
        self._held_back.clear()
        return False

    def _hold_back(self, venue_ms: int, changes: list[Change]) -> None:
        if len(self._held_back) >= HELD_BACK_MAX:
            self._held_back.clear()
        self._held_back.append((venue_ms, changes))

    def _put(self, one: Change) -> None:
        if one.side == "BUY":
            side = self._bids
        elif one.side == "SELL":
            side = self._asks
        else:
            raise ValueError(f"side {one.side[:20]!r}")
        ticks = self._levels.prices(self.facts.step_ticks)[one.price]
        side.put(ticks, self._levels.sizes[one.size])

    def _agrees(self, best_bid: str, best_ask: str) -> bool:
        bids, asks = self._bids.ticks, self._asks.ticks
        prices = self._levels.prices(self.facts.step_ticks)
        bid, ask = bids[-1] if bids else 0, asks[0] if asks else ONE_TICKS
        if prices.get(best_bid) == bid and prices.get(best_ask) == ask:
            return True
        return _same(best_bid, bid, empty=0) and _same(best_ask, ask, empty=ONE_TICKS)

    def _sides(self, message: BookMessage, step_ticks: int) -> tuple[Side, Side]:
        bids = self._side(message.bids, step_ticks, True)
        asks = self._side(message.asks, step_ticks, False)
        if not bids.ticks or not asks.ticks or bids.ticks[-1] < asks.ticks[0]:
            return bids, asks
        raise BadRecordError("book: crossed")

    def _side(self, raw: msgspec.Raw, step_ticks: int, rising: bool) -> Side:
        """Return one side; the venue writes the best level last, so bids rise and asks fall."""
        found = read_levels(bytes(raw), step_ticks, ONE_TICKS, TICK_DECIMALS, LOT_DECIMALS, rising)
        if found is not None:
            self._levels.dust_levels += found[2]
            return Side(found[0], found[1])
        try:
            ticks, lots = self._levels.side(decode_levels(raw), step_ticks)
        except msgspec.ValidationError as error:
            raise BadRecordError(f"book: {error}") from None
        except ValueError as error:
            raise BadRecordError(f"book: bad number: {error}") from None
        if len(set(ticks)) != len(ticks):
            raise BadRecordError("book: crossed, or a price twice")
        return Side.of(ticks, lots)

    def _verify(self, message: BookMessage, step_ticks: int) -> bool:
        """Return whether the hash comes out; a last trade that is not said is searched for."""
        facts = self.facts
        tick = message.tick_size or _decimal_text(step_ticks)
        min_size = message.min_order_size or facts.min_size
        neg_risk = facts.neg_risk if message.neg_risk is None else message.neg_risk
        for bids, asks in _spellings(message):
            begun = BookHash(message.market, message.asset_id, message.timestamp, bids, asks)
            for last_trade in self._last_trades(message, step_ticks):
                said = begun.hexdigest(
                    min_size=min_size, tick=tick, neg_risk=neg_risk, last_trade=last_trade
                )
                if said == message.hash:
                    facts.last_trade, facts.min_size = last_trade, min_size
                    facts.neg_risk = neg_risk
                    self._in_vain = 0
                    return True
        self._in_vain += 1
        return False

    def _last_trades(self, message: BookMessage, step_ticks: int) -> Iterator[str]:
        """Yield what the last trade price may have been, likeliest first."""
        yield from (message.last_trade_price, self.facts.last_trade, "", "0.000")
        if self._in_vain < SEARCHES_MAX:
            for ticks in range(step_ticks, ONE_TICKS, step_ticks):
                yield _three_decimals(ticks)


def _cross(bids: Side, asks: Side) -> bool:
    return bool(bids.ticks and asks.ticks) and bids.ticks[-1] >= asks.ticks[0]


def _spellings(message: BookMessage) -> list[tuple[bytes, bytes]]:
    """Return the levels verbatim, and without spaces if there are any."""
    verbatim = bytes(message.bids), bytes(message.asks)
    if b" " not in verbatim[0] + verbatim[1]:
        return [verbatim]
    bids, asks = decode_levels(message.bids), decode_levels(message.asks)
    return [(msgspec.json.encode(bids), msgspec.json.encode(asks))]


def _same(text: str, ticks: int, *, empty: int) -> bool:
    """Return whether a best price that was said is ours; one that was not said is no objection.

    An empty side is written "", "0" or "1", depending on the message.
    """
    if not text:
        return True
    try:
        said = scaled(text, TICK_DECIMALS)
    except ValueError:
        return False
    return bool(said == ticks or (ticks == empty and said in (0, ONE_TICKS)))


def _venue_ms(text: str) -> int:
    try:
        venue_ms: int = scaled(text, 0)
    except ValueError:
        raise BadRecordError("timestamp: not milliseconds") from None
    return venue_ms


def _decimal_text(step_ticks: int) -> str:
    return f"0.{step_ticks:04d}".rstrip("0")


def _three_decimals(ticks: int) -> str:
    whole, rest = divmod(ticks, ONE_TICKS)
    text = f"{whole}.{rest:04d}"
    return text[:-1] if text.endswith("0") else text
