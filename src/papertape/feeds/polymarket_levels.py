"""What recordings and the live feed share of Polymarket's books: strict levels, and the hash.

Prices and sizes are decimal text and become ticks and lots without a float in between.
"""

from __future__ import annotations

from hashlib import sha1

import msgspec

from papertape.core.decimal_text import scaled

TICK_DECIMALS = 4  # the finest price step the venue uses: 0.0001
ONE_TICKS = 10_000
LOT_DECIMALS = 2  # a lot is 0.01 share
SIZES_KEPT_MAX = 200_000  # size texts remembered; neighbouring books repeat each other


class BadRecordError(Exception):
    """One record cannot be taken; the text is the reason it is counted under."""


class Level(msgspec.Struct, gc=False):
    """A price level as the venue writes it."""

    price: str
    size: str


decode_levels = msgspec.json.Decoder(list[Level]).decode


class _Prices(dict[str, int]):
    """Price texts in ticks, checked when first met; only valid ones are kept."""

    def __init__(self, step_ticks: int) -> None:
        super().__init__()
        self._step_ticks = step_ticks

    def __missing__(self, text: str) -> int:
        ticks: int = scaled(text, TICK_DECIMALS)
        if ticks % self._step_ticks:
            raise ValueError("a price off the tick")
        if not 0 < ticks < ONE_TICKS:
            raise ValueError("a price outside 0 to 1")
        self[text] = ticks
        return ticks


class _Sizes(dict[str, int]):
    """Size texts in lots, cut to the lot; the newest are kept."""

    def __missing__(self, text: str) -> int:
        if len(self) >= SIZES_KEPT_MAX:
            self.clear()
        lots: int = scaled(text, LOT_DECIMALS, True)
        self[text] = lots
        return lots


class LevelReader:
    """Reads levels, remembers the texts it has met, and counts levels below a lot as dust."""

    def __init__(self) -> None:
        """Begin with nothing met."""
        self.dust_levels = 0
        self.sizes = _Sizes()
        self._prices: dict[int, _Prices] = {}

    def prices(self, step_ticks: int) -> dict[str, int]:
        """Return the price texts of a grid: a lookup gives ticks or raises ValueError."""
        prices = self._prices.get(step_ticks)
        if prices is None:
            prices = self._prices[step_ticks] = _Prices(step_ticks)
        return prices

    def side(self, levels: list[Level], step_ticks: int) -> tuple[list[int], list[int]]:
        """Return prices and sizes best first: the venue writes the best level last.

        Sizes are cut to the lot of 0.01 share, so depth is never overstated.
        """
        prices = self.prices(step_ticks)
        sizes = self.sizes
        levels.reverse()
        ticks = [prices[level.price] for level in levels]
        lots = [sizes[level.size] for level in levels]
        if 0 in lots:
            self.dust_levels += lots.count(0)
            ticks = [price for price, size in zip(ticks, lots, strict=True) if size]
            lots = [size for size in lots if size]
        return ticks, lots


class BookHash:
    """The venue's SHA-1 over one book, to be finished with the fields that messages leave out."""

    def __init__(self, market: str, token: str, timestamp: str, bids: bytes, asks: bytes) -> None:
        """Take the strings verbatim; bids and asks are compact JSON."""
        head = (
            f'{{"market":"{market}","asset_id":"{token}","timestamp":"{timestamp}",'
            f'"hash":"","bids":'
        )
        body = b"".join([head.encode(), bids, b',"asks":', asks])
        self._begun = sha1(body, usedforsecurity=False)

    def hexdigest(self, *, min_size: str, tick: str, neg_risk: bool, last_trade: str) -> str:
        """Return the hash with this end of the book."""
        whole = self._begun.copy()
        whole.update(
            f',"min_order_size":"{min_size}","tick_size":"{tick}",'
            f'"neg_risk":{"true" if neg_risk else "false"},'
            f'"last_trade_price":"{last_trade}"}}'.encode()
        )
        return whole.hexdigest()


def step_ticks_of(tick: str) -> int:
    """Return a tick size in ticks of 0.0001; raises BadRecordError."""
    try:
        step_ticks: int = scaled(tick, TICK_DECIMALS)
    except ValueError:
        raise BadRecordError("bad number: the tick") from None
    if not 0 < step_ticks <= ONE_TICKS // 10:
        raise BadRecordError("bad number: the tick")
    return step_ticks
