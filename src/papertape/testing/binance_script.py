"""What the scripted Binance plays: a recorded combined stream and the book that is its truth."""

from __future__ import annotations

import json
import lzma
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass
class Message:
    """One recorded message: when it was received, the stream it came on, and what it said."""

    recv_ns: int
    stream: str
    data: Json


class TrueBook:
    """The venue's own book: price text -> size text, and the id of its last update."""

    def __init__(self, snapshot: Json) -> None:
        """Begin with a REST snapshot."""
        self.last_id = int(snapshot["lastUpdateId"])
        self.bids = {price: size for price, size in snapshot["bids"]}
        self.asks = {price: size for price, size in snapshot["asks"]}

    def apply(self, update: Json) -> None:
        """Take a depth update; one that is part of the book already changes nothing."""
        if update["u"] <= self.last_id:
            return
        self.last_id = update["u"]
        for side, changes in ((self.bids, update["b"]), (self.asks, update["a"])):
            for price, size in changes:
                if float(size):
                    side[price] = size
                else:
                    side.pop(price, None)

    def rest(self, limit: int) -> Json:
        """Return what GET /api/v3/depth says."""
        bids = sorted(self.bids.items(), key=lambda level: -float(level[0]))
        asks = sorted(self.asks.items(), key=lambda level: float(level[0]))
        return {
            "lastUpdateId": self.last_id,
            "bids": [list(level) for level in bids[:limit]],
            "asks": [list(level) for level in asks[:limit]],
        }


def read_stream(path: Path, limit: int | None = None) -> tuple[Json, list[Message]]:
    """Return the recorded snapshot and the messages after it, in their order.

    A line is `<local ns> <JSON>`; the line without a stream is the REST depth. What came before
    the snapshot is left out, but for depth updates that reach beyond it.
    """
    snapshot: Json = {}
    before: list[Message] = []
    messages: list[Message] = []
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            stamp, _, text = line.partition(" ")
            said = json.loads(text)
            if "stream" not in said:
                snapshot = said
                continue
            message = Message(int(stamp), said["stream"], said["data"])
            (messages if snapshot else before).append(message)
            if limit is not None and len(messages) >= limit:
                break
    late = [m for m in before if m.data.get("u", 0) > snapshot["lastUpdateId"] and "U" in m.data]
    return snapshot, late + messages


def exchange_info(*symbols: tuple[str, str, str, str]) -> Json:
    """Return GET /api/v3/exchangeInfo for (base, quote, price step, size step) pairs."""
    return {
        "timezone": "UTC",
        "serverTime": 0,
        "rateLimits": [],
        "exchangeFilters": [],
        "symbols": [
            {
                "symbol": f"{base}{quote}", "status": "TRADING", "baseAsset": base,
                "baseAssetPrecision": 8, "quoteAsset": quote, "quotePrecision": 8,
                "quoteAssetPrecision": 8, "orderTypes": ["LIMIT", "MARKET"],
                "icebergAllowed": True, "isSpotTradingAllowed": True,
                "isMarginTradingAllowed": False, "permissions": ["SPOT"],
                "permissionSets": [["SPOT"]],
                "filters": [
                    {"filterType": "PRICE_FILTER", "minPrice": step, "maxPrice": "1000000.00",
                     "tickSize": step},
                    {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "9000.00000000",
                     "stepSize": lot},
                    {"filterType": "NOTIONAL", "minNotional": "5.00000000",
                     "applyMinToMarket": True, "maxNotional": "9000000.00000000"},
                ],
            }
            for base, quote, step, lot in symbols
        ],
    }  # fmt: skip
