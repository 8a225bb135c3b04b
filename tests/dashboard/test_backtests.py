"""Backtests over the API: what finished runs say, and new ones in processes of their own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.dashboard.conftest import PORT, Caller
from tests.dashboard.tapes import Tape
from tests.research.market import wavy_bars

from papertape.dashboard.api.backtests import report_policy
from papertape.dashboard.app import create_app
from papertape.dashboard.backtest_jobs import QUEUE_MAX
from papertape.dashboard.settings import DashboardSettings

JOB_S_MAX = 60.0
RUN = "20250101T120000Z-abc123"
PATH = "/api/backtests"


def result(run_id: str = RUN, **more: Any) -> dict[str, Any]:
    """Return a result as `papertape backtest` writes it, with the figures that matter here."""
    metrics = {"total_return_pct": 1.5, "sharpe": 0.8, "trips": 40, "fees": 2.0}
    return {
        "run_id": run_id,
        "mode": "BACKTEST",
        "strategy": "momentum",
        "params": {"window_s": 60},
        "data": "BTCUSDT.csv",
        "from": "2025-01-01T00:00:00.000Z",
        "to": "2025-01-03T00:00:00.000Z",
        "ended": "the recording ended",
        "initial_cash": 10_000.0,
        "events": 5_000,
        "signals": 80,
        "trades": 80,
        "metrics": metrics | more.pop("metrics", {}),
        "intervals": {"total_return_pct": [-1.0, 3.0]},
        "charts": {"equity": [[1, 10_000.0, 0.0], [2, 10_150.0, 0.0]], "trips": []},
    } | more


def keep(data_dir: Path, found: dict[str, Any]) -> Path:
    """Put a result where finished runs lie."""
    place = data_dir / "backtests" / found["run_id"]
    place.mkdir(parents=True)
    (place / "result.json").write_text(json.dumps(found))
    return place


def test_without_any_the_list_is_empty(page: Caller) -> None:
    body = page.get(PATH).get_json()
    assert (body["data"], body["total"], body["next_cursor"]) == ([], 0, None)
    assert page.get(f"{PATH}/{RUN}").status_code == 404
    assert page.data(f"{PATH}/jobs") == []


def test_runs_are_listed_sorted_filtered_and_paged(page: Caller, data_dir: Path) -> None:
    for day, gain in ((1, 1.5), (2, None), (3, -2.0), (4, 7.0)):
        run_id = f"2025010{day}T120000Z-abc123"
        strategy = "arbitrage" if day == 4 else "momentum"
        keep(data_dir, result(run_id, strategy=strategy, metrics={"total_return_pct": gain}))
    (data_dir / "backtests" / "20250105T000000Z-half").mkdir()  # not finished: no result yet
    keep(data_dir, {"run_id": "20250106T000000Z-bad", "strategy": 7})
    body = page.get(PATH).get_json()
    assert [row["id"][6:8] for row in body["data"]] == ["04", "03", "02", "01"]
    assert (body["total"], body["unreadable"]) == (4, 1)
    assert body["data"][3]["created_at"] == "2025-01-01T12:00:00.000Z"
    assert body["data"][3]["intervals"] == {"total_return_pct": [-1.0, 3.0]}

    def gains(query: str) -> list[float | None]:
        return [row["total_return_pct"] for row in page.data(f"{PATH}?{query}")]

    assert gains("sort=-total_return_pct") == [7.0, 1.5, -2.0, None]
    assert gains("sort=total_return_pct") == [-2.0, 1.5, 7.0, None]
    assert gains("strategy=arbitrage") == [7.0]
    assert gains("q=BTC+moment&sort=created_at") == [1.5, None, -2.0]
    first = page.get(f"{PATH}?limit=3").get_json()
    second = page.get(f"{PATH}?limit=3&cursor={first['next_cursor']}").get_json()
    assert len({row["id"] for row in first["data"] + second["data"]}) == 4
    assert second["next_cursor"] is None
    file = page.get("/api/export/backtests?strategy=arbitrage").get_data(as_text=True)
    assert len(file.splitlines()) == 2
    assert page.get(f"{PATH}?sort=luck").status_code == 422


def test_a_result_that_changes_is_read_again(page: Caller, data_dir: Path) -> None:
    place = keep(data_dir, result())
    assert page.data(PATH)[0]["fills"] == 80
    time.sleep(0.01)
    (place / "result.json").write_text(json.dumps(result(trades=90)))
    assert page.data(PATH)[0]["fills"] == 90


def test_one_run_says_everything_and_warns(page: Caller, data_dir: Path) -> None:
    keep(data_dir, result(metrics={"trips": 3}, open_positions=1, fees_schedule="none"))
    found = page.data(f"{PATH}/{RUN}")
    figures = {row["name"]: row for row in found["figures"]}
    assert figures["total_return_pct"]["value"] == 1.5
    assert (figures["total_return_pct"]["low"], figures["total_return_pct"]["high"]) == (-1, 3)
    assert figures["sharpe"]["low"] is None
    assert "equity at end" in figures["total_return_pct"]["formula"]
    assert figures["calmar"]["value"] is None  # not in this result: not known, and said so
    assert found["charts"]["equity"][1] == [2, 10_150.0, 0.0]
    assert [text.partition(" ")[0] for text in found["warnings"]] == ["3", "1", "No"]
    assert str(data_dir / "backtests" / RUN) in found["command"]
    failed = result("20250109T000000Z-f", failure="momentum failed at market record 3", trades=0)
    keep(data_dir, failed)
    said = page.data(f"{PATH}/20250109T000000Z-f")["warnings"]
    assert said[0].startswith("momentum failed at market record 3")
    assert "never traded" in said[1]


@pytest.mark.parametrize("name", ["..", "%2e%2e", ".hidden", "a%2fb", "x" * 90, "..%2f..%2fetc"])
def test_names_that_are_no_runs_lead_nowhere(page: Caller, data_dir: Path, name: str) -> None:
    (data_dir / "backtests" / ".hidden").mkdir(parents=True)
    (data_dir / "backtests" / ".hidden" / "result.json").write_text(json.dumps(result(".hidden")))
    (data_dir / "result.json").write_text(json.dumps(result("up")))
    assert page.get(f"{PATH}/{name}").status_code == 404
    assert page.get(f"{PATH}/{name}/report").status_code == 404
    assert page.get(f"/api/export/backtest-trades?id={name}").status_code in (404, 422)
    assert page.data(PATH) == []


def test_trades_come_from_the_tape_of_the_run(page: Caller, data_dir: Path) -> None:
    place = keep(data_dir, result())
    gone = page.get(f"{PATH}/{RUN}/trades").get_json()
    assert (gone["data"], gone["kept"]) == ([], False)
    assert page.get(f"/api/export/backtest-trades?id={RUN}").status_code == 404
    tape = Tape(place)
    ids = [tape.trade("BUY", 100, 4_000), tape.trade("SELL", 100, 5_000)]
    tape.flush()
    tape.close()
    first = page.get(f"{PATH}/{RUN}/trades?limit=1").get_json()
    assert [row["id"] for row in first["data"]] == ids[1:]
    older = page.get(f"{PATH}/{RUN}/trades?limit=1&cursor={first['next_cursor']}").get_json()
    assert [row["id"] for row in older["data"]] == ids[:1]
    assert [row["id"] for row in page.data(f"{PATH}/{RUN}/trades?sort=time")] == ids
    file = page.get(f"/api/export/backtest-trades?id={RUN}").get_data(as_text=True)
    assert [line.partition(",")[0] for line in file.splitlines()[1:]] == ids


def test_a_report_is_shown_in_a_sandbox_with_its_own_scripts(page: Caller, data_dir: Path) -> None:
    place = keep(data_dir, result())
    assert page.get(f"{PATH}/{RUN}/report").status_code == 404
    body = b"<html><style>p{}</style><script>draw()</script><p onclick='x()'>ok</p></html>"
    (place / "report.html").write_bytes(body)
    answer = page.get(f"{PATH}/{RUN}/report")
    assert (answer.status_code, answer.get_data()) == (200, body)
    policy = answer.headers["Content-Security-Policy"]
    assert policy == report_policy(body)
    assert policy.startswith("sandbox allow-scripts; default-src 'none'; script-src 'sha256-")
    assert "allow-same-origin" not in policy
    assert "unsafe" not in policy.partition("style-src-attr")[0]
    assert len(answer.headers.get_all("Content-Security-Policy")) == 1
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert page.data(PATH)[0]["report"] is True


# --- new runs -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return candles of two days."""
    return wavy_bars(tmp_path_factory.mktemp("bars") / "BTCUSDT_1m.csv")


@pytest.fixture
def desk(data_dir: Path, recording: Path, tmp_path: Path) -> Iterator[Caller]:
    """Return a caller of a dashboard that was started with settings and a recording."""
    config = tmp_path / "config.yaml"
    config.write_text("strategies:\n  momentum:\n    params:\n      order_usd: 25\n")
    settings = DashboardSettings(
        data_dir=data_dir, port=PORT, config_path=config, recordings=(recording,)
    )
    app = create_app(settings)
    yield Caller(app)
    app.extensions["papertape"].close()


def wait(caller: Caller, until: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """Return the jobs once they are as wanted."""
    deadline = time.monotonic() + JOB_S_MAX
    while time.monotonic() < deadline:
        jobs = caller.data(f"{PATH}/jobs")
        if until(jobs):
            return jobs
        time.sleep(0.1)
    raise AssertionError(caller.data(f"{PATH}/jobs"))


def ended(jobs: list[dict[str, Any]]) -> bool:
    return all(job["state"] in ("done", "failed", "cancelled") for job in jobs)


@pytest.mark.slow
def test_a_backtest_is_started_followed_and_found(desk: Caller, data_dir: Path) -> None:
    choices = desk.data(f"{PATH}/choices")
    momentum = next(row for row in choices["strategies"] if row["strategy"] == "momentum")
    assert {row["name"]: row["value"] for row in momentum["params"]}["order_usd"] == 25
    [recording] = choices["recordings"]
    assert (recording["id"], recording["name"]) == ("configured-1", "BTCUSDT_1m.csv")
    order = {
        "strategy": "momentum",
        "data": "configured-1",
        "params": {"rise_bps": 30, "hold_s": 600},
        "from": "2025-01-01",
        "initial_cash": 2_500.5,
        "fees": 500,
        "check_lookahead": True,
    }
    answer = desk.send("POST", PATH, order)
    assert answer.status_code == 202
    job = answer.get_json()["data"]
    assert (job["state"], job["strategy"], job["data"]) == ("queued", "momentum", "BTCUSDT_1m.csv")
    [job] = wait(desk, ended)
    assert (job["state"], job["message"]) == ("done", "")
    [row] = desk.data(PATH)
    assert (row["id"], row["strategy"], row["report"]) == (job["run_id"], "momentum", True)
    assert (row["initial_cash"], row["fees_schedule"]) == (2_500.5, "500")
    assert (row["params"]["rise_bps"], row["params"]["order_usd"]) == (30, 25)
    assert row["fills"] > 0
    trades = desk.get(f"{PATH}/{row['id']}/trades").get_json()
    assert trades["kept"]
    assert len(trades["data"]) == min(100, row["fills"])
    report = desk.get(f"{PATH}/{row['id']}/report")
    assert b"momentum" in report.get_data()
    # What was imported for it can be chosen by itself from now on.
    kinds = {row["kind"] for row in desk.data(f"{PATH}/choices")["recordings"]}
    assert kinds == {"configured", "imported"}
    assert list((data_dir / "backtests").glob(".report*")) == []


@pytest.mark.slow
def test_orders_that_cannot_be_are_refused_by_name(desk: Caller, recording: Path) -> None:
    good = {"strategy": "momentum", "data": "configured-1"}
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("strategy", {"data": "configured-1"}),
        ("strategy", good | {"strategy": "momentun"}),
        ("strategy", good | {"strategy": "/tmp/evil.py:Evil"}),
        ("data", good | {"data": str(recording)}),
        ("data", good | {"data": "../../etc"}),
        ("params", good | {"params": [1]}),
        ("params.windows_s", good | {"params": {"windows_s": 5}}),
        ("params.window_s", good | {"params": {"window_s": 0}}),
        ("params.window_s", good | {"params": {"window_s": "5 --report /etc/passwd"}}),
        ("from", good | {"from": "yesterday"}),
        ("to", good | {"to": 5}),
        ("initial_cash", good | {"initial_cash": 0}),
        ("initial_cash", good | {"initial_cash": True}),
        ("fees", good | {"fees": "cheap"}),
        ("fees", good | {"fees": -1}),
        ("check_lookahead", good | {"check_lookahead": "yes"}),
        ("report", good | {"report": "/etc/passwd"}),
    ]
    for field, body in wrong:
        answer = desk.send("POST", PATH, body)
        assert (answer.status_code, answer.get_json()["error"]["field"]) == (422, field), body
    assert desk.data(f"{PATH}/jobs") == []


@pytest.mark.slow
def test_the_queue_is_bounded_and_jobs_can_be_stopped(desk: Caller) -> None:
    order = {"strategy": "momentum", "data": "configured-1"}
    for _ in range(QUEUE_MAX):
        assert desk.send("POST", PATH, order).status_code == 202
    wait(desk, lambda jobs: any(job["state"] != "queued" for job in jobs))
    refused = None
    while refused is None:  # one may begin meanwhile and make room
        answer = desk.send("POST", PATH, order)
        refused = answer if answer.status_code == 429 else None
    assert refused.get_json()["error"]["code"] == "too_many_backtests"
    for job in desk.data(f"{PATH}/jobs"):
        answer = desk.send("POST", f"{PATH}/jobs/{job['id']}/cancel", {})
        assert answer.status_code == 202
    jobs = wait(desk, ended)
    states = {job["state"] for job in jobs}
    assert "cancelled" in states
    assert states <= {"cancelled", "done"}
    assert desk.send("POST", f"{PATH}/jobs/J99/cancel", {}).status_code == 404


@pytest.mark.slow
def test_what_goes_wrong_is_said_in_words(desk: Caller) -> None:
    late = {"strategy": "momentum", "data": "configured-1", "from": "2031-01-01"}
    assert desk.send("POST", PATH, late).status_code == 202
    [job] = wait(desk, ended)
    assert job["state"] == "failed"
    assert job["run_id"] is None
    assert "Traceback" not in job["message"]
    assert len(job["message"]) > 20
