"""Polymarket's book messages: taken exactly, verified by hash, malformed ones counted."""

import json
import lzma
from hashlib import sha1
from pathlib import Path

import pytest

from papertape.clock import NS_PER_S, ManualClock
from papertape.errors import InvalidInputError, WorldError
from papertape.feeds.describe import describe
from papertape.feeds.importers import import_data
from papertape.feeds.replay import ReplayFeed
from papertape.model.market_data import (
    BookSeen,
    FeedStateSeen,
    InstrumentSeen,
    MarketResolvedSeen,
    MarketSeen,
    MarketStateSeen,
)
from papertape.tape.recording import Recording

START_S = 1_776_323_400
SLUG = f"btc-updown-5m-{START_S}"
TOKEN = "98879333153580861799018681648381139364382622074357239010764368082362737328219"
OTHER = "74701087075247551430598743586978439006787238610582008769557958740730804079538"
BIDS = [("0.01", "10924.61"), ("0.46", "100"), ("0.47", "5.129")]
ASKS = [("0.99", "7"), ("0.5", "12.5"), ("0.48", "250")]


def line(recv="1776323404.7760892", token=TOKEN, tick="0.01", ltp="0.480", ts="1776323404879",
         bids=BIDS, asks=ASKS, **changed):  # fmt: skip
    """Return a line as the capture writes it, with the hash that the venue would send."""
    book = {
        "market": "0x9bf1",
        "asset_id": token,
        "timestamp": ts,
        "hash": "",
        "bids": [{"price": price, "size": size} for price, size in bids],
        "asks": [{"price": price, "size": size} for price, size in asks],
    }
    rest = {"min_order_size": "5", "tick_size": tick, "neg_risk": False, "last_trade_price": ltp}
    text = json.dumps({**book, **rest}, separators=(",", ":"))
    message = {**book, "hash": sha1(text.encode()).hexdigest(), "event_type": "book", **changed}
    body = json.dumps(message, separators=(",", ":"))
    return f'{{"recv":{recv},"slug":"{SLUG}","tick":"{tick}","ltp":"{ltp}","msg":{body}}}'


def written(folder: Path, lines, payouts=None) -> Path:
    folder.mkdir(exist_ok=True)
    with lzma.open(folder / "books.jsonl.xz", "wt") as out:
        out.write("\n".join(lines) + "\n")
    if payouts is not None:
        head = "slug,asset_id,payout_inferred_from_final_book\n"
        rows = "".join(f"{SLUG},{token},{paid}\n" for token, paid in payouts.items())
        (folder / "markets.csv").write_text(head + rows)
    return folder


def imported(tmp_path, lines, payouts=None):
    folder = import_data(written(tmp_path / "source", lines, payouts), tmp_path / "market")
    recording = Recording(folder)
    assert recording.manifest.sealed and recording.verify() == []
    return [item for _, item in recording.items()], recording.manifest.meta["import_report"]


def test_a_book_becomes_integers_best_first_and_sizes_are_cut_to_the_lot(tmp_path):
    items, report = imported(tmp_path, [line()])
    book = next(i for i in items if isinstance(i, BookSeen))
    assert list(book.bid_ticks) == [4700, 4600, 100]
    assert list(book.bid_lots) == [512, 10_000, 1_092_461]
    assert list(book.ask_ticks) == [4800, 5000, 9900]
    assert list(book.ask_lots) == [25_000, 1_250, 700]
    assert book.ts_ns == 1_776_323_404_776_089_200
    assert book.venue_ts_ns == 1_776_323_404_879_000_000
    assert book.symbol == f"polymarket:{SLUG}:T98879333"
    assert book.state == "live"
    assert (report["rows"], report["malformed_rows"], report["unverified"]) == (1, 0, 0)


def test_the_market_is_listed_with_its_dated_fee_and_ends_when_its_slug_says(tmp_path):
    items, _ = imported(tmp_path, [line(), line(token=OTHER, recv="1776323405.5")])
    listed = next(i for i in items if isinstance(i, MarketSeen))
    assert listed.market.symbols == tuple(i.symbol for i in listed.instruments)
    assert listed.market.outcomes == ("T98879333", "T74701087")
    assert listed.market.end_ns == (START_S + 300) * NS_PER_S
    assert listed.market.mirrored
    assert {i.fees.taker_ppm for i in listed.instruments} == {72_000}
    assert {i.step_ticks for i in listed.instruments} == {100}
    states = [(i.state, i.ts_ns) for i in items if isinstance(i, MarketStateSeen)]
    assert states == [("trading", listed.ts_ns), ("closed", listed.market.end_ns)]
    assert [i.state for i in items if isinstance(i, FeedStateSeen)] == ["live", "ended"]
    assert [i.ts_ns for i in items] == sorted(i.ts_ns for i in items)


@pytest.mark.parametrize(
    ("payouts", "paid"),
    [
        ({TOKEN: "1", OTHER: ""}, (1_000_000, 0)),
        ({OTHER: "1"}, (0, 1_000_000)),
        ({TOKEN: "0", OTHER: "1"}, (0, 1_000_000)),
        ({TOKEN: "", OTHER: ""}, None),
        ({TOKEN: "1", OTHER: "1"}, None),
        (None, None),
    ],
)
def test_a_market_resolves_only_where_the_payout_is_known(tmp_path, payouts, paid):
    late_s = START_S + 320
    lines = [line(), line(token=OTHER, recv="1776323405"), line(recv=f"{late_s}.5", ts="1")]
    items, report = imported(tmp_path, lines, payouts)
    resolved = [i for i in items if isinstance(i, MarketResolvedSeen)]
    assert [i.payouts_micros for i in resolved] == ([] if paid is None else [paid])
    assert report["resolved"] == len(resolved)
    if resolved:
        assert resolved[0].ts_ns > late_s * NS_PER_S  # not before the last book
    closed = [i for i in items if isinstance(i, MarketStateSeen) and i.state == "closed"]
    assert [i.ts_ns for i in closed] == [(START_S + 300) * NS_PER_S]


def test_a_tick_change_is_told_before_the_book_that_needs_it(tmp_path):
    fine = line(tick="0.001", recv="1776323500", ts="2", asks=[("0.995", "10")], bids=[])
    items, report = imported(tmp_path, [line(), fine])
    changed = next(n for n, i in enumerate(items) if isinstance(i, InstrumentSeen))
    assert items[changed].instrument.step_ticks == 10
    assert list(items[changed + 1].ask_ticks) == [9950]
    assert list(items[changed + 1].bid_ticks) == []
    assert report["malformed_rows"] == 0


def test_a_book_whose_hash_does_not_reproduce_is_marked_never_trusted(tmp_path):
    items, report = imported(tmp_path, [line(hash="0" * 40), line(recv="1776323405", ts="3")])
    assert [i.state for i in items if isinstance(i, BookSeen)] == ["unverified", "live"]
    assert report["unverified"] == 1


BROKEN = {
    "not JSON": ['{"recv":1776323404,', "garbage", '{"recv":NaN}'],
    "fields missing or of the wrong type": ["{}", "[]", "1", line(bids=[]).replace("bids", "bid")],
    "not a book message": [line(event_type="price_change")],
    "levels of the wrong type": [
        line().replace('"bids":[', '"bids":["x",'),
        line().replace('{"price":"0.48","size":"250"}', '{"price":0.48,"size":"250"}'),
    ],
    "bad number: not a plain decimal number": [
        line(bids=[("0.4e0", "1")]),
        line(bids=[("0.40", "NaN")]),
        line(bids=[("0.40", "-5")]),
        line(ts="soon"),
    ],
    "bad number: a price off the tick": [line(bids=[("0.405", "1")])],
    "bad number: a price outside 0 to 1": [line(asks=[("1", "1")]), line(bids=[("0", "1")])],
    "bad number: finer than the grid": [line(bids=[("0.40001", "1")])],
    "bad number: the tick": [line(tick="0"), line(tick="abc"), line(tick="1")],
    "levels out of order": [line(bids=[("0.41", "1"), ("0.40", "1")])],
    "a price twice in one book": [line(bids=[("0.41", "1"), ("0.41", "1")])],
    "crossed book": [line(bids=[("0.48", "1")]), line(bids=[("0.60", "1")])],
    "no usable receive time": [line(recv='"x"'), line(recv="-5"), line(recv="1776320000")],
    "no usable market or token id": [line(token="abc"), line(token="")],
}


@pytest.mark.parametrize("reason", BROKEN)
def test_malformed_records_are_counted_by_reason_and_never_guessed(tmp_path, reason):
    bad = BROKEN[reason]
    good = [line(recv="1776323404"), line(recv="1776323500", ts="4")]
    lines = [good[0], *bad, good[1]]
    items, report = imported(tmp_path, lines)
    assert sum(isinstance(i, BookSeen) for i in items) == 2
    assert set(report["malformed"]) == {reason}
    found = report["malformed"][reason]
    assert found["count"] == len(bad) == report["malformed_rows"]
    assert found["first_at"] == [f"books.jsonl.xz:{n + 2}" for n in range(len(bad))]
    assert report["rows"] == 2 + len(bad)


def test_duplicates_and_late_records_are_counted(tmp_path):
    lines = [
        line(recv="1776323404"),
        line(recv="1776323404.5"),
        line(recv="1776323403", ts="5"),
    ]
    items, report = imported(tmp_path, lines)
    assert (report["duplicates"], report["late"], report["malformed_rows"]) == (1, 1, 0)
    books = [i for i in items if isinstance(i, BookSeen)]
    assert [b.ts_ns for b in books] == [1_776_323_404 * NS_PER_S] * 2


def test_an_import_is_made_once_and_named_after_its_content(tmp_path):
    source = written(tmp_path / "source", [line()])
    told = []
    first = import_data(source, tmp_path / "market", progress=lambda *done: told.append(done))
    assert told and told[-1][0] == told[-1][1] > 0
    stamp = (first / "manifest.json").stat().st_mtime_ns
    assert import_data(source, tmp_path / "market") == first
    assert import_data(source / "books.jsonl.xz", tmp_path / "market") == first
    assert (first / "manifest.json").stat().st_mtime_ns == stamp
    written(source, [line(), line(recv="1776323405", ts="6")])
    assert import_data(source, tmp_path / "market") != first
    assert import_data(first, tmp_path / "market") == first  # a recording is taken as it is
    assert {p.name for p in (tmp_path / "market").iterdir()} >= {first.name}
    assert not list((tmp_path / "market").glob(".importing-*"))


def test_what_cannot_be_imported_leaves_nothing_behind(tmp_path):
    market = tmp_path / "market"
    with pytest.raises(InvalidInputError, match="existing file"):
        import_data(tmp_path / "nowhere", market)
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InvalidInputError, match="or candles"):
        import_data(tmp_path / "notes.txt", market)
    with pytest.raises(InvalidInputError, match=r"not JSON \(2\)"):
        import_data(written(tmp_path / "junk", ["junk", "junk"]), market)
    cut = written(tmp_path / "cut", [line(recv=f"{1776323404 + n}", ts=str(n)) for n in range(50)])
    whole = (cut / "books.jsonl.xz").read_bytes()
    (cut / "books.jsonl.xz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WorldError, match=r"books\.jsonl\.xz: cannot be read"):
        import_data(cut, market)
    assert not market.exists() or list(market.iterdir()) == []


@pytest.fixture
def capture(shared_data):
    folder = shared_data / "polymarket_l2_btc5m"
    if not list(folder.glob("*.jsonl.xz")):
        pytest.skip(f"no capture of book messages in {folder}")
    return folder


def test_the_first_minutes_of_the_capture_verify(tmp_path, capture):
    with lzma.open(next(capture.glob("*.jsonl.xz")), "rt") as lines:
        head = [next(lines).rstrip("\n") for _ in range(2_500)]
    source = written(tmp_path / "source", head)
    (source / "markets.csv").write_bytes((capture / "markets.csv").read_bytes())
    recording = Recording(import_data(source, tmp_path / "market"))
    report = recording.manifest.meta["import_report"]
    assert report["rows"] == 2_500 and report["markets"] == 2
    assert report["malformed_rows"] == report["unverified"] == report["duplicates"] == 0
    replayed = ReplayFeed(recording, speed="max", clock=ManualClock())
    books = [i for i in replayed.items() if isinstance(i, BookSeen)]
    assert len(books) == 2_500
    for raw, book in zip(head, books, strict=True):
        told = json.loads(raw)["msg"]
        best = float(told["bids"][-1]["price"]) if told["bids"] else None
        assert (book.bid_ticks[0] / 10_000 if book.bid_ticks else None) == best
        assert len(book.ask_ticks) == len(told["asks"])


@pytest.mark.slow
def test_the_whole_capture(btc5m):
    facts = describe(Recording(btc5m))
    report = facts.import_report
    assert report["rows"] >= 134_427
    assert report["malformed_rows"] == report["unverified"] == report["late"] == 0
    assert facts.markets == facts.resolved == report["markets"] >= 38
    paid = [i for _, i in Recording(btc5m).items() if isinstance(i, MarketResolvedSeen)]
    assert all(set(i.payouts_micros) <= {0, 1_000_000} for i in paid)
    assert all(sum(i.payouts_micros) == 1_000_000 for i in paid if len(i.payouts_micros) == 2)
    assert 10 < sum(i.payouts_micros[0] == 1_000_000 for i in paid) < 38
