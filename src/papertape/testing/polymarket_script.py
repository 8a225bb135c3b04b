"""What the scripted Polymarket plays: recorded books, as they were or as changes, and faults."""

from __future__ import annotations

import json
import lzma
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass
class Frame:
    """One recorded book: when it was received, and the body that REST would give for it."""

    recv_ns: int
    slug: str
    token: str
    body: Json
    message: Json

    @property
    def timestamp(self) -> str:
        """Return the venue's time in milliseconds, as text."""
        return str(self.body["timestamp"])


@dataclass
class Faults:
    """What goes wrong: numbers are positions of frames in the script, from 0."""

    drop: set[int] = field(default_factory=set)
    duplicate: set[int] = field(default_factory=set)
    truncate: set[int] = field(default_factory=set)
    wrong_schema: set[int] = field(default_factory=set)
    disconnect: set[int] = field(default_factory=set)
    delay_s: dict[int, float] = field(default_factory=dict)
    tick_change: dict[int, str] = field(default_factory=dict)
    silent_from: int | None = None
    mute_connections: int = 0
    too_many: int = 0
    server_errors: int = 0
    late_resolution: int = 0
    clock_ahead_s: float = 0.0


def read_capture(path: Path, slugs: set[str], limit: int | None = None) -> list[Frame]:
    """Return the books of some markets from a capture (.jsonl or .jsonl.xz), in its order."""
    frames: list[Frame] = []
    opener = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            start = line.find('"slug":"') + 8
            if line[start : line.find('"', start)] not in slugs:
                if frames and len({frame.slug for frame in frames}) == len(slugs):
                    break
                continue
            frames.append(_frame(json.loads(line, parse_float=str)))
            if limit is not None and len(frames) >= limit:
                break
    return frames


def _frame(line: Json) -> Frame:
    message = dict(line["msg"])
    whole, _, rest = str(line["recv"]).partition(".")
    body = {
        key: message[key] for key in ("market", "asset_id", "timestamp", "hash", "bids", "asks")
    } | {
        "min_order_size": "5",
        "tick_size": line["tick"],
        "neg_risk": False,
        "last_trade_price": line["ltp"],
    }
    recv_ns = int(whole) * 1_000_000_000 + int((rest + "000000000")[:9])
    return Frame(recv_ns, line["slug"], message["asset_id"], body, message)


def changes_between(before: Json, after: Json) -> Json:
    """Return the price_change message that turns one book into the next."""
    changes = []
    for side, key in (("BUY", "bids"), ("SELL", "asks")):
        old = {level["price"]: level["size"] for level in before[key]}
        new = {level["price"]: level["size"] for level in after[key]}
        changed = {price: size for price, size in new.items() if old.get(price) != size}
        for price, size in {**dict.fromkeys(old.keys() - new.keys(), "0"), **changed}.items():
            changes.append({"price": price, "size": size, "side": side})
    best_bid = after["bids"][-1]["price"] if after["bids"] else "0"
    best_ask = after["asks"][-1]["price"] if after["asks"] else "1"
    extra = {
        "asset_id": after["asset_id"],
        "hash": after["hash"],
        "best_bid": best_bid,
        "best_ask": best_ask,
    }
    return {
        "market": after["market"],
        "price_changes": [{**change, **extra} for change in changes],
        "timestamp": after["timestamp"],
        "event_type": "price_change",
    }


def gamma_market(slug: str, tokens: list[str], **fields: Any) -> Json:
    """Return a Gamma market object in the venue's own shape; `fields` replace what it says."""
    market: Json = {
        "id": "1",
        "question": slug,
        "conditionId": "0x" + "11" * 32,
        "slug": slug,
        "outcomes": json.dumps(["Up", "Down"]),
        "outcomePrices": json.dumps(["0.5", "0.5"]),
        "clobTokenIds": json.dumps(tokens),
        "active": True,
        "closed": False,
        "acceptingOrders": True,
        "enableOrderBook": True,
        "negRisk": False,
        "orderPriceMinTickSize": 0.01,
        "orderMinSize": 5,
        "volumeNum": 1000.5,
        "feesEnabled": True,
        "feeType": "crypto_fees_v2",
        "feeSchedule": {"rate": 0.07, "exponent": 1, "takerOnly": True, "rebateRate": 0.2},
        "events": [],
    }
    return {**market, **fields}
