"""The journal of trades: stories from flat to flat, exact money, and a person's words beside."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dashboard.conftest import Caller
from tests.dashboard.tapes import NO, Tape

from papertape.services.trade_diary import Story, TradeDiary


def stories(page: Caller, query: str = "") -> list[dict]:
    found: list[dict] = page.data(f"/api/journal/trades{query}")
    return found


def say(page: Caller, trade_id: str, **said: object) -> dict:
    answer = page.send("PATCH", f"/api/journal/trades/{trade_id}", said)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: dict = answer.get_json()["data"]
    return found


def test_a_trade_is_a_story_from_flat_to_flat(page: Caller, tape: Tape) -> None:
    first = tape.trade("BUY", 1_000, 4_000)
    tape.trade("BUY", 1_000, 4_200)
    tape.trade("SELL", 500, 5_000)
    tape.flush()
    [story] = stories(page)
    assert (story["id"], story["state"], story["pnl"]) == (first, "open", None)
    tape.trade("SELL", 1_500, 5_000)
    second = tape.trade("BUY", 100, 3_000, symbol=NO)
    tape.flush()
    newer, story = stories(page)
    assert newer["id"] == second
    assert (story["quantity"], story["entry_price"], story["fills"]) == (20.0, 0.41, 4)
    assert (story["bought"], story["sold"], story["fees"]) == (8.2, 10.0, 0.004)
    assert story["pnl"] == pytest.approx(10.0 - 8.2 - 0.004)
    assert story["holding_ms"] == 3_000
    assert story["reason"] == "price rises"
    assert story["exit"] == {"kind": "sold", "reason": "price rises"}
    assert (story["question"], story["outcomes"]) == ("Will it rain?", ["YES"])
    assert page.data(f"/api/journal/trades/{first}") == story


def test_sets_that_are_merged_and_positions_that_are_paid(page: Caller, tape: Tape) -> None:
    yes = tape.trade("BUY", 1_000, 4_000, strategy="arbitrage")
    tape.trade("BUY", 1_000, 5_000, symbol=NO, strategy="arbitrage")
    tape.merge(1_000)
    paid = tape.trade("BUY", 1_000, 4_000)
    tape.settle()
    tape.flush()
    found = {story["id"]: story for story in stories(page)}
    assert found[yes]["exit"]["kind"] == "merged"
    assert {story["state"] for story in found.values()} == {"closed"}
    assert found[paid]["exit"]["kind"] == "settled"
    assert found[paid]["pnl"] == pytest.approx(6.0 - 0.001)
    total = sum(story["pnl"] for story in found.values())
    summary = page.data("/api/portfolio")["summary"]
    assert total == pytest.approx(summary["realized_pnl"] - summary["fees"])


def test_words_of_a_person_filters_and_review(page: Caller, tape: Tape) -> None:
    ids = []
    for i in range(6):
        ids.append(tape.trade("BUY", 100, 4_000, strategy=("momentum", "arbitrage")[i % 2]))
        tape.trade("SELL", 100, 4_100, strategy=("momentum", "arbitrage")[i % 2])
    tape.flush()
    entry = say(page, ids[0], rating=4, version="0")
    assert entry["entry_reason"] == "price rises"
    assert (entry["confidence_level"], entry["strategy"]) == (None, "momentum")
    say(page, ids[1], rating=2, tags=["late", "news"], notes="**Never** again", confidence_level=9)
    say(page, ids[2], tags=["news"])
    find = [
        ("reviewed=no", ids[:1:-1]), ("reviewed=yes", [ids[1], ids[0]]), ("rating=2", [ids[1]]),
        ("tag=news", [ids[2], ids[1]]), ("tag=new", []), ("strategy=arbitrage", ids[::-2]),
        ("q=never+RAIN", [ids[1]]), ("q=nothing", []), ("state=open", []),
        ("reviewed=no&strategy=momentum", [ids[4], ids[2]]), ("tag=news&rating=2", [ids[1]]),
    ]  # fmt: skip
    for query, expected in find:
        assert [story["id"] for story in stories(page, f"?{query}")] == expected, query
    seen, cursor = [], None
    while True:
        more = f"&cursor={cursor}" if cursor else ""
        body = page.get(f"/api/journal/trades?limit=2&reviewed=no{more}").get_json()
        seen += [story["id"] for story in body["data"]]
        cursor = body["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[:1:-1]


def test_both_see_both_versions(page: Caller, tape: Tape) -> None:
    trade_id = tape.trade()
    tape.flush()
    first = say(page, trade_id, rating=3, version="0")
    path = f"/api/journal/trades/{trade_id}"
    late = page.send("PATCH", path, {"rating": 5, "version": "0"})
    assert (late.status_code, late.get_json()["error"]["entry"]) == (409, first)
    assert say(page, trade_id, rating=5, version=first["version"])["id"] == first["id"]
    page.send("DELETE", f"/api/journal/entry/{first['id']}")
    gone = page.send("PATCH", path, {"rating": 1, "version": first["version"]})
    assert (gone.status_code, gone.get_json()["error"]["entry"]) == (409, None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "rating"), ({"rating": 6}, "rating"), ({"confidence_level": 0}, "confidence_level"),
        ({"entry_reason": None}, "entry_reason"), ({"trade_id": "F2"}, "trade_id"),
        ({"version": "x", "rating": 1}, "version"), ({"notes": 5}, "notes"),
        ({"tags": ["a" * 41]}, "tags"), ({"version": "0"}, "rating"),
    ],
)  # fmt: skip
def test_wrong_words_are_refused_by_field(
    page: Caller, tape: Tape, body: object, field: str
) -> None:
    trade_id = tape.trade()
    tape.flush()
    answer = page.send("PATCH", f"/api/journal/trades/{trade_id}", body)
    assert (answer.status_code, answer.get_json()["error"]["field"]) == (422, field)
    assert page.send("PATCH", "/api/journal/trades/F99", {"rating": 1}).status_code == 404
    assert stories(page)[0]["entry"] is None


def test_before_there_is_anything(page: Caller, data_dir: Path) -> None:
    """No folder, no ledger: an empty list, and nothing made by asking."""
    assert stories(page) == []
    assert not data_dir.exists()


def test_export_holds_everything_and_no_formula(page: Caller, tape: Tape) -> None:
    trade_id = tape.trade()
    tape.trade("SELL")
    tape.trade("BUY", 10, 4_000, symbol=NO)
    tape.flush()
    say(page, trade_id, rating=3, notes="=cmd()", tags=["a", "b"])
    answer = page.get("/api/export/journal?format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    assert [row["state"] for row in rows] == ["open", "closed"]
    assert (rows[1]["id"], rows[1]["rating"], rows[1]["tags"]) == (trade_id, "3", "a b")
    assert rows[1]["notes"].startswith("'=")
    document = json.loads(page.get("/api/export/journal?format=json&rating=3").get_data())
    assert [row["id"] for row in document["journal"]] == [trade_id]
    assert document["journal"][0]["entry"]["notes"] == "=cmd()"


def test_the_diary_is_only_a_cache(page: Caller, tape: Tape, app: Flask, data_dir: Path) -> None:
    """A file that is damaged, lost, or of another ledger is made again, with the same stories."""
    for _ in range(5):
        tape.trade("BUY", 100, 4_000)
        tape.trade("SELL", 100, 4_100)
    tape.trade("BUY", 100, 4_000)
    tape.flush()
    before = stories(page)
    assert len(before) == 6
    diary = app.extensions["papertape"].diary
    for damage in (b"no database", None):
        diary.close()
        for path in data_dir.glob("diary.db*"):
            path.unlink()
        if damage:
            (data_dir / "diary.db").write_bytes(damage * 100)
        assert stories(page) == before
    diary.close()  # as after a restart: an unfinished story goes on
    tape.trade("SELL", 100, 4_200)
    tape.flush()
    after = stories(page)
    assert after[1:] == before[1:]
    assert after[0]["state"] == "closed"
    tape.close()
    for path in data_dir.glob("papertape.db*"):
        path.unlink()
    (data_dir / "anchor.json").unlink(missing_ok=True)
    other = Tape(data_dir)
    other.trade("BUY", 7, 4_000)
    other.flush()
    assert [story["quantity"] for story in stories(page)] == [0.07]
    other.close()


# --- the fold -------------------------------------------------------------------------------------

MOVES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from(["X", "Y", "Z"]),
        st.integers(-5, 5).filter(bool),
        st.integers(0, 3),
    ),
    max_size=60,
)


@given(MOVES, st.integers(0, 60))
@settings(max_examples=200, deadline=None)
def test_nothing_is_lost_or_counted_twice(moves: list[tuple[str, str, int, int]], cut: int) -> None:
    """The stories' money is the trades' money; a fold that was interrupted ends the same."""
    rows, held = [], dict[tuple[str, str], int]()
    for number, (strategy, symbol, wanted, signal) in enumerate(moves, start=1):
        have = held.get((strategy, symbol), 0)
        nanos = max(wanted, -have)
        if not nanos:
            continue
        held[strategy, symbol] = have + nanos
        rows.append(
            {
                "seq": number, "id": f"f{number}", "kind": "fill", "account": "main",
                "strategy": strategy, "symbol": symbol, "venue": "v", "market_id": "m",
                "outcome": symbol, "side": "BUY" if nanos > 0 else "SELL", "ts_ns": number,
                "quantity_nanos": abs(nanos), "notional_micros": 10 * abs(nanos),
                "fee_micros": 1, "realized_micros": number,
                "signal_id": f"{strategy}{signal}" if signal else "",
            }
        )  # fmt: skip

    def fold(parts: list[list[dict]]) -> dict[int, Story]:
        kept: dict[int, Story] = {}
        for part in parts:
            diary = TradeDiary(each for each in kept.values() if each.closed_seq is None)
            for row in part:
                story, eaten = diary.apply(row)
                kept[story.seq] = story
                for seq in eaten:
                    del kept[seq]
        return kept

    whole = fold([rows])
    assert sum(story.fee_micros for story in whole.values()) == len(rows)
    assert sum(s.realized_micros for s in whole.values()) == sum(r["seq"] for r in rows)
    assert sum(story.fills for story in whole.values()) == len(rows)
    open_nanos = sum(sum(story.held_nanos.values()) for story in whole.values())
    assert open_nanos == sum(held.values())
    assert fold([rows[:cut], rows[cut:]]) == whole
