"""The simulated feed: a pure function of (seed, time), and honest about every price."""

import os
import subprocess
import sys
from collections import defaultdict
from fractions import Fraction
from itertools import pairwise

import pytest

from papertape.clock import NS_PER_S, ManualClock
from papertape.feeds.simulated import SimulatedFeed
from papertape.model.market_data import (
    BarSeen,
    BookSeen,
    EventSeen,
    FeedStateSeen,
    InstrumentSeen,
    MarketResolvedSeen,
    MarketSeen,
    MarketStateSeen,
    PrintSeen,
)

START_NS = 1_800_003_137 * NS_PER_S + 61_000_000  # off the grid, before a full hour
MINUTE_NS = 60 * NS_PER_S
HOUR_MINUTES = 45
ONE_TICKS = 10_000


def run(start_ns=START_NS, minutes=20, seed=7, **more):
    feed = SimulatedFeed(
        seed=seed,
        start_ns=start_ns,
        speed="max",
        clock=ManualClock(),
        duration_ns=int(minutes * MINUTE_NS),
        **more,
    )
    return list(feed.items())


@pytest.fixture(scope="module")
def hour():
    """Most of an hour, with every kind of item in it."""
    return run(minutes=HOUR_MINUTES)


def test_the_same_seed_and_time_give_the_same_items():
    assert run(minutes=3) == run(minutes=3)
    assert run(minutes=3) != run(minutes=3, seed=8)


def test_the_stream_does_not_depend_on_the_process():
    code = (
        "import hashlib, msgspec\n"
        "from papertape.clock import ManualClock\n"
        "from papertape.feeds.simulated import SimulatedFeed\n"
        f"feed = SimulatedFeed(seed=7, start_ns={START_NS}, speed='max', clock=ManualClock(),"
        f" duration_ns={MINUTE_NS})\n"
        "print(hashlib.sha256(msgspec.json.encode(list(feed.items()))).hexdigest())"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": "src"},
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(hashes) == 1


@pytest.mark.parametrize("after_minutes", [0.02, 7.3, 12])
def test_a_later_start_joins_the_very_same_markets(after_minutes):
    later_ns = START_NS + int(after_minutes * MINUTE_NS)
    through = [i for i in run(minutes=after_minutes + 6) if i.ts_ns > later_ns + NS_PER_S]
    joined = [i for i in run(later_ns, minutes=6) if i.ts_ns > later_ns + NS_PER_S]
    end_ns = min(through[-1].ts_ns, joined[-1].ts_ns) - NS_PER_S
    assert [i for i in joined if i.ts_ns < end_ns] == [i for i in through if i.ts_ns < end_ns]
    assert len(joined) > 6_000


def test_a_start_first_says_what_exists_then_quotes_it():
    items = run(minutes=0.01)
    assert isinstance(items[0], FeedStateSeen) and items[0].state == "live"
    assert isinstance(items[-1], FeedStateSeen) and items[-1].state == "ended"
    news = [i for i in items if not isinstance(i, BookSeen | PrintSeen | BarSeen | FeedStateSeen)]
    first_price = next(n for n, i in enumerate(items) if isinstance(i, BookSeen | PrintSeen))
    assert items[1 : 1 + len(news)] == news and first_price == 1 + len(news)
    quoted = {i.symbol for i in items if isinstance(i, BookSeen)}
    states = [i for i in items if isinstance(i, MarketStateSeen)]
    traded = {i.market_id for i in states if i.state == "trading"}
    listed = [i for i in items if isinstance(i, MarketSeen)]
    pairs = {"simulated:BTC/USDT", "simulated:ETH/USDT"}
    tokens = {s for m in listed if m.market.market_id in traded for s in m.market.symbols}
    assert quoted == tokens | pairs
    group = next(i.group for i in items if isinstance(i, EventSeen))
    assert group.exhaustive and len(group.market_ids) == 4
    assert set(group.market_ids) <= {m.market.market_id for m in listed}


def test_news_comes_before_what_it_is_about_and_time_never_runs_back(hour):
    known, listed, states = set(), set(), defaultdict(list)
    last_ns = 0
    for item in hour:
        assert item.ts_ns >= last_ns
        last_ns = item.ts_ns
        if isinstance(item, InstrumentSeen):
            known.add(item.instrument.symbol)
        elif isinstance(item, MarketSeen):
            assert item.market.market_id not in listed
            listed.add(item.market.market_id)
            known.update(i.symbol for i in item.instruments)
            assert tuple(i.symbol for i in item.instruments) == item.market.symbols
        elif isinstance(item, MarketStateSeen):
            states[item.market_id].append(item.state)
        elif isinstance(item, MarketResolvedSeen):
            states[item.market_id].append("resolved")
        elif isinstance(item, BookSeen | PrintSeen | BarSeen):
            assert item.symbol in known
            if not item.symbol.endswith("USDT"):
                assert states[item.symbol.rpartition(":")[0]] == ["trading"]
    assert set(states) == listed
    order = ["trading", "closed", "resolved"]
    assert all(seen in (order[:1], order[:2], order, order[1:]) for seen in states.values())
    assert sum(seen == order for seen in states.values()) > 20


def test_books_are_sorted_uncrossed_inside_the_range_and_on_the_grid(hour):
    for item in hour:
        if not isinstance(item, BookSeen):
            continue
        bids, asks = list(item.bid_ticks), list(item.ask_ticks)
        assert bids == sorted(set(bids), reverse=True) and asks == sorted(set(asks))
        assert len(bids) == len(item.bid_lots) and len(asks) == len(item.ask_lots)
        assert min([*item.bid_lots, *item.ask_lots]) > 0
        assert bids or asks
        assert max(len(bids), len(asks)) <= 10
        assert not (bids and asks) or bids[0] < asks[0]
        if not item.symbol.endswith("USDT"):
            assert all(100 <= t <= ONE_TICKS - 100 and t % 100 == 0 for t in (*bids, *asks))


def test_no_is_the_exact_mirror_of_yes_with_the_same_time(hour):
    books = {i.symbol: i for i in hour[:200] if isinstance(i, BookSeen)}
    pairs = 0
    for item in hour[200:]:
        if not isinstance(item, BookSeen):
            continue
        books[item.symbol] = item
        if not item.symbol.endswith(":NO"):
            continue
        yes = books[item.symbol.removesuffix("NO") + "YES"]
        assert yes.ts_ns == item.ts_ns
        assert [ONE_TICKS - t for t in yes.bid_ticks] == list(item.ask_ticks)
        assert [ONE_TICKS - t for t in yes.ask_ticks] == list(item.bid_ticks)
        assert (yes.bid_lots, yes.ask_lots) == (item.ask_lots, item.bid_lots)
        pairs += 1
    assert pairs > 10_000


def test_an_old_quote_and_a_new_one_of_a_market_never_add_up_below_one(hour):
    asks = {}
    for item in hour:
        if isinstance(item, BookSeen) and not item.symbol.endswith("USDT"):
            market, _, outcome = item.symbol.rpartition(":")
            asks[item.symbol] = item.ask_ticks[0] if item.ask_ticks else ONE_TICKS
            other = asks.get(f"{market}:{'NO' if outcome == 'YES' else 'YES'}")
            assert other is None or asks[item.symbol] + other >= ONE_TICKS


def test_resolutions_agree_with_the_last_quote(hour):
    last, groups, paid = {}, [], {}
    for item in hour:
        if isinstance(item, BookSeen):
            last[item.symbol] = item
        elif isinstance(item, EventSeen):
            groups.append(item.group)
        elif isinstance(item, MarketResolvedSeen):
            assert sum(item.payouts_micros) == 1_000_000 and min(item.payouts_micros) >= 0
            paid[item.market_id] = item.payouts_micros[0]
    agree = [
        (last[market + ":YES"].bid_ticks or (0,))[0] >= ONE_TICKS // 2
        for market, yes in paid.items()
        if yes == 1_000_000 and market + ":YES" in last
    ]
    assert len(agree) > 10 and sum(agree) / len(agree) > 0.9
    for group in groups:
        winners = [paid[m] for m in group.market_ids if m in paid]
        assert not winners or sorted(winners) == [0, 0, 0, 1_000_000]
    assert any(m in paid for group in groups for m in group.market_ids)


def test_a_long_lived_market_now_and_then_pays_half():
    feed = SimulatedFeed(seed=7, start_ns=START_NS, speed="max", clock=ManualClock())
    series = next(s for s in feed._series if s.name == "council-vote")
    payouts = [series.payouts(w)[0] for w in range(166_000, 166_060)]
    assert {(500_000, 500_000), (1_000_000, 0), (0, 1_000_000)} == set(payouts)
    halves = [166_000 + n for n, paid in enumerate(payouts) if paid == (500_000, 500_000)]
    assert series.fair_ticks(halves[0], series.end_step(halves[0])) == 5_000


def gap_after_fees(asks, fees_ppm=40_000):
    """Return what a share of every leg leaves, exactly."""
    fees = sum(
        Fraction(fees_ppm, 10**6) * a / ONE_TICKS * (1 - Fraction(a, ONE_TICKS)) for a in asks
    )
    return 1 - sum(Fraction(a, ONE_TICKS) for a in asks) - fees


def test_the_negrisk_event_leaves_real_gaps_both_ways_and_shows_some_that_fees_eat(hour):
    books, group = {}, None
    found, teased = defaultdict(int), 0
    depth = []
    for item in hour:
        if isinstance(item, EventSeen):
            group = item.group
        if not isinstance(item, BookSeen) or not item.symbol.startswith("simulated:mayor"):
            continue
        books[item.symbol] = item
        legs = [books.get(f"{m}:YES") for m in group.market_ids]
        nos = [books.get(f"{m}:NO") for m in group.market_ids]
        if any(b is None or b.ts_ns != item.ts_ns for b in (*legs, *nos)):
            continue
        if all(b.ask_ticks for b in legs):
            left = gap_after_fees([b.ask_ticks[0] for b in legs])
            teased += left < 0 and sum(b.ask_ticks[0] for b in legs) < ONE_TICKS
            if left > 0:
                found["all_yes"] += 1
                depth.append(min(b.ask_lots[0] for b in legs))
        if all(b.ask_ticks for b in nos):
            prices = [b.ask_ticks[0] for b in nos]
            left = gap_after_fees(prices) + 2  # four NO tokens convert into 3.00
            if left > 0:
                found["all_no"] += 1
                depth.append(min(b.ask_lots[0] for b in nos))
    assert found["all_yes"] > 10 and found["all_no"] > 10 and teased > 10
    assert found["all_yes"] + found["all_no"] < HOUR_MINUTES * 60 * 0.25
    assert min(depth) >= 30 * 100 and max(depth) <= 200 * 100


def test_legs_of_different_age_show_no_gap_where_none_was_open(hour):
    books, group, open_ns, mixed_ns = {}, None, set(), set()
    for item in hour:
        if isinstance(item, EventSeen):
            group, books = item.group, {}
        if not (isinstance(item, BookSeen) and item.symbol.startswith("simulated:mayor")):
            continue
        books[item.symbol] = item
        for outcome, sets in (("YES", 0), ("NO", 2)):
            legs = [books.get(f"{m}:{outcome}") for m in group.market_ids]
            if any(b is None or not b.ask_ticks for b in legs):
                continue
            asks = [b.ask_ticks[0] for b in legs]
            if len({b.ts_ns for b in legs}) > 1:
                if gap_after_fees(asks) + sets > 0:
                    mixed_ns.add(item.ts_ns)
            elif sum(asks) <= (1 + sets) * ONE_TICKS:
                open_ns.add(item.ts_ns)
    assert all({ns, ns - NS_PER_S} & open_ns for ns in mixed_ns)


def test_bars_are_the_prints_of_their_minute(hour):
    prints = defaultdict(list)
    bars = 0
    for item in hour:
        if isinstance(item, PrintSeen):
            prints[item.symbol].append(item)
        elif isinstance(item, BarSeen):
            inside = [
                p
                for p in prints[item.symbol]
                if item.ts_ns - item.interval_ns <= p.ts_ns < item.ts_ns
            ]
            if item.ts_ns - item.interval_ns < START_NS:
                continue
            prices = [p.price_ticks for p in inside]
            assert (item.open_ticks, item.close_ticks) == (prices[0], prices[-1])
            assert (item.high_ticks, item.low_ticks) == (max(prices), min(prices))
            assert item.volume_lots == sum(p.quantity_lots for p in inside)
            assert item.ts_ns % MINUTE_NS == 0
            bars += 1
    assert bars >= 2 * (HOUR_MINUTES - 2)


def test_prices_trend_and_turn(hour):
    closes = [i.close_ticks for i in hour if isinstance(i, BarSeen) and "BTC" in i.symbol]
    moves = [b - a for a, b in pairwise(closes)]
    assert max(moves) > closes[0] * 0.001 and min(moves) < -closes[0] * 0.001
    ups = sum(m > 0 for m in moves)
    assert 0.15 < ups / len(moves) < 0.85


def test_markets_that_ended_while_nobody_looked_are_resolved_first(hour):
    began = run(minutes=2)
    listed = {i.market.market_id for i in began if isinstance(i, MarketSeen)}
    resolved = {i.market_id for i in began if isinstance(i, MarketResolvedSeen)}
    later_ns = START_NS + (HOUR_MINUTES - 1) * MINUTE_NS
    items = run(later_ns, minutes=0.01, resumed_from_ns=began[-1].ts_ns)
    told = [i for i in items if isinstance(i, MarketResolvedSeen)]
    known = [i.market.market_id for i in items if isinstance(i, MarketSeen)]
    assert len(known) == len(set(known))
    alive = set(known) - {i.market_id for i in told}
    assert listed - resolved <= {i.market_id for i in told} | alive
    through = {i.market_id: i for i in hour if isinstance(i, MarketResolvedSeen)}
    assert len(told) >= 7
    assert all(through[i.market_id].payouts_micros == i.payouts_micros for i in told)
    assert all(through[i.market_id].ts_ns <= later_ns for i in told)


def test_sizes_fees_and_grids_are_those_of_the_venue():
    items = run(minutes=0.01)
    instruments = [i for m in items if isinstance(m, MarketSeen) for i in m.instruments]
    assert {i.fees.taker_ppm for i in instruments if "updown" in i.symbol} == {70_000}
    assert {i.fees.taker_ppm for i in instruments if "updown" not in i.symbol} == {40_000}
    assert {(i.tick_nanos, i.lot_nanos, i.step_ticks, i.min_lots) for i in instruments} == {
        (100_000, 10_000_000, 100, 500)
    }
    pairs = [i.instrument for i in items if isinstance(i, InstrumentSeen)]
    assert {(p.fees.kind, p.fees.taker_ppm, p.tick_nanos, p.lot_nanos) for p in pairs} == {
        ("proportional", 1_000, 10_000_000, 10_000)
    }


def test_stop_ends_the_feed_with_its_last_word():
    feed = SimulatedFeed(seed=7, start_ns=START_NS, speed="max", clock=ManualClock())
    items = feed.items()
    for _ in range(500):
        next(items)
    feed.stop()
    rest = list(items)
    assert len(rest) < 200
    assert isinstance(rest[-1], FeedStateSeen) and rest[-1].reason == "stopped"
