"""`papertape data record`: what arrived and what it means are kept, and are the same story."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from array import array
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.e2e.bots import papertape
from tests.feeds.live.desk import (
    closing,
    frames_of,
    last_book,
    levels,
    live_feed,
    market_of,
    told,
    true_levels,
)
from tests.feeds.live.test_run import addresses

from papertape.errors import WorldError
from papertape.feeds.describe import describe, describe_raw
from papertape.feeds.importers import import_data
from papertape.feeds.outbox import FULL, Outbox
from papertape.feeds.polymarket.intake import renormalised
from papertape.feeds.polymarket.messages import FrameReader
from papertape.model.market_data import BookSeen, MarketData, MarketResolvedSeen
from papertape.tape.raw_capture import RawEntry, RawReader, RawWriter, raw_files
from papertape.tape.recording import Recording
from papertape.testing.polymarket_script import Faults, Frame
from papertape.testing.polymarket_server import PolymarketServer

SLUG = "btc-updown-5m-1776323400"
UP = f"polymarket:{SLUG}:UP"
COUNT = 100
FAULTS = {
    "clean": Faults(),
    "storm": Faults(disconnect={20, 60}, duplicate={30, 31}, drop={45, 46, 70}),
    "garbage": Faults(truncate={30}, wrong_schema={50}, tick_change={65: "0.001"}),
    "silent": Faults(silent_from=40),
}


@pytest.fixture(scope="module")
def frames(shared_data: Path) -> list[Frame]:
    """Return the first books of one market."""
    return frames_of(shared_data, SLUG, COUNT)


def plain(items: list[MarketData]) -> list[object]:
    """Return items as plain values."""
    return [(type(item).__name__, *map(listed, msgspec.structs.astuple(item))) for item in items]


def listed(value: object) -> object:
    """Return levels as a list, whatever holds them."""
    return list(value) if isinstance(value, memoryview | array) else value


@pytest.mark.parametrize("as_changes", [False, True], ids=["books", "changes"])
@pytest.mark.parametrize("name", FAULTS)
def test_raw_folded_again_is_what_was_told(
    frames: list[Frame], tmp_path: Path, name: str, as_changes: bool
) -> None:
    """Item by item, with times, states and reasons, whatever went wrong, to the payout."""
    given = FAULTS[name]
    faults = Faults(**{key: getattr(given, key) for key in vars(given)})
    ends = datetime.now(UTC) + timedelta(seconds=60)
    market = market_of(frames, endDate=ends.isoformat())
    tokens = json.loads(market["clobTokenIds"])
    paid = {
        "event_type": "market_resolved", "market": market["conditionId"], "assets_ids": tokens,
        "winning_asset_id": tokens[0], "timestamp": "1",
    }  # fmt: skip
    raw = RawWriter(tmp_path / "raw", file_bytes=20_000)
    with PolymarketServer([market], frames, faults=faults, as_changes=as_changes) as server:
        feed = live_feed(server, SLUG, raw=raw, outbox=Outbox(keep_every_book=FULL))

        def enough(items: list[MarketData]) -> bool:
            book = last_book(items, UP) if server.done.is_set() else None
            right = book is not None and book.state == "live"
            if book is not None and right and levels(book) == true_levels(frames[-1]):
                server.done.clear()
                server.tell(paid)
            return isinstance(items[-1], MarketResolvedSeen)

        with closing(feed):
            items = told(feed, enough)
    raw.close()
    again = list(renormalised(RawReader(raw_files(tmp_path / "raw")).entries(), FrameReader()))
    assert plain(again[: len(items)]) == plain(items)
    assert len(again) - len(items) <= 3, "what was told after the reader had heard enough"
    assert len(raw_files(tmp_path / "raw")) >= 1
    recording = Recording(import_data(tmp_path / "raw", tmp_path / "market"))
    assert plain([item for _, item in recording.items()]) == plain(again)


def test_a_capture_is_cut_into_files_and_read_in_order(tmp_path: Path) -> None:
    """Any text comes back; files begin anew when they are full."""
    texts = ["", "a\nb", "€ \u2028 \x00", "x" * 300_000, *(str(n) * 50 for n in range(3_000))]
    writer = RawWriter(tmp_path / "raw", file_bytes=1_000, flush_s=0.01)
    for n, text in enumerate(texts):
        writer.note(RawEntry(n, "v", "frame", "c", text))
        if n % 1_000 == 0:
            time.sleep(0.03)
    writer.close()
    writer.close()
    paths = raw_files(tmp_path / "raw")
    assert len(paths) > 2
    reader = RawReader(paths)
    assert [entry.body for entry in reader.entries()] == texts
    assert not reader.torn
    with pytest.raises(WorldError, match="captured here already"):
        RawWriter(tmp_path / "raw")
    paths[0].write_bytes(b"\x1f\x8b garbage" + paths[0].read_bytes())
    with pytest.raises(WorldError, match="cannot be read"):
        list(RawReader(paths).entries())


def test_a_torn_end_is_read_up_to_the_tear(tmp_path: Path) -> None:
    """Cut at any byte: what is whole before it is there, and the rest is said to be missing."""
    writer = RawWriter(tmp_path / "raw", flush_s=0.01)
    for n in range(50):
        writer.note(RawEntry(n, "v", "frame", "c", f"body {n}"))
        if n % 10 == 9:
            time.sleep(0.04)
    writer.close()
    path = raw_files(tmp_path / "raw")[0]
    body = path.read_bytes()
    known = 0
    for size in range(0, len(body), 7):
        path.write_bytes(body[:size])
        entries = list(RawReader([path]).entries())
        assert [entry.ns for entry in entries] == list(range(len(entries)))
        assert len(entries) >= known
        known = len(entries)
    assert known >= 40


@pytest.mark.slow
def test_a_killed_recorder_leaves_a_readable_recording(
    frames: list[Frame], shared_data: Path, tmp_path: Path
) -> None:
    """kill -9: raw and normalised read, replay and are described; a second recorder goes on."""
    many = frames_of(shared_data, SLUG, 600)
    data_dir = tmp_path / "data"
    words = [sys.executable, "-m", "papertape.cli", "data", "record", "--markets", SLUG]
    with PolymarketServer([market_of(many)], many, speed=10.0) as server:
        env = {**os.environ, **addresses(server), "PAPERTAPE_DATA_DIR": str(data_dir)}
        process = subprocess.Popen(
            words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=tmp_path
        )
        try:
            end = time.monotonic() + 30.0
            while time.monotonic() < end:
                folders = [p.parent for p in (data_dir / "market").glob("live-*/manifest.json")]
                if folders and Recording(folders[0]).manifest.rows > 50:
                    break
                time.sleep(0.1)
            assert folders, process.stderr.read() if process.stderr else ""
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        folder = folders[0]
        facts = describe(Recording(folder))
        assert not facts.sealed
        assert facts.counts["book"] > 20
        assert facts.raw is not None
        assert facts.raw.entries["frame"] > 20
        told_then = [item for _, item in Recording(folder).items()]
        imported = Recording(import_data(folder / "raw", tmp_path / "market"))
        again = [item for _, item in imported.items()]
        shorter = min(len(told_then), len(again))
        assert shorter > 50
        assert plain(again[:shorter]) == plain(told_then[:shorter])
        done = papertape(
            "data", "record", "--markets", SLUG, "--for", "1500ms", "--json",
            data_dir=data_dir, **addresses(server),
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["raw_entries"] > 3
    assert Recording(Path(summary["folders"][0])).manifest.sealed
    assert describe_raw(Path(summary["folders"][0]) / "raw") is not None
    assert not (data_dir / "papertape.db").exists(), "recording needs no ledger"
    shown = papertape("data", "info", str(folder), data_dir=data_dir)
    assert "Raw, as it arrived" in shown.stdout
    replayed = papertape(
        "run", "--feed", "replay", "--data", str(folder / "raw"), "--speed", "max", "--json",
        data_dir=tmp_path / "replayed",
    )  # fmt: skip
    assert replayed.returncode == 0, replayed.stderr
    assert json.loads(replayed.stdout)["events"] > 50
    assert isinstance(last_book(again, UP), BookSeen)
