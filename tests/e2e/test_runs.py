"""Whole runs in processes of their own: two processes, good stops, equal runs, one bot a folder."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.bots import bot, papertape, summary_of, wait_for

from papertape.model.events import CommandTaken, OrderFilled, RunStarted, RunStopped
from papertape.services.tape_view import TapeView
from papertape.strategies.registry import BY_DEFAULT, SHIPPED
from papertape.tape.command_channel import Command, send_command
from papertape.tape.follow import LedgerReader

pytestmark = pytest.mark.slow
STOP_S_MAX = 3.0
SHORT = ("--speed", "max", "--duration", "200s", "--seed", "11")


def fold(reader: LedgerReader, view: TapeView) -> TapeView:
    """Bring a view up to the newest record, as the dashboard does."""
    while records := reader.read(view.seq):
        for record in records:
            view.apply(record)
    return view


def test_a_bot_and_a_reader_in_two_processes(tmp_path: Path) -> None:
    """A fill is seen by another process while the bot runs; both fold to the same state."""
    data_dir = tmp_path / "data"
    reader, view = LedgerReader(data_dir / "papertape.db"), TapeView()
    with bot("--speed", "200", data_dir=data_dir) as child:
        wait_for(lambda: fold(reader, view).trades.fills)
        assert child.poll() is None
        lively = view.seq
        wait_for(lambda: fold(reader, view).seq > lively)
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=STOP_S_MAX) == 0
    fold(reader, view)
    assert view.stopped == RunStopped(reason="SIGTERM received")
    whole = fold(reader, TapeView())
    assert whole.digest() == view.digest()
    books = view.portfolio.accounts
    totals = table_totals(data_dir, view.account)
    assert totals == (view.trades.fills, books.fees_micros, books.realized_micros)
    scores = view.strategies.scores.values()
    assert sum(score.realized_micros for score in scores) == books.realized_micros
    assert sum(score.fees_micros for score in scores) == books.fees_micros
    state = json.loads((data_dir / "portfolio_state.json").read_text())
    assert state["as_of_seq"] == view.seq
    assert state["summary"]["cash"] == books.cash_micros / 1_000_000
    trades = json.loads((data_dir / "trades.json").read_text())
    listed = trades["trades"] if isinstance(trades, dict) else trades
    assert listed[0]["seq"] == view.trades.get_recent_trades(1)[0]["seq"]
    reader.close()


def table_totals(data_dir: Path, account: str) -> tuple[int, int, int]:
    """Return fills, fees and realised gains as the trades table has them."""
    uri = f"{(data_dir / 'papertape.db').as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True)
    try:
        row = connection.execute(
            "SELECT coalesce(sum(kind = 'fill'), 0), coalesce(sum(fee_micros), 0),"
            " coalesce(sum(realized_micros), 0) FROM trades WHERE account = ?",
            (account,),
        ).fetchone()
    finally:
        connection.close()
    return (row[0], row[1], row[2])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("speed", ["1", "max"])
def test_it_stops_in_good_order(tmp_path: Path, number: signal.Signals, speed: str) -> None:
    data_dir = tmp_path / "data"
    reader = LedgerReader(data_dir / "papertape.db")
    with bot("--speed", speed, "--json", data_dir=data_dir) as child:
        wait_for(lambda: reader.head_seq() > 30)
        began = time.monotonic()
        child.send_signal(number)
        code = child.wait(timeout=30)
        took_s = time.monotonic() - began
        summary = json.loads(child.communicate()[0])
    assert code == 0
    assert took_s < STOP_S_MAX
    assert summary["seq"] == reader.head_seq()
    last = reader.record(reader.head_seq())
    assert last is not None
    assert last.event == RunStopped(reason=f"{number.name} received")
    reader.close()
    assert papertape("verify", data_dir=data_dir).returncode == 0


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Return a finished short run and its summary."""
    data_dir = tmp_path_factory.mktemp("first") / "data"
    return data_dir, summary_of(*SHORT, data_dir=data_dir)


@pytest.mark.parametrize("pure", ["0", "1"], ids=["as installed", "plain Python"])
def test_the_same_seed_gives_the_same_hash(
    tmp_path: Path, first: tuple[Path, dict[str, Any]], pure: str
) -> None:
    again = summary_of(*SHORT, data_dir=tmp_path / "data", PAPERTAPE_PURE=pure)
    differing = {"run_id", "events_per_s"}
    assert {k: v for k, v in again.items() if k not in differing} == {
        k: v for k, v in first[1].items() if k not in differing
    }
    assert again["trades"] > 0


def test_another_seed_gives_another_hash(
    tmp_path: Path, first: tuple[Path, dict[str, Any]]
) -> None:
    other = summary_of(*SHORT[:-1], "12", data_dir=tmp_path / "data")
    assert other["state_hash"] != first[1]["state_hash"]


def test_a_run_is_told_again_and_verified(first: tuple[Path, dict[str, Any]]) -> None:
    data_dir, summary = first
    for command in (("replay", "last"), ("replay", summary["run_id"]), ("verify",)):
        done = papertape(*command, "--json", data_dir=data_dir)
        assert done.returncode == 0, done.stdout
        report = json.loads(done.stdout)
        assert report["ok"] is True
        assert report["state_hash"] == summary["state_hash"]


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    before = summary_of(*SHORT, data_dir=data_dir)
    reader = LedgerReader(data_dir / "papertape.db")
    old = fold(reader, TapeView())
    after = summary_of(*SHORT, data_dir=data_dir)
    assert after["trades"] >= before["trades"]
    records = reader.read(old.seq, 5)
    started = records[0].event
    assert isinstance(started, RunStarted)
    assert (started.fresh, started.number) == (False, 2)
    held = dict(old.portfolio.accounts.positions)
    new = fold(reader, TapeView())
    assert new.portfolio.accounts.initial_micros == old.portfolio.accounts.initial_micros
    assert new.trades.fills > old.trades.fills
    rows = [row["id"] for row in new.trades.get_recent_trades(10_000)]
    assert len(set(rows)) == len(rows)
    assert {row["id"] for row in old.trades.get_recent_trades(10_000)} <= set(rows)
    closed = {
        record.event.symbol
        for record in reader.read(old.seq, 100_000)
        if isinstance(record.event, OrderFilled) and record.event.side == "SELL"
    }
    settled = {
        row["symbol"] for row in new.trades.get_recent_trades(10_000) if row["side"] == "SETTLE"
    }
    still = {symbol for _, symbol in new.portfolio.accounts.positions}
    assert {symbol for _, symbol in held} <= closed | settled | still
    reader.close()
    for command in (("verify",), ("replay", "last")):
        assert papertape(*command, data_dir=data_dir).returncode == 0


def test_a_close_and_a_pause_stand_on_the_tape_and_outlive_a_restart(tmp_path: Path) -> None:
    """A person's words: carried out by the bot, kept by the next one, told again by `replay`."""
    data_dir = tmp_path / "data"
    state = data_dir / "portfolio_state.json"

    def held() -> str:
        found = json.loads(state.read_text())["positions"] if state.exists() else []
        return found[0]["symbol"] if found else ""

    with bot("--seed", "3", data_dir=data_dir) as running:
        symbol = wait_for(held)
        closed = send_command(data_dir, Command("c1", "close", symbol))
        assert (closed.ok, "sold" in closed.message) == (True, True), closed.message
        assert send_command(data_dir, Command("c2", "pause", "momentum")).ok
        assert not send_command(data_dir, Command("c3", "close", "nothing of this name")).ok
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=30) == 0
    for command in (("verify",), ("replay", "last")):
        done = papertape(*command, data_dir=data_dir)
        assert done.returncode == 0, done.stdout
    summary_of("--speed", "max", "--duration", "60s", "--seed", "3", data_dir=data_dir)
    reader = LedgerReader(data_dir / "papertape.db")
    view = fold(reader, TapeView())
    assert view.strategies.scores["momentum"].status == "paused"
    taken = [record.event for record in reader.read(0, 100_000)
             if isinstance(record.event, CommandTaken)]  # fmt: skip
    assert [event.action for event in taken] == ["close", "pause", "close"]
    reader.close()


def test_a_second_bot_on_the_folder_is_told_so(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    reader = LedgerReader(data_dir / "papertape.db")
    with bot(data_dir=data_dir) as child:
        wait_for(reader.head_seq)
        done = papertape("run", "--duration", "1s", data_dir=data_dir)
        assert done.returncode == 3
        assert "already runs" in done.stderr
        assert "Traceback" not in done.stderr
        assert child.poll() is None
    reader.close()


def test_one_byte_of_the_ledger_that_changed_is_found(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    summary_of("--speed", "max", "--duration", "60s", data_dir=data_dir)
    path = data_dir / "papertape.db"
    whole = path.read_bytes()
    at = whole.rfind(b'"quantity_lots":') + len(b'"quantity_lots":')
    for offset in (at, len(whole) // 2):
        path.write_bytes(whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :])
        done = papertape("verify", data_dir=data_dir)
        assert done.returncode in (1, 5), done.stdout
        assert "Traceback" not in done.stderr
        if offset == at:
            assert done.returncode == 1, done.stdout
    path.write_bytes(whole)
    assert papertape("verify", data_dir=data_dir).returncode == 0


ASKED_FOR = tuple(
    name
    for name in SHIPPED
    if name not in BY_DEFAULT and name != "cross_venue_arbitrage"  # the simulator has one venue
)


@pytest.mark.parametrize(
    ("names", "market_time"),
    [(BY_DEFAULT, "900s"), (ASKED_FOR, "3000s")],
    ids=["by default", "asked for"],
)
def test_every_shipped_strategy_trades_on_the_simulated_feed_and_closes(
    tmp_path: Path, names: tuple[str, ...], market_time: str
) -> None:
    data_dir = tmp_path / "data"
    chosen = ("--strategies", ",".join(names), "--duration", market_time)
    summary_of("--speed", "max", *chosen, data_dir=data_dir)
    reader = LedgerReader(data_dir / "papertape.db")
    view = fold(reader, TapeView())
    reader.close()
    for name in names:
        score = view.strategies.scores[name]
        assert score.trades > 0, name
        assert score.trips > 0, name
    if "arbitrage" in names:
        assert view.activity.skips_by_test.get("fees")
    assert not [a for a in view.activity.alerts if a["severity"] == "error"]
