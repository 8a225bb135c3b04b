"""Whatever the venue says, in whatever order: nothing raises, and a live book is a possible one."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.feeds.polymarket.gamma import read_market
from papertape.feeds.polymarket.messages import BookMessage, FrameReader
from papertape.feeds.polymarket.tracker import Tracker
from papertape.model.market_data import BookSeen, MarketData, MarketResolvedSeen
from papertape.testing.polymarket_script import gamma_market

TOKENS = ["1" * 20, "2" * 20]
NOW_NS = 1_775_000_000 * 10**9

tokens = st.sampled_from([*TOKENS, "3" * 20])
prices = st.sampled_from(["0.01", "0.4", "0.40", "0.41", "0.5", "0.99", "0.405", "1", "0", "", "x"])
sizes = st.sampled_from(["0", "5", "10.25", "0.001", "1e9", "-1", "9" * 30, ""])
times = st.sampled_from(["1000", "1001", "1002", "999", "", "soon", "9" * 25])
ticks = st.sampled_from(["0.01", "0.001", "0.1", "7", ""])
level_lists = st.lists(st.fixed_dictionaries({"price": prices, "size": sizes}), max_size=4)
texts = st.text(max_size=5)

messages = st.one_of(
    st.fixed_dictionaries(
        {
            "event_type": st.just("book"), "market": texts, "asset_id": tokens, "hash": texts,
            "timestamp": times, "bids": level_lists, "asks": level_lists,
        },
        optional={"tick_size": ticks, "last_trade_price": prices, "neg_risk": st.booleans()},
    ),
    st.fixed_dictionaries(
        {
            "event_type": st.just("price_change"), "market": texts, "timestamp": times,
            "price_changes": st.lists(
                st.fixed_dictionaries(
                    {
                        "asset_id": tokens, "price": prices, "size": sizes,
                        "side": st.sampled_from(["BUY", "SELL", "HOLD"]),
                    },
                    optional={"best_bid": prices, "best_ask": prices},
                ),
                max_size=4,
            ),
        }
    ),
    st.fixed_dictionaries(
        {
            "event_type": st.sampled_from(["last_trade_price", "best_bid_ask"]),
            "asset_id": tokens, "price": prices, "size": sizes, "timestamp": times,
            "side": st.sampled_from(["BUY", "SELL", "?"]), "best_bid": prices, "best_ask": prices,
        }
    ),
    st.fixed_dictionaries(
        {
            "event_type": st.just("tick_size_change"), "asset_id": tokens, "timestamp": times,
            "new_tick_size": ticks,
        }
    ),
    st.fixed_dictionaries(
        {
            "event_type": st.just("market_resolved"), "market": texts,
            "assets_ids": st.lists(tokens, max_size=3), "winning_asset_id": tokens,
        }
    ),
)  # fmt: skip
how = st.sampled_from(["stream", "stream", "stream", "repair", "lost", "trusted"])


@settings(max_examples=300)
@given(st.lists(st.tuples(messages, how), max_size=25))
def test_whatever_the_venue_says(life: list[tuple[dict[str, Any], str]]) -> None:
    """Books are sorted, uncrossed, on the grid and without empty levels; a market pays once."""
    said: list[MarketData] = []
    reader = FrameReader()
    tracker = Tracker(said.append, reader, Counter())
    market = read_market(json.dumps(gamma_market("m", TOKENS)).encode(), NOW_NS)
    tracker.list_market(market, NOW_NS)
    for number, (message, way) in enumerate(life, start=1):
        if way == "lost":
            tracker.lost(TOKENS, "gone", NOW_NS + number)
        if way == "trusted":  # as if its hash had come out
            for book in tracker.books.values():
                book.condition = "live"
        for one in reader.read(json.dumps(message)):
            if way == "repair" and isinstance(one, BookMessage):
                tracker.seed(one, NOW_NS + number)
            else:
                tracker.take(one, NOW_NS + number)
        tracker.check_suspects(NOW_NS + number, 0.0)
    for item in said:
        if isinstance(item, BookSeen) and item.state == "live":
            bids, asks = list(item.bid_ticks), list(item.ask_ticks)
            assert bids == sorted(set(bids), reverse=True)
            assert asks == sorted(set(asks))
            assert not (bids and asks) or bids[0] < asks[0]
            assert all(0 < ticks < 10_000 for ticks in bids + asks)
            assert all(lots > 0 for lots in [*item.bid_lots, *item.ask_lots])
    assert sum(isinstance(item, MarketResolvedSeen) for item in said) <= 1
