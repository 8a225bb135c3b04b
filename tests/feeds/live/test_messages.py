"""Frames and Gamma objects: real captures are read, everything else is named and counted."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.errors import WorldError
from papertape.feeds.outbox import Outbox
from papertape.feeds.polymarket.book import TokenBook, TokenFacts
from papertape.feeds.polymarket.gamma import clob_payouts, complete_group, read_market
from papertape.feeds.polymarket.messages import (
    BestPriceMessage,
    BookMessage,
    Change,
    FrameReader,
    NewMarketMessage,
    PriceChangeMessage,
    ResolvedMessage,
    TickSizeMessage,
)
from papertape.feeds.polymarket.picker import Choice, nothing_found
from papertape.feeds.polymarket_levels import BadRecordError, LevelReader
from papertape.model.market_data import BookSeen, FeedStateSeen, PrintSeen
from papertape.testing.polymarket_script import gamma_market

NOW_NS = 1_775_000_000 * 10**9
TOKENS = ["1" * 20, "2" * 20]


def fixture(shared_data: Path, name: str) -> Any:
    """Return a captured body."""
    return json.loads((shared_data / "fixtures" / name).read_text(encoding="utf-8"))


def gamma(shared_data: Path, name: str) -> Any:
    """Return what a captured Gamma market says."""
    body = fixture(shared_data, name)
    return read_market(json.dumps(body[0] if isinstance(body, list) else body).encode(), NOW_NS)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("polymarket_nautilus_py/ws_messages/book.json", BookMessage),
        ("polymarket_nautilus_py/ws_messages/price_change_v2.json", PriceChangeMessage),
        ("polymarket_nautilus_py/ws_messages/tick_size_change.json", TickSizeMessage),
        ("polymarket_nautilus/ws_market_best_bid_ask_msg.json", BestPriceMessage),
        ("polymarket_nautilus/ws_market_new_market_msg.json", NewMarketMessage),
        ("polymarket_nautilus/ws_market_resolved_msg.json", ResolvedMessage),
    ],
)
def test_captured_frames_are_read(shared_data: Path, name: str, kind: type) -> None:
    """Alone and inside an array."""
    reader = FrameReader()
    text = json.dumps(fixture(shared_data, name))
    assert [type(one) for one in reader.read(text)] == [kind]
    assert [type(one) for one in reader.read(f"[{text},{text}]")] == [kind, kind]
    assert not reader.malformed


def test_the_old_price_change_is_named_not_guessed(shared_data: Path) -> None:
    """The form of before September 2025 is not spoken any more."""
    reader = FrameReader()
    old = fixture(shared_data, "polymarket_nautilus_py/ws_messages/price_change.json")
    assert reader.read(json.dumps(old)) == []
    assert list(reader.malformed) == ["price_change: Object missing required field `price_changes`"]
    assert reader.missed == 1


@pytest.mark.parametrize(
    ("frame", "missed"),
    [
        ("", 1), ("{", 1), ("[1,", 1), ("null", 1), ("\xff", 1), ('{"event_type":"book"}', 1),
        ('{"event_type":"last_trade_price"}', 0), ('{"event_type":"never_heard_of"}', 0),
        ("[" * 5_000, 1),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_counted(frame: str, missed: int) -> None:
    """Nothing raises; what may have been a change of a book is told apart."""
    reader = FrameReader()
    assert reader.read(frame) == []
    assert reader.missed == missed
    assert reader.malformed.total() + reader.unknown.total() == 1


@given(st.binary(max_size=200))
def test_no_frame_breaks_the_reader(frame: bytes) -> None:
    """Any bytes are read or counted."""
    FrameReader().read(frame)


@pytest.mark.parametrize(
    ("name", "trading", "payouts", "taker_ppm"),
    [
        ("polymarket_nautilus/gamma_market.json", "over", None, 0),
        ("polymarket_nautilus/gamma_market_closed_binary_accepting_true.json", "resolved",
         (1_000_000, 0), 0),
        ("polymarket_nautilus/gamma_market_closed_binary_accepting_false.json", "resolved",
         (0, 1_000_000), 0),
        ("polymarket_nautilus/gamma_market_closed_zero_zero_legacy.json", "over", None, 0),
        ("polymarket_nautilus/gamma_market_closed_nonbinary_legacy.json", "over", None, 0),
        ("polymarket_nautilus/gamma_market_sports_market_money_line.json", "resolved",
         (1_000_000, 0), 30_000),
        ("polymarket_kalshi_pmvl/live20260809_polymarket-market.json", "tradable", None, 0),
        ("polymarket_kalshi_pmvl/polymarket_markets.json", "tradable", None, 0),
    ],
)  # fmt: skip
def test_captured_markets_are_read(
    shared_data: Path, name: str, trading: str, payouts: Any, taker_ppm: int
) -> None:
    """States, payouts and fees of real objects; a winner is named only when it is certain."""
    market = gamma(shared_data, name)
    assert (market.trading, market.payouts_micros) == (trading, payouts)
    assert {one.fees.taker_ppm for one in market.instruments} == {taker_ppm}
    assert {one.fees.dated for one in market.instruments} == {"2026-03-31"}
    assert len(market.tokens) == 2


def test_lists_come_as_arrays_or_as_text() -> None:
    """Outcomes, prices and ids; both id fields."""
    as_text = gamma_market("m", TOKENS)
    as_array = {
        **as_text,
        "outcomes": ["Up", "Down"],
        "outcomePrices": ["0.5", "0.5"],
        "clobTokenIds": None,
        "positionIds": TOKENS,
    }
    first, second = (read_market(json.dumps(m).encode(), NOW_NS) for m in (as_text, as_array))
    first.raw = second.raw = b""  # verbatim, so different
    assert first == second
    assert [one.symbol for one in first.instruments] == ["polymarket:m:UP", "polymarket:m:DOWN"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"outcomes": '["A"]'}, "not two outcomes"),
        ({"clobTokenIds": "[]"}, "no two token ids"),
        ({"clobTokenIds": '["x","y"]'}, "no two token ids"),
        ({"slug": "../etc"}, "slug"),
        ({"orderPriceMinTickSize": 7}, "the tick"),
        ({"feeSchedule": {"exponent": 1}}, "missing required field `rate`"),
        ({"feeSchedule": {"rate": 1e300}}, "feeSchedule.rate: not a plain number"),
        ({"closed": "maybe"}, "$.closed"),
    ],
)
def test_a_market_that_cannot_be_read_is_named(fields: Any, said: str) -> None:
    """The field is in the reason."""
    with pytest.raises(BadRecordError, match=said.replace("$", r"\$")):
        read_market(json.dumps({**gamma_market("m", TOKENS), **fields}).encode(), NOW_NS)


@pytest.mark.parametrize(("said", "delay_s"), [(3, 3), ("3", 3), (None, 0), (10**9, 60)])
def test_the_venue_says_how_long_it_holds_what_takes(said: Any, delay_s: int) -> None:
    market = read_market(
        json.dumps({**gamma_market("m", TOKENS), "secondsDelay": said}).encode(), NOW_NS
    )
    assert {one.taker_delay_ns for one in market.instruments} == {delay_s * 10**9}


def test_a_part_of_a_set_does_not_pass_for_a_set(shared_data: Path) -> None:
    """An event is exhaustive only if it is not augmented and every open market is watched."""
    rows = fixture(shared_data, "polymarket_kalshi_pmvl/polymarket_markets.json")
    market = next(
        read
        for row in rows
        if (read := read_market(json.dumps(row).encode(), NOW_NS)).group
        and not read.group.augmented
    )
    assert market.group is not None
    raw = json.dumps(
        {"markets": [{"slug": market.slug}, {"slug": "b"}, {"slug": "c", "closed": 1}]}
    )
    raw = raw.replace("1}", "true}")
    part = complete_group(market.group, raw.encode(), frozenset({market.slug}))
    whole = complete_group(market.group, raw.encode(), frozenset({market.slug, "b"}))
    assert (part.exhaustive, whole.exhaustive) == (False, True)
    assert not complete_group(market.group, None, frozenset({market.slug})).exhaustive


def test_the_clob_names_a_winner(shared_data: Path) -> None:
    """Only if it is closed and one of our tokens won."""
    name = "polymarket_nautilus/clob_market_closed_binary_accepting_true.json"
    said = fixture(shared_data, name)
    tokens = tuple(token["token_id"] for token in said["tokens"])
    raw = json.dumps(said).encode()
    assert clob_payouts(raw, tokens) == (1_000_000, 0)
    assert clob_payouts(raw, ("1", "2")) is None
    assert clob_payouts(json.dumps({**said, "closed": False}).encode(), tokens) is None


@pytest.mark.parametrize("name", ["live20260809_polymarket-book.json", "polymarket_book.json"])
def test_the_hash_of_captured_books_comes_out(shared_data: Path, name: str) -> None:
    """Whole books of the venue are live; one changed size makes them unverified."""
    body = fixture(shared_data, f"polymarket_kalshi_pmvl/{name}")
    for state, change in (("live", ""), ("unverified", "1")):
        said = json.loads(json.dumps(body))
        said["bids"][0]["size"] = change + said["bids"][0]["size"]
        message = FrameReader().read(json.dumps({**said, "event_type": "book"}))[0]
        assert isinstance(message, BookMessage)
        facts = TokenFacts(min_size="5", neg_risk=False, step_ticks=100)
        book = TokenBook("s", message.asset_id, facts, LevelReader())
        book.replace(message, 1)
        assert book.condition == state


def seeded() -> TokenBook:
    """Return a live book of one level per side, as a repair would leave it."""
    facts = TokenFacts(min_size="5", neg_risk=False, step_ticks=100)
    book = TokenBook("s", "t", facts, LevelReader())
    book.condition = "live"
    assert book.change([change("0.40", "10", "BUY"), change("0.50", "5", "SELL")], 1_000, 1)
    return book


def change(price: str, size: str, side: str, bid: str = "", ask: str = "") -> Change:
    """Return a change of the only token."""
    return Change(asset_id="t", price=price, size=size, side=side, best_bid=bid, best_ask=ask)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ([change("0.41", "1", "BUY", "0.42", "0.50")], "the venue's best prices are not ours"),
        ([change("0.50", "1", "BUY")], "bid and ask cross"),
        ([change("0.405", "1", "BUY")], "a price off the tick"),
        ([change("0.41", "1e3", "BUY")], "not a plain decimal number"),
        ([change("0.41", "NaN", "BUY")], "not a plain decimal number"),
        ([change("1.00", "1", "SELL")], "a price outside 0 to 1"),
        ([change("0.41", "1", "HOLD")], "HOLD"),
    ],
)
def test_a_change_that_does_not_fit_breaks_the_book_off(changes: Any, reason: str) -> None:
    """It is a gap until the venue has sent the book whole again."""
    book = seeded()
    assert not book.change(changes, 1_001, 2)
    assert book.condition == "gap"
    assert reason in book.reason
    assert book.seen(3).state == "gap"


def test_changes_are_totals_and_zero_removes() -> None:
    """Said twice they change nothing; an emptied side agrees with the venue's 0 and 1."""
    book = seeded()
    for _ in range(2):
        assert book.change([change("0.45", "7", "BUY", "0.45", "0.5")], 1_002, 2)
    assert list(book.seen(3).bid_lots) == [700, 1_000]
    assert book.change([change("0.50", "0", "SELL", "0.45", "1")], 1_003, 2)
    assert list(book.seen(3).ask_ticks) == []


def test_the_best_prices_may_run_ahead_for_a_moment() -> None:
    """A difference is a suspicion; the next change that agrees clears it."""
    book = seeded()
    book.compare(BestPriceMessage("t", "0.45", "0.50", "1001"), 77)
    assert book.suspect_since_ns == 77
    assert book.change([change("0.45", "7", "BUY", "0.45", "0.50")], 1_001, 80)
    assert book.suspect_since_ns == 0


def a_book(symbol: str, price: int) -> BookSeen:
    """Return a book with one bid."""
    return BookSeen(
        symbol=symbol, ts_ns=1, bid_ticks=[price], bid_lots=[1], ask_ticks=[], ask_lots=[]
    )


@given(st.lists(st.sampled_from(["a", "b", "print", "news"]), max_size=40))
def test_a_full_outbox_keeps_what_matters(kinds: list[str]) -> None:
    """Prints and news all arrive in order; of books at least the newest before each news."""
    box = Outbox(keep_every_book=0)
    newest: dict[str, int] = {}
    for number, kind in enumerate(kinds, start=1):
        if kind == "print":
            box.put(PrintSeen(symbol="a", ts_ns=number, price_ticks=1, quantity_lots=1, side="BUY"))
        elif kind == "news":
            box.put(FeedStateSeen(ts_ns=number, source="s", state="live"))
        else:
            box.put(a_book(kind, number))
            newest[kind] = number
    box.close()
    out = []
    while not box.is_closed:
        out.append(box.take(0.0))
    told = [item.ts_ns for item in out if not isinstance(item, BookSeen) and item is not None]
    assert told == [n for n, kind in enumerate(kinds, start=1) if kind in {"print", "news"}]
    last = {item.symbol: item.bid_ticks[0] for item in out if isinstance(item, BookSeen)}
    assert last == newest


def test_nothing_found_says_why() -> None:
    """The person sees what was asked and what came back."""
    error = nothing_found(Choice(slugs=("x",)), Counter(), FrameReader())
    assert isinstance(error, WorldError)
    assert str(error) == "live: no open market matches x"
