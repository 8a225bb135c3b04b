"""The table's filters, the export of what is filtered, and the story of a trade."""

from __future__ import annotations

import csv
import io

import pytest
from msgspec.structs import replace
from tests.dashboard.conftest import Caller
from tests.dashboard.tapes import NO, START_NS, YES, Tape, busy, instrument

from papertape.model.events import (
    FillDetail,
    InstrumentListed,
    LevelUsed,
    OrderAccepted,
    OrderAmended,
    OrderCancelAsked,
    OrderChangeRefused,
    OrderFilled,
    OrderSubmitted,
    OrderTriggered,
    PrintUsed,
)
from papertape.model.instrument import FeeSchedule
from papertape.model.orders import OrderTerms

S = 1_000_000_000


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["F5", "F4", "F3", "F2", "F1"]),
        ("sort=time", ["F1", "F2", "F3", "F4", "F5"]),
        ("q=rain", ["F5", "F4", "F3", "F2", "F1"]),
        ("q=RAIN no", ["F4", "F3"]),
        ("q=snow", []),
        (f"symbol={YES}&q=no", []),
        ("strategy=arbitrage&side=SELL", ["F4"]),
        ("kind=settlement", []),
        (f"from={START_NS + 3 * S}&to={START_NS + 4 * S}", ["F3", "F2"]),
        ("from=9999-12-31", []),
        ("to=9999999999999999999", ["F5", "F4", "F3", "F2", "F1"]),
        ("to=1970-01-01", []),
        ("after=12", ["F5", "F4", "F3"]),
        ("after=12&sort=time", ["F3", "F4", "F5"]),
    ],
)
def test_filters(page: Caller, tape: Tape, query: str, expected: list[str]) -> None:
    busy(tape)
    assert [row["id"] for row in page.data(f"/api/trades?{query}")] == expected
    if "sort" in query or "after" in query:
        return
    text = page.get(f"/api/export/trades?{query}").get_data(as_text=True)
    assert [row["id"] for row in csv.DictReader(io.StringIO(text))] == expected[::-1]
    exported = page.get(f"/api/export/trades?format=json&{query}").get_json()
    assert [row["id"] for row in exported["trades"]] == expected[::-1]


def test_pages_follow_each_other(page: Caller, tape: Tape) -> None:
    busy(tape)
    for sort in ("time", "-time"):
        found, cursor = [], ""
        while True:
            answer = page.get(f"/api/trades?side=BUY&limit=2&sort={sort}{cursor}").get_json()
            found += [row["id"] for row in answer["data"]]
            if answer["next_cursor"] is None:
                break
            cursor = f"&cursor={answer['next_cursor']}"
        assert found == (["F1", "F3", "F5"] if sort == "time" else ["F5", "F3", "F1"])


@pytest.mark.parametrize(
    "query",
    ["from=yesterday", "to=", "q=", "q=%00", "after=-1", "sort=price", "sides=BUY", "from=-5"],
)
def test_what_is_not_understood_is_refused(page: Caller, tape: Tape, query: str) -> None:
    tape.flush()
    answer = page.get(f"/api/trades?{query}")
    assert answer.status_code == 422
    assert answer.get_json()["error"]["code"] == "invalid"


def test_the_story_of_a_fill(page: Caller, tape: Tape) -> None:
    busy(tape)
    tape.settle()
    tape.flush()
    story = page.data("/api/trades/F1")["story"]
    assert story["market"]["question"] == "Will it rain?"
    assert story["market"]["state"] == "resolved"
    assert story["signal"]["reason"] == "price rises"
    [leg] = story["signal"]["legs"]
    assert (leg["side"], leg["quantity"], leg["limit"], leg["outcome"]) == ("BUY", 10, 0.4, "YES")
    [order] = story["orders"]
    assert [state["state"] for state in order["states"]] == ["submitted", "filled"]
    assert order["filled"] == order["quantity"] == 10
    [fill] = story["fills"]
    assert (fill["price"], fill["notional"], fill["fee"]) == (0.4, 4.0, 0.001)
    used = fill["evidence"]
    assert (used["price"], used["seen"], used["taken_before"]) == (0.4, 10, 0)
    assert used["book_age_ms"] == 0
    # This tape's instrument charges nothing, and yet a fee was booked: the page must say so.
    assert (fill["fee_rule"]["kind"], fill["fee_rule"]["fits"]) == ("none", False)
    assert [entry["amount"] for entry in story["cash"]["entries"]] == [-4.0, -0.001]
    assert story["cash"]["total"] == -4.001
    assert story["settlement"]["kind"] == "settlement"
    assert story["settlement"]["realized_pnl"] == pytest.approx(0.55)
    assert story["earlier"] == []
    sold = page.data("/api/trades/F2")["story"]
    assert (sold["cash"]["total"], sold["cash"]["realized"]) == (4.999, 1.0)
    assert [row["id"] for row in sold["earlier"]] == ["F1"]


def test_the_story_of_a_settlement_and_of_a_merge(page: Caller, tape: Tape) -> None:
    busy(tape)
    tape.trade("BUY", 500, 5_000, strategy="arbitrage")
    tape.merge(400)
    tape.settle()
    tape.flush()
    paid = page.data("/api/trades?kind=settlement")[0]
    story = page.data(f"/api/trades/{paid['id']}")["story"]
    assert (story["signal"], story["orders"], story["fills"]) == (None, [], [])
    assert story["cash"]["total"] == 1.0
    assert [row["id"] for row in story["earlier"]] == ["F5", "F2", "F1"]
    merged = page.data("/api/trades?kind=merge")[0]
    story = page.data(f"/api/trades/{merged['id']}")["story"]
    assert [(part["symbol"], part["quantity"]) for part in story["parts"]] == [(YES, -4), (NO, -4)]
    assert story["cash"]["entries"][0]["what"] == "merge"
    assert story["cash"]["total"] == 4.0


def test_the_story_of_a_protected_order(page: Caller, tape: Tape) -> None:
    """Terms, steps, the queue and the prints of a fill; the fee by the schedule of then."""
    busy(tape)
    tape.trade("BUY", 500, 4_000, strategy="arbitrage")
    listed = instrument(YES)
    dear = FeeSchedule(kind="curve", taker_ppm=70_000, rebate_ppm=200_000, dated="2026-04-16")
    tape.put(InstrumentListed(instrument=replace(listed, fees=dear)))
    own = {"order_id": "O90", "strategy": "arbitrage", "symbol": YES}
    terms = OrderTerms(stop_ticks=4_500, trail_ticks=100, reduce_only=True, purpose="stop_loss",
                       parent="O1", group="O1")  # fmt: skip
    detail = FillDetail(
        model="likely", latency_ns=150_000_000, ahead_lots=200,
        prints=(PrintUsed(ts_ns=START_NS, price_ticks=4_400, quantity_lots=300),),
    )  # fmt: skip
    tape.put(
        OrderSubmitted(
            **own, signal_id="S1", side="SELL", order_type="stop", time_in_force="GTC",
            quantity_lots=300, terms=terms,
        ),
        OrderTriggered(**own, stop_ticks=4_500, seen_ticks=4_400),
        OrderAccepted(**own, latency_ns=150_000_000, ahead_lots=200),
        OrderAmended(**own, quantity_lots=200, remaining_lots=200, limit_ticks=None,
                     stop_ticks=4_500, reason="less is held"),
        OrderCancelAsked(**own, reason="asked to", latency_ns=5_000_000),
        OrderFilled(
            **own, fill_id="F90", signal_id="S1", side="SELL", price_ticks=5_000,
            quantity_lots=100, notional_micros=500_000, fee_micros=0, cost_micros=-400_000,
            realized_micros=100_000, liquidity="maker", remaining_lots=100,
            evidence=LevelUsed(
                price_ticks=5_000, seen_lots=300, taken_before_lots=0, book_ts_ns=START_NS,
                book_age_ns=0, source="simulated", detail=detail,
            ),
        ),
        OrderChangeRefused(order_id="O90", strategy="arbitrage", change="cancel",
                           code="too_late", reason="it was filled"),
    )  # fmt: skip
    tape.put(InstrumentListed(instrument=listed))  # fees change: the fill keeps its own
    tape.flush()
    story = page.data("/api/trades/F90")["story"]
    (order,) = [one for one in story["orders"] if one["id"] == "O90"]
    assert [state["state"] for state in order["states"]] == [
        "submitted", "triggered", "accepted", "amended", "cancel asked", "partly filled",
        "cancel refused",
    ]  # fmt: skip
    assert order["states"][1]["note"] == "stop 0.45, seen 0.44"
    assert order["states"][2]["note"] == "after 150 ms, behind 2 at its price"
    assert order["terms"]["stop"] == 0.45
    assert (order["terms"]["purpose"], order["terms"]["reduce_only"]) == ("stop_loss", True)
    (fill,) = [one for one in story["fills"] if one["id"] == "F90"]
    used = fill["evidence"]
    assert (used["model"], used["latency_ms"], used["ahead"]) == ("likely", 150.0, 2.0)
    assert used["prints"][0]["quantity"] == 3.0
    rule = fill["fee_rule"]
    assert (rule["fits"], rule["dated"], rule["rebate"]) == (True, "2026-04-16", 0.0035)
