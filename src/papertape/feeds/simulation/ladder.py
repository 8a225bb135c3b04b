"""Levels of a book around its best prices, and the mirror that makes NO of YES."""

from __future__ import annotations

from papertape.feeds.simulation.dice import TABLE_MASK
from papertape.feeds.simulation.grid import CENT_TICKS, ONE_TICKS
from papertape.model.market_data import BookSeen

_WEIGHTS_16THS = (6, 10, 14, 18, 22, 26, 28, 30, 32, 32)  # a book is thin in front, deep behind
_REFRESH_SHIFT = 4  # a level keeps its size for 16 steps (4 s) unless the price moves past it


def quote_around(fair_ticks: int, half_ticks: int) -> tuple[int, int]:
    """Return best bid and ask on the cent grid, at least `half_ticks` away from the fair price.

    A bid below 0.01 or an ask above 0.99 means that this side is empty.
    """
    bid_ticks = (fair_ticks - half_ticks) // CENT_TICKS * CENT_TICKS
    ask_ticks = -(-(fair_ticks + half_ticks) // CENT_TICKS) * CENT_TICKS
    return min(bid_ticks, ONE_TICKS - CENT_TICKS), max(ask_ticks, CENT_TICKS)


def side(
    best_ticks: int, step_ticks: int, levels: int, now_step: int, sizes: list[int], top_lots: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return prices and sizes of one side, best first, inside [0.01, 0.99].

    step_ticks: -100 for bids, 100 for asks. top_lots: size of the best level, 0 to draw it.
    """
    end = best_ticks + levels * step_ticks
    end = max(end, 0) if step_ticks < 0 else min(end, ONE_TICKS)
    prices = tuple(range(best_ticks, end, step_ticks))
    shift = 7 if step_ticks < 0 else 1
    lots = [
        (
            sizes[(price * shift + ((now_step + price // 33) >> _REFRESH_SHIFT) * 101) & TABLE_MASK]
            * weight
            >> 4
        )
        for price, weight in zip(prices, _WEIGHTS_16THS, strict=False)
    ]
    if top_lots and lots:
        lots[0] = top_lots
    return prices, tuple(lots)


def mirrored_books(
    symbols: tuple[str, str],
    ts_ns: int,
    bids: tuple[tuple[int, ...], tuple[int, ...]],
    asks: tuple[tuple[int, ...], tuple[int, ...]],
) -> tuple[BookSeen, BookSeen]:
    """Return the YES book and its exact mirror: a resting bid for YES at p is a NO offer at 1-p."""
    bid_ticks, bid_lots = bids
    ask_ticks, ask_lots = asks
    yes = BookSeen(
        symbol=symbols[0],
        ts_ns=ts_ns,
        bid_ticks=bid_ticks,
        bid_lots=bid_lots,
        ask_ticks=ask_ticks,
        ask_lots=ask_lots,
        venue_ts_ns=ts_ns,
    )
    no = BookSeen(
        symbol=symbols[1],
        ts_ns=ts_ns,
        bid_ticks=tuple([ONE_TICKS - ticks for ticks in ask_ticks]),
        bid_lots=ask_lots,
        ask_ticks=tuple([ONE_TICKS - ticks for ticks in bid_ticks]),
        ask_lots=bid_lots,
        venue_ts_ns=ts_ns,
    )
    return yes, no
