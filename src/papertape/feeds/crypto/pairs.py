"""One pair of a crypto venue: its instrument, and what of its book may be acted on."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from papertape.clock import NS_PER_MS
from papertape.core.decimal_text import scaled
from papertape.errors import ConfigError, InvalidInputError
from papertape.feeds.conditions import SHOWN, Condition
from papertape.feeds.crypto.ladder import Ladder, OffGridError
from papertape.model.instrument import FeeSchedule, Instrument
from papertape.model.market_data import BarSeen, BookSeen, PrintSeen
from papertape.model.money import NANOS, PPM, parse_number, to_units

PRINTS_KEPT = 2_000  # newest trade ids of a pair: a venue says some again after a reconnect
KNOWN_MIN = 10  # levels a side; with fewer inside the snapshot's reach it is asked for anew


def instrument_of(venue: str, market: Mapping[str, Any], dated: str) -> Instrument:
    """Return the instrument of a ccxt market; raises ConfigError for what cannot be counted."""
    name = f"{venue}:{market['symbol']}"
    if not market.get("spot"):
        raise ConfigError(f"crypto: {name} is not a spot pair")
    precision, limits = market.get("precision") or {}, market.get("limits") or {}
    try:
        tick_nanos = to_units(precision.get("price"), 1, "price step")
        lot_nanos = to_units(precision.get("amount"), 1, "size step")
    except InvalidInputError as error:
        raise ConfigError(f"crypto: {name}: {error}; steps are counted to 1e-9") from None
    if not 0 < tick_nanos <= NANOS or not lot_nanos > 0:
        raise ConfigError(f"crypto: {name}: a price step of {precision.get('price')} is not taken")
    return Instrument(
        symbol=name,
        venue=venue,
        kind="spot",
        quote_currency=str(market["quote"]),
        tick_nanos=tick_nanos,
        lot_nanos=lot_nanos,
        min_lots=max(1, -(-_least(limits, "amount", NANOS) // lot_nanos)),
        min_notional_micros=_least(limits, "cost", 1_000_000),
        fees=FeeSchedule(
            kind="proportional",
            taker_ppm=_ppm(market.get("taker"), name),
            maker_ppm=_ppm(market.get("maker"), name),
            dated=dated,
            source=f"{venue} through ccxt, base tier",
        ),
    )


def _least(limits: Mapping[str, Any], key: str, units: int) -> int:
    least = (limits.get(key) or {}).get("min")
    return 0 if least is None else int(parse_number(least, key) * units)


def _ppm(rate: object, name: str) -> int:
    if rate is None:
        raise ConfigError(f"crypto: ccxt does not say what {name} charges")
    return max(0, int(parse_number(rate, "fee") * PPM))


class Pair:
    """The state of one pair on a running connection."""

    def __init__(self, instrument: Instrument, depth_levels: int) -> None:
        """Begin without a book."""
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.name = instrument.symbol.partition(":")[2]
        self.condition: Condition = "waiting"
        self.reason = "no snapshot yet"
        self.ladder: Ladder | None = None
        self.is_attached = False  # ccxt keeps the ladder; else only its last prices are here
        self.client: Any = None
        self.heard_s = 0.0
        self.heard_venue_ns = 0
        self.last_bar_ms = 0
        self.confirmed = 0  # the snapshot (`Ladder.resets`) that was compared with the venue's book
        self._depth = depth_levels
        self._printed: deque[str] = deque(maxlen=PRINTS_KEPT)
        self._printed_set: set[str] = set()

    # --- the book -------------------------------------------------------------------------------

    def break_off(self, condition: Condition, reason: str) -> bool:
        """Stop trusting the book; return whether that is news."""
        news = SHOWN[self.condition] != SHOWN[condition]
        self.condition, self.reason = condition, reason
        return news

    def judge(self, ladder: Ladder, *, joined: bool, proven: bool) -> Condition:
        """Return what the book is worth after a change; raises OffGridError.

        joined: the stream fits the snapshot. proven: the venue's numbers show a missing change.
        """
        ladder.put_on_grid(self.instrument.tick_nanos, self.instrument.lot_nanos)
        self.ladder, self.is_attached = ladder, True
        bids, asks = ladder.bids.keys, ladder.asks.keys
        if not bids and not asks:
            self.condition, self.reason = "resyncing", "the book is empty"
        elif not joined:
            self.condition, self.reason = "resyncing", "the stream is not joined to the snapshot"
        elif bids and asks and -bids[0] >= asks[0]:
            self.condition, self.reason = "gap", "bid and ask cross"
        elif min(ladder.bids.known(), ladder.asks.known()) < min(KNOWN_MIN, len(bids), len(asks)):
            self.condition, self.reason = "resyncing", "the price left what the snapshot covers"
        elif not proven:
            self.condition, self.reason = "unverified", "nothing here shows a missing change"
        else:
            self.condition, self.reason = "live", ""
        return self.condition

    def seen(self, ts_ns: int) -> BookSeen:
        """Return the book as the engine shall see it now."""
        ladder = self.ladder
        bid_ticks, bid_lots = ladder.bids.best(self._depth) if ladder else ([], [])
        ask_ticks, ask_lots = ladder.asks.best(self._depth) if ladder else ([], [])
        venue_ms = ladder["timestamp"] if ladder else None
        if venue_ms:
            self.heard_venue_ns = int(venue_ms) * NS_PER_MS
        return BookSeen(
            symbol=self.symbol,
            ts_ns=ts_ns,
            bid_ticks=bid_ticks,
            bid_lots=bid_lots,
            ask_ticks=ask_ticks,
            ask_lots=ask_lots,
            venue_ts_ns=self.heard_venue_ns,
            state=SHOWN[self.condition],
            reason=self.reason,
        )

    # --- prints and bars ------------------------------------------------------------------------

    def print_of(self, trade: Mapping[str, Any], ts_ns: int) -> PrintSeen | None:
        """Return a trade of others, None for one that was told before or is below a lot.

        Raises OffGridError and ValueError for what cannot be a trade of this pair.
        """
        known = str(trade.get("id") or "")
        if known:
            if known in self._printed_set:
                return None
            if len(self._printed) == PRINTS_KEPT:
                self._printed_set.discard(self._printed[0])
            self._printed.append(known)
            self._printed_set.add(known)
        side = {"buy": "BUY", "sell": "SELL"}.get(str(trade.get("side")))
        if side is None:
            raise ValueError("a trade without the taker's side")
        ticks = self._ticks(trade["price"])
        lots = int(scaled(str(trade["amount"]), 9, True)) // self.instrument.lot_nanos
        if not lots:
            return None
        return PrintSeen(
            symbol=self.symbol,
            ts_ns=ts_ns,
            price_ticks=ticks,
            quantity_lots=lots,
            side="BUY" if side == "BUY" else "SELL",
            venue_ts_ns=int(trade.get("timestamp") or 0) * NS_PER_MS,
        )

    def bar_of(self, row: list[Any], interval_ms: int, ts_ns: int) -> BarSeen:
        """Return a closed bar from [open time in ms, open, high, low, close, volume]."""
        opened_ms = int(row[0])
        open_, high, low, close = (self._ticks(value) for value in row[1:5])
        if not low <= min(open_, close) <= max(open_, close) <= high:
            raise ValueError("a bar whose high or low is inside it")
        return BarSeen(
            symbol=self.symbol,
            ts_ns=ts_ns,
            interval_ns=interval_ms * NS_PER_MS,
            open_ticks=open_,
            high_ticks=high,
            low_ticks=low,
            close_ticks=close,
            volume_lots=int(scaled(str(row[5]), 9, True)) // self.instrument.lot_nanos,
            venue_ts_ns=(opened_ms + interval_ms) * NS_PER_MS,
        )

    def _ticks(self, price: object) -> int:
        ticks, rest = divmod(int(scaled(str(price), 9)), self.instrument.tick_nanos)
        if rest or not ticks:
            raise OffGridError("a price off the tick")
        return ticks
