"""Frames of the market channel: strictly typed, counted when they cannot be taken, never guessed.

A frame is an object or an array of them. Fields that we do not know are fine; fields that we need
and that are missing are named in the count.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

REASON_CHARS_MAX = 120  # of a reason that is counted: the field and what was wrong with it
BOOK_KINDS = {"", "book", "price_change", "tick_size_change"}  # "": it could have been any
KIND_KEY = b'"event_type":"'
FLAT = {"book", "price_change", "last_trade_price", "best_bid_ask", "tick_size_change"}
REASONS_MAX = 200  # kinds of malformed frames told apart


class BookMessage(msgspec.Struct):
    """A whole book; also one entry of the answer to POST /books."""

    market: str
    asset_id: str
    timestamp: str
    hash: str
    bids: msgspec.Raw
    asks: msgspec.Raw
    tick_size: str = ""
    min_order_size: str = ""
    neg_risk: bool | None = None
    last_trade_price: str = ""


class Change(msgspec.Struct):
    """The new total at one price; "0" removes the level."""

    asset_id: str
    price: str
    size: str
    side: str
    best_bid: str = ""
    best_ask: str = ""


class PriceChangeMessage(msgspec.Struct):
    """Changes of one or both tokens of a market."""

    market: str
    price_changes: list[Change]
    timestamp: str


class TickSizeMessage(msgspec.Struct):
    """The grid of a token changed."""

    asset_id: str
    new_tick_size: str
    timestamp: str


class LastTradeMessage(msgspec.Struct):
    """A trade of others; `side` is the taker's."""

    asset_id: str
    price: str
    size: str
    side: str
    timestamp: str


class BestPriceMessage(msgspec.Struct):
    """The venue's own top of a book."""

    asset_id: str
    best_bid: str
    best_ask: str
    timestamp: str


class NewMarketMessage(msgspec.Struct):
    """A market was listed somewhere on the venue."""

    market: str
    slug: str
    question: str


class ResolvedMessage(msgspec.Struct):
    """A market paid; told once for the whole venue, and again on resends."""

    market: str
    assets_ids: list[str]
    winning_asset_id: str


Message = (
    BookMessage
    | PriceChangeMessage
    | TickSizeMessage
    | LastTradeMessage
    | BestPriceMessage
    | NewMarketMessage
    | ResolvedMessage
)


class _Kind(msgspec.Struct):
    event_type: str


def _decoder(kind: type[Any]) -> Any:
    return msgspec.json.Decoder(kind).decode


_TAKEN = {
    "book": _decoder(BookMessage),
    "price_change": _decoder(PriceChangeMessage),
    "tick_size_change": _decoder(TickSizeMessage),
    "last_trade_price": _decoder(LastTradeMessage),
    "best_bid_ask": _decoder(BestPriceMessage),
    "new_market": _decoder(NewMarketMessage),
    "market_resolved": _decoder(ResolvedMessage),
}
_one_book = _decoder(BookMessage)
_kind = _decoder(_Kind)
_many = _decoder(list[msgspec.Raw])


class FrameReader:
    """Turns frames into messages, and keeps count of what it could not take.

    missed: frames that may have changed a book and could not be read.
    """

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self.malformed: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()
        self.missed = 0

    def read(self, frame: str | bytes) -> list[Message]:
        """Return the messages of a frame; what is wrong with the others is counted."""
        raw = frame.encode() if isinstance(frame, str) else frame
        if not raw.lstrip().startswith(b"["):
            return self._one(raw)
        try:
            parts = _many(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.refuse("not JSON")
            self.missed += 1
            return []
        return [message for part in parts for message in self._one(bytes(part))]

    def refuse(self, reason: str) -> None:
        """Count one message that cannot be taken."""
        if len(self.malformed) < REASONS_MAX or reason in self.malformed:
            self.malformed[reason[:REASON_CHARS_MAX]] += 1
        else:
            self.malformed["other reasons"] += 1

    def _one(self, raw: bytes) -> list[Message]:
        kind = ""
        try:
            kind = _kind_of(raw)
            decode = _TAKEN.get(kind)
            if decode is None:
                key = kind[:REASON_CHARS_MAX] if len(self.unknown) < REASONS_MAX else "others"
                self.unknown[key] += 1
                return []
            message: Message = decode(raw)
        except msgspec.ValidationError as error:
            self.refuse(f"{kind or 'message'}: {error}")
            self.missed += kind in BOOK_KINDS
            return []
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.refuse("not JSON")
            self.missed += 1
            return []
        self.taken[kind] += 1
        return [message]


def _kind_of(raw: bytes) -> str:
    """Return the kind of a message.

    Frames of ours name it near their end; where that place holds nothing else it is taken, and
    where there could be a doubt (a text that is escaped or nested) the whole frame is read for it.
    """
    at = raw.rfind(KIND_KEY)
    if at > 0 and raw.count(b"\\") == 0 and raw.count(KIND_KEY) == 1:
        start = at + len(KIND_KEY)
        kind = raw[start : raw.find(b'"', start)].decode("utf-8", "replace")
        if kind in FLAT:
            return kind
    return str(_kind(raw).event_type)


def read_books(answer: bytes, counts: Counter[str]) -> list[BookMessage]:
    """Return the whole books of an answer; those that cannot be read are counted."""
    books: list[BookMessage] = []
    for part in _many(answer):
        try:
            books.append(_one_book(part))
        except msgspec.ValidationError as error:
            counts[f"rest: book: {error}"[:REASON_CHARS_MAX]] += 1
    return books
