"""`papertape run --feed live`: on paper, on the venue's data alone, and it says when that fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.e2e.bots import papertape, summary_of
from tests.feeds.live.desk import frames_of, market_of

from papertape.model.events import (
    EquityMarked,
    FeedStateChanged,
    InstrumentListed,
    MarketListed,
    RunStarted,
    VenueClockMeasured,
)
from papertape.model.market_data import BookSeen
from papertape.tape.follow import LedgerReader
from papertape.tape.recording import Recording
from papertape.testing.polymarket_server import PolymarketServer

pytestmark = pytest.mark.slow

SLUG = "btc-updown-5m-1776323400"
LIVE = ("--feed", "live", "--markets", SLUG, "--strategies", "momentum", "--duration", "2s")


def addresses(server: PolymarketServer) -> dict[str, str]:
    """Return the environment that points a bot at this server."""
    return {
        "PAPERTAPE__LIVE__GAMMA_URL": server.gamma_url,
        "PAPERTAPE__LIVE__CLOB_URL": server.clob_url,
        "PAPERTAPE__LIVE__WS_URL": server.ws_url,
    }


def events(data_dir: Path) -> list[Any]:
    """Return everything on the tape."""
    reader = LedgerReader(data_dir / "papertape.db")
    try:
        return [record.event for record in reader.read(0, 100_000)]
    finally:
        reader.close()


def test_a_live_run_is_paper_on_real_data_alone(shared_data: Path, tmp_path: Path) -> None:
    """Mode, account, recording and every instrument say so; nothing simulated is in it."""
    frames = frames_of(shared_data, SLUG, 400)
    data_dir = tmp_path / "data"
    with PolymarketServer([market_of(frames)], frames, speed=50.0) as server:
        summary = summary_of(*LIVE, data_dir=data_dir, **addresses(server))
    assert summary["mode"] == "PAPER"
    told = events(data_dir)
    started = [event for event in told if isinstance(event, RunStarted)]
    assert [(one.account, one.feed, one.mode) for one in started] == [
        ("paper", "polymarket", "PAPER")
    ]
    listed = [event.instrument for event in told if isinstance(event, InstrumentListed)]
    assert {one.venue for one in listed} == {"polymarket"}
    assert {one.fees.taker_ppm for one in listed} == {70_000}
    assert [event.market.outcomes for event in told if isinstance(event, MarketListed)]
    states = [event.state for event in told if isinstance(event, FeedStateChanged)]
    assert states[:2] == ["stale", "live"], "not live before it has connected"
    assert any(isinstance(event, VenueClockMeasured) for event in told)
    recording = Recording(data_dir / "market" / started[0].market_data)
    assert recording.manifest.source == "polymarket"
    books = [item for _, item in recording.items() if isinstance(item, BookSeen)]
    assert len(books) > 50
    assert all(book.symbol.startswith(f"polymarket:{SLUG}:") for book in books)
    for words in (("verify",), ("replay", "last")):
        done = papertape(*words, data_dir=data_dir)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_venue_that_is_away_leaves_an_empty_desk(tmp_path: Path) -> None:
    """No other source steps in: no instrument, no book, no order; the feed is stale, and said."""
    nowhere = dict.fromkeys(("GAMMA_URL", "CLOB_URL"), "http://127.0.0.1:9")
    env = {f"PAPERTAPE__LIVE__{name}": address for name, address in nowhere.items()}
    env["PAPERTAPE__LIVE__WS_URL"] = "ws://127.0.0.1:9"
    data_dir = tmp_path / "data"
    summary = summary_of(*LIVE, data_dir=data_dir, **env)
    assert (summary["mode"], summary["signals"], summary["trades"]) == ("PAPER", 0, 0)
    told = events(data_dir)
    assert not [event for event in told if isinstance(event, InstrumentListed | MarketListed)]
    states = [event.state for event in told if isinstance(event, FeedStateChanged)]
    assert states == ["stale", "ended"]
    marks = [event for event in told if isinstance(event, EquityMarked)]
    assert all(mark.value_micros == mark.cash_micros for mark in marks)


def test_a_market_that_is_not_there_is_named(shared_data: Path, tmp_path: Path) -> None:
    """A misspelt slug ends the run at once, with the reason."""
    frames = frames_of(shared_data, SLUG, 1)
    with PolymarketServer([market_of(frames)], frames) as server:
        done = papertape(
            "run", "--feed", "live", "--markets", "no-such-market",
            data_dir=tmp_path / "data", **addresses(server),
        )  # fmt: skip
    assert done.returncode == 5
    assert "no open market matches no-such-market" in done.stderr
    assert "Traceback" not in done.stderr
