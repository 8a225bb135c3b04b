"""What the bot tells people of books: best levels and newest prints, only where they changed."""

from __future__ import annotations

from papertape.engine.market_watch import LEVELS_SHOWN, PRINTS_KEPT, MarketWatch
from papertape.model.market_data import BookSeen, PrintSeen
from papertape.model.ports import BoardDepth

SYMBOL = "simulated:x:YES"


def book(ts_ns: int, levels: int = 30, symbol: str = SYMBOL) -> BookSeen:
    """Return a book whose levels are memory, as a compiled feed gives them."""
    ticks = memoryview(bytes(range(100, 100 - levels, -1)))
    lots = tuple(range(1, levels + 1))
    return BookSeen(
        symbol=symbol, ts_ns=ts_ns, bid_ticks=ticks, bid_lots=lots,
        ask_ticks=tuple(range(101, 101 + levels)), ask_lots=lots,
    )  # fmt: skip


def seen(ts_ns: int, ticks: int = 100, symbol: str = SYMBOL) -> PrintSeen:
    return PrintSeen(symbol=symbol, ts_ns=ts_ns, price_ticks=ticks, quantity_lots=7, side="BUY")


def told(watch: MarketWatch) -> BoardDepth:
    [found] = watch.changed_depths()
    return found.told()


def test_the_best_levels_and_newest_prints_are_told_once() -> None:
    watch = MarketWatch("simulated")
    watch.see_book(book(1))
    for ts_ns in range(2, 2 + PRINTS_KEPT + 5):
        watch.see_print(seen(ts_ns))
    watch.changed_quotes()
    depth = told(watch)
    assert depth.bid_ticks == tuple(range(100, 100 - LEVELS_SHOWN, -1))
    assert depth.ask_lots == tuple(range(1, LEVELS_SHOWN + 1))
    assert [each.ts_ns for each in depth.prints] == list(range(PRINTS_KEPT + 6, 6, -1))
    assert watch.changed_depths() == []
    watch.see_book(book(99, levels=2))
    watch.changed_quotes()
    depth = told(watch)
    assert (depth.ts_ns, len(depth.bid_ticks), len(depth.prints)) == (99, 2, PRINTS_KEPT)


def test_a_print_without_a_book_is_told_and_what_is_over_is_forgotten() -> None:
    watch = MarketWatch("simulated")
    watch.see_print(seen(5))
    depth = told(watch)
    assert (depth.bid_ticks, depth.ask_ticks, len(depth.prints)) == ((), (), 1)
    watch.see_book(book(6))
    watch.see_print(seen(7))
    watch.forget(SYMBOL)
    assert watch.changed_quotes() == []
    assert watch.changed_depths() == []
