"""Messages of real markets into books, per second and core.

A core does nothing but read frames and fold them. The floor is the same frames read as JSON alone.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from statistics import median
from typing import Any

import msgspec

from papertape.clock import SystemClock
from papertape.feeds.polymarket.gamma import read_market
from papertape.feeds.polymarket.intake import Intake
from papertape.feeds.polymarket.messages import FrameReader
from papertape.feeds.polymarket_levels import BookHash
from papertape.model.market_data import BookSeen, MarketData
from papertape.testing.polymarket_script import gamma_market

TOKENS = ["1" * 77, "2" * 77]
MESSAGES = 20_000
LEVELS = 40  # of each side: the median of recorded books is 30 to 50
ROUNDS = 5
MARKET = "0x" + "11" * 32
NOW_NS = 1_775_000_000 * 10**9


def run() -> dict[str, object]:
    """Return medians of the rounds, each with the floor of the same round."""
    found: dict[str, object] = {"messages": MESSAGES, "levels_per_side": LEVELS, "rounds": ROUNDS}
    for name, frames in (("price_change", _changes()), ("book", _books())):
        rates, floors = [], []
        for _ in range(ROUNDS):
            floors.append(_rate(_json_alone, frames))
            rates.append(_rate(_fold, frames))
        found[name] = {
            "messages_per_s": round(median(rates)),
            "json_alone_per_s": round(median(floors)),
            "ratio_to_floor": round(median(rates) / median(floors), 3),
        }
    return found


def _rate(work: Callable[[list[str]], None], frames: list[str]) -> float:
    began = time.perf_counter()
    work(frames)
    return len(frames) / (time.perf_counter() - began)


def _json_alone(frames: list[str]) -> None:
    decode = msgspec.json.Decoder(Any).decode
    for frame in frames:
        decode(frame)


def _fold(frames: list[str]) -> None:
    told: list[MarketData] = []
    clock = SystemClock()
    intake = Intake(told.append, FrameReader(), Counter(), suspect_s=1.0)
    market = read_market(json.dumps(gamma_market("m", TOKENS)).encode(), NOW_NS)
    intake.market(market, NOW_NS)
    intake.connection("c", TOKENS, NOW_NS)
    for frame in (_book(0), *frames):
        intake.frame("c", frame, clock.now_ns())
        if len(told) > 10_000:
            told.clear()
    assert not [item for item in told if isinstance(item, BookSeen) and item.state != "live"]


def _levels(step: int) -> tuple[dict[str, str], dict[str, str]]:
    """Return the sides of the book after `step` changes of its inner levels."""
    bids = {f"0.{50 - n:02d}": f"{100 + n}" for n in range(LEVELS)}
    asks = {f"0.{51 + n:02d}": f"{100 + n}.5" for n in range(LEVELS)}
    bids[f"0.{49 - step % 20:02d}"] = f"{1 + step % 900}.{step % 100:02d}"
    asks[f"0.{52 + step % 20:02d}"] = f"{2 + step % 800}"
    return bids, asks


def _book(step: int) -> str:
    bids, asks = _levels(step)
    sides = [
        [{"price": price, "size": size} for price, size in sorted(side.items(), reverse=down)]
        for side, down in ((bids, False), (asks, True))
    ]
    stamp = str(1_775_000_000_000 + step)
    texts = [json.dumps(side, separators=(",", ":")).encode() for side in sides]
    digest = BookHash(MARKET, TOKENS[0], stamp, *texts).hexdigest(
        min_size="5", tick="0.01", neg_risk=False, last_trade="0.500"
    )
    message = {
        "market": MARKET, "asset_id": TOKENS[0], "timestamp": stamp, "hash": digest,
        "bids": sides[0], "asks": sides[1], "event_type": "book", "last_trade_price": "0.500",
    }  # fmt: skip
    return json.dumps(message, separators=(",", ":"))


def _books() -> list[str]:
    return [_book(step) for step in range(1, MESSAGES // 4)]


def _changes() -> list[str]:
    """Return changes of one level each, of the token that is followed, as the venue sends them."""
    frames = []
    for step in range(1, MESSAGES):
        bid = step % 2
        price = f"0.{49 - step % 20:02d}" if bid else f"0.{52 + step % 20:02d}"
        change = {
            "asset_id": TOKENS[0], "price": price, "size": f"{1 + step % 900}.{step % 100:02d}",
            "side": "BUY" if bid else "SELL", "hash": "ab" * 20, "best_bid": "0.50",
            "best_ask": "0.51",
        }  # fmt: skip
        message = {
            "market": MARKET, "price_changes": [change],
            "timestamp": str(1_775_000_000_000 + step), "event_type": "price_change",
        }  # fmt: skip
        frames.append(json.dumps(message, separators=(",", ":")))
    return frames
