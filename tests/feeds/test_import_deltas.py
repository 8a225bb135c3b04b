"""Recordings of changes: what was missed shows as a gap, and nothing is filled in it."""

from __future__ import annotations

import csv
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.engine.desk import Desk

from papertape import Leg, Signal, Strategy
from papertape.errors import InvalidInputError
from papertape.feeds.describe import describe
from papertape.feeds.importers import import_data
from papertape.model.events import BookStateChanged, OrderFilled
from papertape.model.market_data import BookSeen, InstrumentSeen, MarketSeen
from papertape.tape.recording import Recording

FOLDER = "polymarket_l2_mlb"
# Crossed states, counted per row, as the recordings' provenance names them.
CROSSED = {
    "20250617_mlb-mil-chc": 130,
    "20250617_mlb-sd-lad": 24,
    "20250619_mlb-col-wsh": 470,
    "20250619_mlb-hou-bal": 2,
    "20250619_mlb-mil-chc": 147,
    "20250624_mlb-tor-cle": 14,
    "20250619_mlb-kc-tex": 0,
    "20250701_mlb-cle-chc": 2,
    "20250701_mlb-hou-col": 10,
}
HEADER = "market_slug,asset_id,market_id,event_type,price,side,size,hash,timestamp"
UP, DOWN = "1" * 20, "2" * 20


class Greedy(Strategy):
    """Wants one order's worth of whatever it is shown, at any price, live or not."""

    name: ClassVar[str] = "greedy"

    def on_book(self, book: BookSeen) -> Signal | None:
        if self.held_lots(book.symbol) >= 500:
            return Signal(
                legs=(Leg(symbol=book.symbol, side="SELL", quantity_lots=500),), reason="out"
            )
        return Signal(legs=(Leg(symbol=book.symbol, side="BUY", quantity_lots=500),), reason="in")


def crossed_rows(path: Path) -> Iterator[tuple[str, int]]:
    """Yield (token, venue ms) of every row after which bid and ask cross, replayed plainly."""
    books: dict[str, dict[str, dict[float, float]]] = {}
    before: tuple[str, ...] = ()
    with lzma.open(path, "rt") as text:
        for row in csv.DictReader(text):
            key = (row["asset_id"], row["event_type"], row["timestamp"], row["hash"])
            book = books.setdefault(row["asset_id"], {"b": {}, "a": {}})
            if key != before and row["event_type"] == "book":
                book["b"], book["a"] = {}, {}
            before = key
            side = book["b" if row["side"] in ("bid", "BUY") else "a"]
            side[float(row["price"])] = float(row["size"])
            if not side[float(row["price"])]:
                del side[float(row["price"])]
            if book["b"] and book["a"] and max(book["b"]) >= min(book["a"]):
                yield row["asset_id"], int(row["timestamp"])


def file_of(shared_data: Path, name: str) -> Path:
    """Return a recording by the beginning of its name, or skip where it is not there."""
    found = sorted((shared_data / FOLDER).glob(f"{name}*.csv.xz"))
    if not found:
        pytest.skip(f"{name} is not in this copy of the recordings")
    return found[0]


@pytest.mark.parametrize("name", CROSSED)
def test_crossed_states_are_gaps_and_nothing_is_filled_in_them(
    shared_data: Path, tmp_path: Path, name: str
) -> None:
    """At every moment that is named the book is a gap; a greedy strategy fills beside it only."""
    path = file_of(shared_data, name)
    crossed = list(crossed_rows(path))
    assert len(crossed) == CROSSED[name]
    recording = Recording(import_data(path, tmp_path / "market"))
    items = [item for _, item in recording.items()]
    listed = next(item for item in items if isinstance(item, MarketSeen))
    names = {token: symbol_of(token, listed, path) for token, _ in set(crossed)}
    assert all(names.values())
    last: dict[tuple[str, int], BookSeen] = {}
    for item in items:
        if isinstance(item, BookSeen):
            last[item.symbol, item.venue_ts_ns // 10**6] = item
    ends = doubtful_spans(items)
    for token, venue_ms in crossed:
        symbol = names[token]
        assert any(began <= venue_ms * 10**6 <= ended for began, ended in ends[symbol])
        seen = last.get((symbol, venue_ms))
        assert seen is None or seen.state == "gap"
    desk = Desk({"greedy": Greedy()}, now_ns=items[0].ts_ns)
    for item in items:
        desk.loop.step(item)
    records = desk.ledger.read(0, 1_000_000)
    fills = [record for record in records if isinstance(record.event, OrderFilled)]
    assert len(fills) > 100
    bad_moments = {(names[token], venue_ms * 10**6) for token, venue_ms in crossed}
    for record in fills:
        assert isinstance(record.event, OrderFilled)
        at = (record.event.symbol, record.ts_ns)
        assert at not in bad_moments
        assert not any(began <= record.ts_ns < ended for began, ended in ends[record.event.symbol])
    told = [r.event for r in records if isinstance(r.event, BookStateChanged)]
    assert bool(told) == bool(crossed)
    assert {event.reason for event in told} <= {"bid and ask cross"}


def symbol_of(token: str, listed: MarketSeen, path: Path) -> str:
    """Return the symbol of a token: by its outcome where the file names it, else its digits."""
    with lzma.open(path, "rt") as text:
        row = next(row for row in csv.DictReader(text) if row["asset_id"] == token)
    label = row.get("outcome_name", "").upper() or "T" + token[:8]
    return next((one for one in listed.market.symbols if one.endswith(":" + label)), "")


def doubtful_spans(items: list[Any]) -> dict[str, list[tuple[int, int]]]:
    """Return by symbol when its book was no live one."""
    spans: dict[str, list[tuple[int, int]]] = {}
    since: dict[str, int] = {}
    for item in items:
        if isinstance(item, BookSeen):
            spans.setdefault(item.symbol, [])
            if item.state != "live":
                since.setdefault(item.symbol, item.ts_ns)
            elif item.symbol in since:
                spans[item.symbol].append((since.pop(item.symbol), item.ts_ns))
    for symbol, began in since.items():
        spans[symbol].append((began, 2**62))
    return spans


def write(folder: Path, *rows: str) -> Path:
    """Write rows below the header; each begins with the token."""
    folder.mkdir(exist_ok=True)
    path = folder / "changes.csv"
    lines = [f"a-game,{row}" for row in rows]
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


def whole(token: str, bid: str, ask: str, ms: int) -> list[str]:
    """Return the rows of a whole book of one level per side."""
    return [
        f"{token},7,book,{ask},ask,10.0,h{ms},{ms}",
        f"{token},7,book,{bid},bid,20.0,h{ms},{ms}",
    ]


@pytest.mark.parametrize(
    ("rows", "states", "malformed"),
    [
        ([f"{UP},7,price_change,0.45,bid,5.0,x,2000"], ["live", "live"], 0),
        ([f"{UP},7,price_change,0.60,bid,5.0,x,2000"], ["live", "gap"], 0),
        ([f"{UP},7,price_change,0.45,bid,NaN,x,2000"], ["live", "gap"], 1),
        ([f"{UP},7,price_change,0.45,HOLD,5.0,x,2000", f"{UP},7,price_change,0.4,bid,1,y,2001"],
         ["live", "gap"], 1),
        ([f"{UP},7,price_change,0.45,bid,5.0,x,2000", f"{UP},7,price_change,0.44,bid,5.0,y,1999"],
         ["live", "live", "gap"], 0),
        ([f"{UP},7,price_change,0.45,bid,5.0,x,999"], ["live"], 0),
        ([f"{UP},7,price_change,0.60,bid,5.0,x,2000", *whole(UP, "0.6", "0.7", 3_000)],
         ["live", "gap", "live"], 0),
        ([f"{DOWN},7,price_change,0.45,bid,5.0,x,2000"], ["live"], 0),
    ],
)  # fmt: skip
def test_what_cannot_be_believed_is_a_gap_until_it_comes_whole(
    tmp_path: Path, rows: list[str], states: list[str], malformed: int
) -> None:
    """A crossing, a bad number, a bad row, a change out of order; what is older changes nothing."""
    path = write(tmp_path / "in", *whole(UP, "0.40", "0.50", 1_000), *rows)
    recording = Recording(import_data(path, tmp_path / "market"))
    books = [item for _, item in recording.items() if isinstance(item, BookSeen)]
    assert [book.state for book in books] == states
    report = recording.manifest.meta["import_report"]
    assert report["malformed_rows"] == malformed
    assert describe(recording).breaks == states.count("gap")


def test_a_finer_grid_is_told_before_its_first_price(tmp_path: Path) -> None:
    """A price in thousandths is no error: the venue made the tick smaller."""
    path = write(
        tmp_path / "in", *whole(UP, "0.40", "0.50", 1_000),
        f"{UP},7,price_change,0.405,bid,5.0,x,2000",
    )  # fmt: skip
    items = [item for _, item in Recording(import_data(path, tmp_path / "m")).items()]
    kinds = [type(item) for item in items]
    assert kinds.index(InstrumentSeen) < len(kinds) - 1 - kinds[::-1].index(BookSeen)
    steps = [item.instrument.step_ticks for item in items if isinstance(item, InstrumentSeen)]
    assert steps == [10]


def test_simultaneous_games_are_one_stream(shared_data: Path, tmp_path: Path) -> None:
    """Files are merged by the venue's time; outcomes are called by their names."""
    game = file_of(shared_data, "20250701_mlb-det-wsh")
    names = game.parent / "market_metadata_20250701.csv"
    other = file_of(shared_data, "20250624_mlb-pit-mil")
    folder = tmp_path / "games"
    folder.mkdir()
    for path in (game, names, other):
        (folder / path.name).symlink_to(path)
    items = [item for _, item in Recording(import_data(folder, tmp_path / "market")).items()]
    assert [item.ts_ns for item in items] == sorted(item.ts_ns for item in items)
    outcomes = {item.market.outcomes for item in items if isinstance(item, MarketSeen)}
    assert ("TIGERS", "NATIONALS") in outcomes or ("NATIONALS", "TIGERS") in outcomes
    assert len(outcomes) == 2


def test_a_table_of_another_kind_is_named(tmp_path: Path) -> None:
    """Nothing is left out in silence."""
    path = write(tmp_path / "in", *whole(UP, "0.40", "0.50", 1_000))
    (path.parent / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InvalidInputError, match=r"other\.csv"):
        import_data(path.parent, tmp_path / "market")
