"""Kalshi's answers, strictly typed, and what they say in ticks, lots and payouts."""

from __future__ import annotations

from datetime import datetime

import msgspec

from papertape.clock import NS_PER_S
from papertape.core.decimal_text import scaled
from papertape.errors import InvalidInputError
from papertape.model.instrument import FeeSchedule, Instrument
from papertape.model.market import Market, MarketState
from papertape.model.market_data import BookSeen, BookState, PrintSeen
from papertape.model.money import MICROS, parse_number

VENUE = "kalshi"
TICK_DECIMALS = 4
ONE_TICKS = 10_000
LOT_DECIMALS = 2
CONTRACT_LOTS = 100
TAKER_PPM, MAKER_PPM = 70_000, 17_500  # schedule of 2026-07-07: docs/venues.md
STATES: dict[str, MarketState] = {
    "initialized": "listed",
    "active": "trading",
    "open": "trading",
    "inactive": "halted",
    "closed": "closed",
    "determined": "closed",
    "disputed": "closed",
    "amended": "closed",
    "finalized": "closed",
    "settled": "closed",
}
PAID = frozenset({"finalized", "settled"})


class BadAnswerError(Exception):
    """An answer that says something impossible; the text is what it is counted under."""


class PriceRange(msgspec.Struct):
    """A part of the price ladder and its step."""

    start: str
    end: str
    step: str


class MarketMessage(msgspec.Struct):
    """A market; fields that we do not need are not looked at."""

    ticker: str
    event_ticker: str
    status: str
    close_time: str
    title: str = ""
    yes_sub_title: str = ""
    result: str = ""
    settlement_value_dollars: str | None = None
    price_ranges: list[PriceRange] = []
    fractional_trading_enabled: bool = True
    market_type: str = "binary"


class SeriesMessage(msgspec.Struct):
    """What the markets of a series have in common: the fee."""

    ticker: str
    fee_type: str
    fee_multiplier: float


class _Sides(msgspec.Struct):
    yes_dollars: list[tuple[str, str]]
    no_dollars: list[tuple[str, str]]


class BookMessage(msgspec.Struct):
    """Bids for YES and bids for NO, ascending: the best is last."""

    orderbook_fp: _Sides


class TradeMessage(msgspec.Struct):
    """A trade of others; `taker_side` is the outcome that the taker bought."""

    trade_id: str
    ticker: str
    created_time: str
    count_fp: str
    yes_price_dollars: str
    no_price_dollars: str
    taker_side: str
    is_block_trade: bool = False


def time_ns(text: str) -> int:
    """Return an ISO time as nanoseconds; raises BadAnswerError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadAnswerError("a time that is none") from None
    if moment.tzinfo is None:
        raise BadAnswerError("a time without a zone")
    return int(moment.timestamp()) * NS_PER_S + moment.microsecond * 1_000


def fees_of(series: SeriesMessage, dated: str) -> FeeSchedule:
    """Return the fee of a series: quadratic, up to the cent per order; some series charge none."""
    try:
        multiplier = parse_number(series.fee_multiplier, "fee_multiplier")
    except InvalidInputError as error:
        raise BadAnswerError(str(error)) from None
    makers = series.fee_type == "quadratic_with_maker_fees"
    if series.fee_type not in {"quadratic", "quadratic_with_maker_fees"} and multiplier:
        raise BadAnswerError(f"a fee of an unknown type: {series.fee_type[:40]}")
    return FeeSchedule(
        kind="kalshi" if multiplier else "none",
        taker_ppm=int(TAKER_PPM * multiplier),
        maker_ppm=int(MAKER_PPM * multiplier) if makers else 0,
        dated=dated,
        source=f"series {series.ticker}",
    )


def listing_of(said: MarketMessage, fees: FeeSchedule) -> tuple[Market, tuple[Instrument, ...]]:
    """Return a market with its YES and NO; raises BadAnswerError."""
    if said.market_type != "binary":
        raise BadAnswerError(f"a {said.market_type[:40]} market")
    steps = [_number(each.step, TICK_DECIMALS) for each in said.price_ranges] or [100]
    market_id = f"{VENUE}:{said.ticker}"
    question = said.title
    if said.yes_sub_title and said.yes_sub_title not in question:
        question = f"{question} ({said.yes_sub_title})"
    instruments = tuple(
        Instrument(
            symbol=f"{market_id}:{outcome.upper()}",
            venue=VENUE,
            kind="outcome",
            quote_currency="USD",
            tick_nanos=100_000,
            lot_nanos=10_000_000,
            step_ticks=min(steps),  # a tapered ladder is finer at its ends
            min_lots=1 if said.fractional_trading_enabled else CONTRACT_LOTS,
            fees=fees,
            market_id=market_id,
            outcome=outcome,
        )
        for outcome in ("Yes", "No")
    )
    if min(steps) <= 0:
        raise BadAnswerError("a price step of nothing")
    market = Market(
        market_id=market_id,
        venue=VENUE,
        question=question,
        outcomes=("Yes", "No"),
        symbols=tuple(instrument.symbol for instrument in instruments),
        end_ns=time_ns(said.close_time),
        event_id=f"{VENUE}:{said.event_ticker}",
        mirrored=True,
    )
    return market, instruments


def payouts_of(said: MarketMessage) -> tuple[bool, tuple[int, int] | None]:
    """Return whether a market has paid, and what YES and NO pay; None is void: the cost back.

    A result that is only determined may still be disputed: it is not paid yet.
    """
    if said.status not in PAID:
        return False, None
    if said.result in {"yes", "no"}:
        return True, (MICROS, 0) if said.result == "yes" else (0, MICROS)
    if said.result == "void":
        return True, None
    if said.settlement_value_dollars:
        value = _number(said.settlement_value_dollars, 6)
        if value > MICROS:
            raise BadAnswerError("a settlement above 1")
        return True, (value, MICROS - value)
    raise BadAnswerError(f"a settlement without a result: {said.result[:40]}")


def books_of(said: BookMessage, symbols: tuple[str, ...], ts_ns: int) -> tuple[BookSeen, BookSeen]:
    """Return the books of YES and NO: a bid for one at p is an ask for the other at 1 - p."""
    yes, no = _bids(said.orderbook_fp.yes_dollars), _bids(said.orderbook_fp.no_dollars)
    state: BookState = "live"
    reason = ""
    if yes and no and yes[0][0] + no[0][0] >= ONE_TICKS:
        state, reason = "gap", "bid and ask cross"
    return (
        _book(symbols[0], yes, no, ts_ns, state, reason),
        _book(symbols[1], no, yes, ts_ns, state, reason),
    )


def stale_book(symbol: str, ts_ns: int, last: BookSeen | None, reason: str) -> BookSeen:
    """Return the last book known, not to be acted on."""
    none: tuple[int, ...] = ()
    return BookSeen(
        symbol=symbol,
        ts_ns=ts_ns,
        bid_ticks=last.bid_ticks if last else none,
        bid_lots=last.bid_lots if last else none,
        ask_ticks=last.ask_ticks if last else none,
        ask_lots=last.ask_lots if last else none,
        state="stale",
        reason=reason,
    )


def print_of(said: TradeMessage, symbols: tuple[str, ...], ts_ns: int) -> PrintSeen:
    """Return a trade on the outcome that its taker bought."""
    if said.taker_side not in {"yes", "no"}:
        raise BadAnswerError("a trade without the taker's side")
    is_yes = said.taker_side == "yes"
    ticks = _number(said.yes_price_dollars if is_yes else said.no_price_dollars, TICK_DECIMALS)
    other = _number(said.no_price_dollars if is_yes else said.yes_price_dollars, TICK_DECIMALS)
    if ticks + other != ONE_TICKS:
        raise BadAnswerError("a trade whose prices do not add up to 1")
    return PrintSeen(
        symbol=symbols[0] if is_yes else symbols[1],
        ts_ns=ts_ns,
        price_ticks=ticks,
        quantity_lots=_number(said.count_fp, LOT_DECIMALS, floor=True),
        side="BUY",
        venue_ts_ns=time_ns(said.created_time),
    )


def _book(
    symbol: str,
    bids: list[tuple[int, int]],
    others: list[tuple[int, int]],
    ts_ns: int,
    state: BookState,
    reason: str,
) -> BookSeen:
    return BookSeen(
        symbol=symbol,
        ts_ns=ts_ns,
        bid_ticks=[ticks for ticks, _ in bids],
        bid_lots=[lots for _, lots in bids],
        ask_ticks=[ONE_TICKS - ticks for ticks, _ in others],
        ask_lots=[lots for _, lots in others],
        state=state,
        reason=reason,
    )


def _bids(levels: list[tuple[str, str]]) -> list[tuple[int, int]]:
    """Return bids best first, in whatever order they came."""
    bids: dict[int, int] = {}
    for price, size in levels:
        ticks, lots = _number(price, TICK_DECIMALS), _number(size, LOT_DECIMALS, floor=True)
        if not 0 < ticks < ONE_TICKS or ticks in bids:
            raise BadAnswerError("a price outside 0 to 1, or twice")
        bids[ticks] = lots
    return sorted(((t, q) for t, q in bids.items() if q), reverse=True)


def _number(text: str, decimals: int, *, floor: bool = False) -> int:
    try:
        return int(scaled(text, decimals, floor))
    except ValueError as error:
        raise BadAnswerError(f"a number: {error}") from None
