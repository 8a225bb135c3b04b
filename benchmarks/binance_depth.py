"""Binance depth messages normalised per second and core: ccxt's part, and ours on top of it.

The recorded depth updates are folded without a socket, in the handler that a socket would call.
"whole" is text to BookSeen in the outbox; "ccxt as it comes" is ccxt's own class with floats and
the standard library's JSON, to its own book and no further.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import structlog

from papertape.clock import SystemClock
from papertape.feeds.crypto.choice import CryptoChoice
from papertape.feeds.crypto.door import load_ccxt, open_exchange
from papertape.feeds.crypto.pairs import Pair, instrument_of
from papertape.feeds.crypto.venue import CryptoVenue
from papertape.feeds.desk import Desk
from papertape.feeds.outbox import Outbox
from papertape.testing.binance_script import exchange_info, read_stream

FILE = "binance_spot_raw/ethusdt_20240808_ws.txt.xz"
DEPTH = "ethusdt@depth@100ms"
ROUNDS = 5
PACED_PER_S = 1_000
PACED_S = 4.0
PAIR = "ETH/USDT"


def run() -> dict[str, object]:
    """Return medians over the rounds, and the paced latency."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    shared = os.environ.get("PAPERTAPE_SHARED_DATA")
    folder = Path(shared) if shared else Path(__file__).resolve().parents[2] / "shared" / "data"
    snapshot, messages = read_stream(folder / FILE)
    texts = [json.dumps(m.data, separators=(",", ":")) for m in messages if m.stream == DEPTH]
    texts = [text for text in texts if json.loads(text)["u"] > snapshot["lastUpdateId"]]
    whole = median(asyncio.run(_ours(snapshot, texts)) for _ in range(ROUNDS))
    folded = median(asyncio.run(_ours(snapshot, texts, tell=False)) for _ in range(ROUNDS))
    bare = median(asyncio.run(_theirs(snapshot, texts)) for _ in range(ROUNDS))
    return {
        "messages": len(texts),
        "levels_per_message": round(sum(text.count('["') for text in texts) / len(texts), 1),
        "whole_per_s": round(whole),
        "ccxt_folding_our_ladders_per_s": round(folded),
        "ccxt_as_it_comes_per_s": round(bare),
        "our_share_of_a_message_us": round(1e6 / whole - 1e6 / folded, 1),
        "ccxt_share_of_a_message_us": round(1e6 / folded, 1),
        **asyncio.run(_paced(snapshot, texts)),
    }


def _desk(outbox: Outbox) -> Desk:
    return Desk(
        outbox, clock=SystemClock(), jitter=random.Random(1), counts=Counter(), stopped=bool
    )


def _prepared(snapshot: dict[str, Any], outbox: Outbox) -> tuple[CryptoVenue, Any]:
    """Return a venue whose pair is joined to the snapshot, and its connection."""
    venue = CryptoVenue(CryptoChoice(name="binance", pairs=(PAIR,), bar_interval=""))
    venue._desk = _desk(outbox)
    exchange = venue.exchange = open_exchange("binance", venue)
    _list_pair(exchange)
    venue.pairs[PAIR] = Pair(instrument_of("binance", exchange.markets[PAIR], "bench"), 50)
    exchange.orderbooks[PAIR] = exchange.order_book({}, 1_000)
    _reset(exchange, snapshot)
    return venue, exchange.client("ws://127.0.0.1:9/stream/0")


def _list_pair(exchange: Any) -> None:
    exchange.options |= {"crossMarginPairsData": [], "isolatedMarginPairsData": []}
    info = exchange_info(("ETH", "USDT", "0.01000000", "0.00010000"))
    exchange.set_markets([exchange.parse_market(each) for each in info["symbols"]])


def _reset(exchange: Any, snapshot: dict[str, Any]) -> None:
    book = exchange.parse_order_book(snapshot, PAIR)
    exchange.orderbooks[PAIR].reset(book | {"nonce": snapshot["lastUpdateId"]})


async def _ours(snapshot: dict[str, Any], texts: list[str], *, tell: bool = True) -> float:
    outbox = Outbox()
    venue, client = _prepared(snapshot, outbox)
    if not tell:
        venue._tell = lambda *_: None  # type: ignore[method-assign]
    began_s = time.process_time()
    for text in texts:
        client.handle_text_or_binary_message(text)
    took_s = time.process_time() - began_s
    assert venue.messages == len(texts)
    await venue.exchange.close()
    return len(texts) / took_s


async def _theirs(snapshot: dict[str, Any], texts: list[str]) -> float:
    exchange = load_ccxt().pro.binance()
    _list_pair(exchange)
    exchange.orderbooks[PAIR] = exchange.order_book({}, 1_000)
    _reset(exchange, snapshot)
    client = exchange.client("ws://127.0.0.1:9/stream/0")
    began_s = time.process_time()
    for text in texts:
        client.handle_text_or_binary_message(text)
    took_s = time.process_time() - began_s
    await exchange.close()
    return len(texts) / took_s


async def _paced(snapshot: dict[str, Any], texts: list[str]) -> dict[str, object]:
    """Return text-to-outbox latency at a steady pace, in ms."""
    outbox = Outbox(keep_every_book=100_000)
    venue, client = _prepared(snapshot, outbox)
    took_ms: list[float] = []
    began = time.perf_counter()
    for number in range(min(len(texts), round(PACED_PER_S * PACED_S))):
        due = began + number / PACED_PER_S
        while (wait_s := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait_s if wait_s > 0.0005 else 0)
        client.handle_text_or_binary_message(texts[number])
        took_ms.append((time.perf_counter() - max(due, began)) * 1_000)
    await venue.exchange.close()
    took_ms.sort()
    return {
        "paced_per_s": PACED_PER_S,
        "due_to_outbox_p50_ms": round(took_ms[len(took_ms) // 2], 3),
        "due_to_outbox_p99_ms": round(took_ms[int(len(took_ms) * 0.99)], 3),
    }
