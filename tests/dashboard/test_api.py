"""The API on a ledger made of real events: shapes, totals, filters, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask import Flask
from tests.dashboard.conftest import Caller
from tests.dashboard.tapes import NO, YES, Tape, busy

from papertape.model.events import RunStopped
from papertape.services.tape_view import TapeView

READ = (
    "/api/portfolio", "/api/chart/allocation", "/api/chart/distribution", "/api/chart/cumulative",
    "/api/chart/pnl", "/api/chart/strategies", "/api/market/live", "/api/strategies/performance",
    "/api/trades", "/api/signals", "/api/alerts", "/api/status", "/api/health", "/api/csrf",
    "/api/journal/entries", "/openapi.json", "/api/export/trades", "/api/export/portfolio",
)  # fmt: skip
SUMMARY = {
    "cash", "total_value", "initial_balance", "total_return", "total_return_pct", "realized_pnl",
    "unrealized_pnl", "fees", "exposure", "positions_count", "trades_count", "max_drawdown_pct",
    "mode",
}  # fmt: skip
POSITION = {
    "symbol", "venue", "market", "outcome", "quantity", "avg_price", "current_price", "value",
    "pnl", "pnl_pct", "opened_at", "strategies",
}  # fmt: skip
MARKET = {
    "symbol", "venue", "market", "outcome", "bid", "ask", "bid_size", "ask_size", "last", "ts",
    "age_ms", "state", "source",
}  # fmt: skip
STRATEGY = {
    "strategy", "status", "signals", "refused", "trades", "wins", "losses", "win_rate",
    "realized_pnl", "unrealized_pnl", "fees", "avg_trade_pnl", "profit_factor", "sharpe",
    "max_drawdown_pct", "last_signal_at",
}  # fmt: skip


@pytest.mark.parametrize("path", READ)
def test_every_path_answers_before_there_is_a_ledger(page: Caller, path: str) -> None:
    answer = page.get(path)
    assert answer.status_code == 200
    if "export" not in path and path != "/openapi.json":
        body = answer.get_json()
        assert (body["ok"], body["as_of_seq"]) == (True, 0)


def test_before_the_first_run_nothing_is_invented(page: Caller) -> None:
    found = page.data("/api/portfolio")
    assert set(found["summary"].values()) == {None}
    assert found["positions"] == []
    assert page.data("/api/chart/allocation")["values"] == []
    status = page.data("/api/status")
    assert status["bot"]["state"] == "never"
    assert (status["mode"], status["equity"], status["feed"]["age_ms"]) == (None, None, None)


def test_totals_equal_the_ledger(page: Caller, tape: Tape) -> None:
    busy(tape)
    view = TapeView()
    for record in tape.ledger.read(0, 1_000):
        view.apply(record)
    books = tape.books
    summary = page.data("/api/portfolio")["summary"]
    assert summary["cash"] == books.cash_micros / 1e6
    assert summary["realized_pnl"] == books.realized_micros / 1e6
    assert summary["fees"] == books.fees_micros / 1e6
    value = 1.00 * 0.44 + 15.00 * 0.31
    assert summary["total_value"] == pytest.approx(books.cash_micros / 1e6 + value, abs=1e-9)
    assert summary["exposure"] == pytest.approx(value, abs=1e-9)
    scores = page.data("/api/strategies/performance")
    assert sum(row["trades"] for row in scores) == summary["trades_count"] == 5
    assert sum(row["realized_pnl"] for row in scores) == pytest.approx(summary["realized_pnl"])
    assert sum(row["fees"] for row in scores) == pytest.approx(summary["fees"])
    assert scores == json.loads(json.dumps(view_rows(view, page)))
    board = page.data("/api/chart/strategies")
    assert board["labels"] == [row["strategy"] for row in scores]
    listed = page.data("/api/trades?limit=1000")
    assert sum(row["fee"] for row in listed) == pytest.approx(summary["fees"])


def view_rows(view: TapeView, page: Caller) -> list[dict[str, object]]:
    """Return the scores of a fold of our own, marked at the quotes that the page has."""
    view.update_quotes(
        list(page.client.application.extensions["papertape"].follower.quotes.values())
    )
    return view.strategy_rows()


def test_shapes_of_the_contract(page: Caller, tape: Tape) -> None:
    busy(tape)
    found = page.data("/api/portfolio")
    assert set(found["summary"]) >= SUMMARY
    assert found["summary"]["mode"] == "SIMULATED"
    assert len(found["positions"]) == 2
    for row in found["positions"]:
        assert set(row) >= POSITION
    markets = page.data("/api/market/live")
    assert {row["symbol"] for row in markets} == {YES, NO}
    for row in markets:
        assert set(row) >= MARKET
    yes = page.data(f"/api/market/live?symbol={YES}")[0]
    assert (yes["bid"], yes["ask"], yes["bid_size"], yes["last"]) == (0.44, 0.46, 500.0, None)
    for row in page.data("/api/strategies/performance"):
        assert set(row) >= STRATEGY
    slices = page.data("/api/chart/allocation")
    assert slices["labels"][0] == "Cash"
    assert sum(slices["percents"]) == pytest.approx(100, abs=0.01)
    bins = page.data("/api/chart/distribution")
    assert sum(bins["values"]) == bins["wins"] + bins["losses"] + bins["breakeven"] == 1
    curve = page.data("/api/chart/cumulative")
    lengths = {len(curve[name]) for name in ("labels", "values", "equity", "drawdown_pct")}
    assert lengths == {2}
    assert curve["equity"][-1] == 9_990.0
    assert curve["drawdown_pct"][-1] == pytest.approx(0.1)
    daily = page.data("/api/chart/pnl")
    net = (tape.books.realized_micros - tape.books.fees_micros) / 1e6
    assert sum(daily["values"]) == pytest.approx(net)
    assert sum(page.data("/api/chart/pnl?by=hour")["values"]) == pytest.approx(net)


def test_cumulative_of_one_strategy_and_of_a_stretch(page: Caller, tape: Tape) -> None:
    busy(tape)
    curve = page.data("/api/chart/cumulative?strategy=momentum")
    assert curve["values"][-1] == pytest.approx(1.0 - 0.003)
    assert set(curve["equity"]) == {None}
    whole = page.data("/api/chart/cumulative")
    part = page.data(f"/api/chart/cumulative?from={whole['ts_ns'][-1]}")
    assert part["ts_ns"] == whole["ts_ns"][-1:]
    assert page.data(f"/api/chart/cumulative?to={whole['labels'][0]}")["ts_ns"] == [
        whole["ts_ns"][0]
    ]
    answer = page.get("/api/chart/cumulative?strategy=momentom")
    assert answer.status_code == 422
    assert "momentum" in answer.get_json()["error"]["message"]


def test_trades_page_through_without_gap_or_repeat(page: Caller, tape: Tape) -> None:
    for _ in range(11):
        tape.trade(lots=100)
    tape.trade("SELL", 300, 5_000)
    tape.settle()
    tape.flush()
    for sort in ("-time", "time"):
        seen: list[str] = []
        path = f"/api/trades?limit=4&sort={sort}"
        cursor = None
        while True:
            body = page.get(path + (f"&cursor={cursor}" if cursor else "")).get_json()
            seen += [row["id"] for row in body["data"]]
            cursor = body["next_cursor"]
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 13
        everything = [row["id"] for row in page.data(f"/api/trades?sort={sort}")]
        assert seen == everything
    assert [row["id"] for row in page.data("/api/trades?side=SELL&kind=fill")] == ["F12"]
    assert len(page.data("/api/trades?strategy=arbitrage")) == 0
    assert [row["kind"] for row in page.data("/api/trades?kind=settlement")] == ["settlement"]


def test_rows_of_table_and_live_line_are_the_same(app: Flask, page: Caller, tape: Tape) -> None:
    busy(tape)
    tape.trade("BUY", 500, 5_000, strategy="arbitrage")
    tape.merge(400)
    tape.settle()
    tape.flush()
    listed = page.data("/api/trades")
    live = app.extensions["papertape"].follower.view.trades.get_recent_trades(100)
    assert listed == json.loads(json.dumps(live))


def test_a_trade_with_everything_that_led_to_it(page: Caller, tape: Tape) -> None:
    busy(tape)
    tape.settle()
    tape.flush()
    found = page.data("/api/trades/F2")
    assert found["trade"]["id"] == "F2"
    assert found["signal"]["body"]["reason"] == "price rises"
    assert found["risk"]["decision"] == "passed"
    assert [row["body"]["order_id"] for row in found["orders"]] == ["O2"]
    assert [row["body"]["fill_id"] for row in found["fills"]] == ["F2"]
    assert found["market"]["price_ticks"] == 5_000
    assert [row["amount"] for row in found["cash"]] == [5.0, -0.001]
    settled = page.data("/api/trades?kind=settlement")[0]["id"]
    assert page.data(f"/api/trades/{settled}")["trade"]["id"] == settled
    for unknown in ("F999", "settled-1", "set-99999999999999999999", "' OR 1=1", "%00"):
        assert page.get(f"/api/trades/{unknown}").status_code == 404


def test_signals_with_their_reasons(page: Caller, tape: Tape) -> None:
    busy(tape)
    refused = page.data("/api/signals?state=refused")
    assert [(row["code"], row["reason"]) for row in refused] == [
        ("stale_book", "the book is 14 s old")
    ]
    assert [row["figure"] for row in page.data("/api/signals?state=skipped")] == ["0.2"]
    assert len(page.data("/api/signals?state=raised&strategy=momentum")) == 3


WRONG = [
    ("/api/trades?limit=0", "limit"), ("/api/trades?limit=1001", "limit"),
    ("/api/trades?limit=1e3", "limit"), ("/api/trades?limit=", "limit"),
    ("/api/trades?limit=%D9%A1", "limit"), ("/api/trades?limit=5&limit=6", "limit"),
    ("/api/trades?cursor=-1", "cursor"), ("/api/trades?cursor=x", "cursor"),
    ("/api/trades?side=buy", "side"), ("/api/trades?sort=price", "sort"),
    ("/api/trades?limt=5", "limt"), ("/api/chart/pnl?by=week", "by"),
    ("/api/chart/cumulative?points=1", "points"), ("/api/chart/cumulative?from=yesterday", "from"),
    ("/api/chart/cumulative?from=99999-01-01", "from"), ("/api/portfolio?x=1", "x"),
    ("/api/export/trades?format=xls", "format"), ("/api/signals?state=all", "state"),
    ("/api/market/live?symbol=%00", "symbol"), ("/api/market/live?state=dead", "state"),
    ("/api/journal/entries?q=" + "a" * 201, "q"), ("/api/trades?symbol=a%0Ab", "symbol"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "field"), WRONG)
def test_wrong_parameters_are_named(page: Caller, path: str, field: str) -> None:
    answer = page.get(path)
    assert answer.status_code == 422
    assert answer.get_json()["error"]["field"] == field


def test_status_knows_whether_the_bot_runs(page: Caller, tape: Tape) -> None:
    def bot() -> dict[str, object]:
        found: dict[str, object] = page.data("/api/status")["bot"]
        return found

    tape.flush()
    assert bot()["state"] == "silent"  # a run began, but nobody gave a sign of life
    tape.quote(4_400, 4_600)
    running = bot()
    assert (running["state"], running["pid"]) == ("running", 4242)
    assert page.data("/api/status")["feed"]["state"] == "live"
    assert page.get("/api/health").status_code == 200
    tape.board.put([], tape.heartbeat(age_ns=60 * 10**9))
    silent = bot()
    assert silent["state"] == "silent"
    assert silent["heartbeat_age_ms"] >= 60_000  # type: ignore[operator]
    assert page.get("/api/health").status_code == 503
    tape.put(RunStopped(reason="SIGTERM"))
    tape.flush()
    tape.board.put([], tape.heartbeat(age_ns=50 * 10**9, stopped=True))
    stopped = bot()
    assert (stopped["state"], stopped["reason"]) == ("stopped", "SIGTERM")
    assert stopped["since"] is not None
    assert page.data("/api/market/live")[0]["state"] == "stale"
    assert page.get("/api/health").status_code == 200
    tape.start("R2", fresh=False)
    tape.flush()
    tape.board.put([], tape.heartbeat(run_id="R2"))
    assert bot()["state"] == "running"


def test_settled_markets_say_so(page: Caller, tape: Tape) -> None:
    busy(tape)
    tape.settle()
    tape.flush()
    assert {row["state"] for row in page.data("/api/market/live")} == {"settled"}


def test_damaged_ledger_is_said_and_not_touched(page: Caller, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "papertape.db").write_bytes(b"this is no ledger" * 100)
    assert page.get("/api/health").status_code == 503
    assert page.data("/api/status")["ledger_problem"]
    assert page.get("/api/trades").status_code == 503
    assert (data_dir / "papertape.db").read_bytes() == b"this is no ledger" * 100


def test_pages(page: Caller, tape: Tape) -> None:
    tape.flush()
    answer = page.get("/")
    html = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert f'<meta name="csrf-token" content="{page.csrf}">' in html
    assert "<script>" not in html
    assert " style=" not in html
    assert page.get("/favicon.ico").status_code == 200
    assert page.data("/api/csrf") == {"token": page.csrf}


def test_description_names_every_path(app: Flask, page: Caller) -> None:
    described = page.get("/openapi.json").get_json()["paths"]
    paths = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")}
    assert {path.replace("<", "{").replace(">", "}") for path in paths} <= set(described)
