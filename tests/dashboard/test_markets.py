"""Markets as lists and one by one."""

from __future__ import annotations

import msgspec
import pytest
from tests.dashboard.conftest import Caller
from tests.dashboard.tapes import NO, YES, Tape, busy, instrument

from papertape.model.events import EventListed, InstrumentListed, MarketListed, MarketStateChanged
from papertape.model.instrument import Instrument
from papertape.model.market import EventGroup, Market

RAIN = "simulated:will-it-rain"
PAIR = "simulated:BTC/USDT"


def race(tape: Tape) -> None:
    """List a race of two, one of which is decided, and a pair."""
    markets = []
    for name in ("adler", "brandt"):
        symbols = tuple(f"simulated:{name}:{outcome}" for outcome in ("YES", "NO"))
        for symbol in symbols:
            mine = msgspec.structs.replace(instrument(symbol), market_id=f"simulated:{name}")
            tape.put(InstrumentListed(instrument=mine))
        markets.append(f"simulated:{name}")
        market = Market(
            market_id=markets[-1],
            venue="simulated",
            question=f"Will {name.title()} win?",
            outcomes=("YES", "NO"),
            symbols=symbols,
            end_ns=0,
            event_id="race",
        )
        tape.put(MarketListed(market=market))
    group = EventGroup(
        event_id="race",
        venue="simulated",
        title="Mayor's race",
        market_ids=tuple(markets),
        neg_risk=True,
    )
    pair = Instrument(
        symbol=PAIR, venue="simulated", kind="spot", quote_currency="USDT",
        tick_nanos=10_000_000, lot_nanos=10_000,
    )  # fmt: skip
    tape.put(EventListed(group=group), InstrumentListed(instrument=pair))
    tape.put(MarketStateChanged(market_id="simulated:adler", state="resolved"))
    tape.flush()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["simulated:brandt", "simulated:adler", RAIN, PAIR]),
        ("?state=open", ["simulated:brandt", RAIN, PAIR]),
        ("?state=resolved", ["simulated:adler"]),
        ("?q=WIN+brandt", ["simulated:brandt"]),
        ("?q=mayor", ["simulated:brandt", "simulated:adler"]),
        ("?venue=polymarket", []),
        ("?q=btc", [PAIR]),
    ],
)
def test_markets_are_listed(page: Caller, tape: Tape, query: str, expected: list[str]) -> None:
    race(tape)
    answer = page.get(f"/api/markets{query}").get_json()
    assert [row["id"] for row in answer["data"]] == expected
    assert answer["next_cursor"] is None
    in_race = {"simulated:brandt", "simulated:adler"} & set(expected)
    assert list(answer["groups"]) == (["race"] if in_race else [])


def test_pages_of_markets_follow_each_other(page: Caller, tape: Tape) -> None:
    race(tape)
    found, cursor = [], ""
    for _ in range(4):
        answer = page.get(f"/api/markets?limit=1{cursor}").get_json()
        found += [row["id"] for row in answer["data"]]
        cursor = f"&cursor={answer['next_cursor']}"
    assert found == ["simulated:brandt", "simulated:adler", RAIN, PAIR]
    assert answer["next_cursor"] is None


def test_everything_of_a_market(page: Caller, tape: Tape) -> None:
    busy(tape)
    found = page.data(f"/api/markets/detail?id={RAIN}")
    assert found["market"]["question"] == "Will it rain?"
    assert [book["symbol"] for book in found["books"]] == sorted([YES, NO])
    assert {row["symbol"]: row["quantity"] for row in found["positions"]} == {YES: 1, NO: 15}
    assert [row["id"] for row in found["trades"]] == ["F5", "F4", "F3", "F2", "F1"]
    skipped = [row for row in found["signals"] if row["state"] == "skipped"]
    assert [row["reason"] for row in skipped] == ["the edge is below the fees"]
    assert found["group"] is None


def test_depth_is_added_up_from_the_best_price_on(page: Caller, tape: Tape) -> None:
    busy(tape)
    assert page.data(f"/api/markets/depth?id={RAIN}") == []  # nothing is invented from best quotes
    tape.depth()
    [row] = page.data(f"/api/markets/depth?id={RAIN}")
    assert (row["symbol"], row["outcome"]) == (YES, "YES")
    assert row["bids"] == [
        {"price": 0.4, "size": 100, "total": 100},
        {"price": 0.39, "size": 200, "total": 300},
        {"price": 0.38, "size": 300, "total": 600},
    ]
    assert [level["total"] for level in row["asks"]] == [200, 400, 600]
    assert [(p["price"], p["quantity"], p["side"]) for p in row["prints"]] == [(0.4, 5, "SELL")]
    assert page.data(f"/api/markets/detail?id={RAIN}")["depth"] == [row]
    assert page.get("/api/markets/depth?id=x").status_code == 404
    assert page.get("/api/markets/depth").status_code == 422


def test_a_group_and_a_pair(page: Caller, tape: Tape) -> None:
    race(tape)
    group = page.data("/api/markets/detail?id=simulated:adler")["group"]
    assert (group["title"], group["exhaustive"]) == ("Mayor's race", True)
    assert group["markets"] == ["simulated:adler", "simulated:brandt"]
    pair = page.data(f"/api/markets/detail?id={PAIR}")
    assert (pair["market"]["symbols"], pair["trades"]) == ([PAIR], [])


def test_what_is_no_market_is_not_found(page: Caller, tape: Tape) -> None:
    tape.flush()
    for unknown in ("x", YES, "%27"):
        assert page.get(f"/api/markets/detail?id={unknown}").status_code == 404
    assert page.get("/api/markets/detail").status_code == 422
    assert page.get("/api/markets?limit=0").status_code == 422
    assert page.get("/api/markets?states=open").status_code == 422


def test_before_the_first_run_there_is_none(page: Caller) -> None:
    assert page.get("/api/markets").get_json()["data"] == []
    assert page.get("/api/markets/detail?id=x").status_code == 404
    for path in ("/markets", "/trades"):
        answer = page.get(path)
        assert answer.status_code == 200
        assert b"<h1" in answer.data
