"""/openapi.json against the application: nothing missing, nothing promised that is not kept."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from flask import Flask
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.dashboard.conftest import ORIGIN, PORT, Caller
from tests.dashboard.tapes import Tape, busy
from tests.dashboard.test_backtests import RUN, keep, result

from papertape.dashboard.api.openapi import described
from papertape.dashboard.app import create_app
from papertape.dashboard.settings import DashboardSettings

EXAMPLES = 8  # per operation, besides the first
SECONDS_MAX = 25.0
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
NOT_DESCRIBED = {  # what browsers ask for by themselves
    "/csp-report", "/favicon.ico", "/static/<path:filename>", "/manifest.webmanifest", "/sw.js",
    "/offline",
}  # fmt: skip


def test_every_route_stands_in_it_with_every_method(app: Flask) -> None:
    paths = described()["paths"]
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("pages.") or rule.rule in NOT_DESCRIBED:
            continue
        path = re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            operation = paths[path][method.lower()]
            assert operation["summary"], path
            assert "422" in operation["responses"], path


def test_names_of_operations_are_their_own() -> None:
    found = [each["operationId"] for path in described()["paths"].values()
             for each in path.values()]  # fmt: skip
    assert len(set(found)) == len(found)


def test_metrics_are_what_prometheus_reads(page: Caller, tape: Tape) -> None:
    busy(tape)
    answer = page.get("/metrics")
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    samples = {}
    for line in answer.get_data(as_text=True).splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) papertape_\w+ .+|papertape_\w+(\{.*\})? \S+", line)
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            samples[name] = float(value)
    assert samples["papertape_trades_total"] == 5
    assert samples['papertape_signals_refused_total{reason="stale_book"}'] == 1
    assert samples["papertape_account_cash"] == page.data("/api/portfolio")["summary"]["cash"]


def test_equity_and_settlements_are_lists_of_the_ledger(page: Caller, tape: Tape) -> None:
    assert page.data("/api/equity") == []
    tape.trade("BUY", 1_000, 4_000)
    tape.mark(10_001_000_000)
    tape.mark(10_002_500_000)
    tape.settle()
    tape.flush()
    newest = page.get("/api/equity?limit=1").get_json()
    assert [row["equity"] for row in newest["data"]] == [10_002.5]
    older = page.get(f"/api/equity?limit=1&cursor={newest['next_cursor']}").get_json()
    assert [row["equity"] for row in older["data"]] == [10_001.0]
    assert older["next_cursor"] is None
    assert [row["equity"] for row in page.data("/api/equity?sort=time")] == [10_001.0, 10_002.5]
    [paid] = page.data("/api/settlements")
    assert (paid["payout"], paid["quantity"], paid["cash"]) == (1.0, 10.0, 10.0)
    assert paid["realized_pnl"] == 6.0
    assert page.data("/api/settlements?strategy=arbitrage") == []
    assert page.data(f"/api/settlements?symbol={paid['symbol']}") == [paid]


# --- what it says is tried ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Return an application on a folder with trades, an entry, a rule and a backtest."""
    data_dir = tmp_path_factory.mktemp("openapi") / "data"
    tape = Tape(data_dir)
    busy(tape)
    tape.board.put([], tape.heartbeat(stopped=True))  # a silent bot would be no health
    keep(data_dir, result())
    app = create_app(DashboardSettings(data_dir=data_dir, port=PORT))
    page = Caller(app)
    entry = {"entry_reason": "it rains", "confidence_level": 5, "trade_id": "F1"}
    assert page.send("POST", "/api/journal/entry", entry).status_code == 201
    assert page.send("POST", "/api/alerts/rules", {"kind": "bot_dead"}).status_code == 201
    yield app
    app.extensions["papertape"].close()
    tape.close()


def known(app: Flask) -> dict[str, list[str]]:
    """Return names that exist, by the part of a path that they can stand in."""
    page = Caller(app)
    entry = page.data("/api/journal/entries")[0]["id"]
    return {
        "trade_id": ["F1", "F5"],
        "entry_id": [entry],
        "rule_id": [rule["id"] for rule in page.data("/api/alerts/rules")],
        "alert_id": [alert["id"] for alert in page.data("/api/alerts")],
        "run_id": [RUN],
    }


def trials(operation: Any, mode: Any, ask: Callable[[Any], None]) -> None:
    """Ask an operation a few times, in ways that its description allows or forbids."""

    @hypothesis.settings(
        max_examples=EXAMPLES // 2,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def some(case: Any) -> None:
        ask(case)

    with contextlib.suppress(hypothesis.errors.Unsatisfiable):  # nothing there to get wrong
        some()


@pytest.mark.slow
def test_whatever_is_asked_the_answer_is_as_described(lived_in: Flask) -> None:
    """Requests made from the description, well and badly formed: no 5xx, nothing undescribed."""
    schema = schemathesis.openapi.from_dict(described())
    names, page = known(lived_in), Caller(lived_in)
    headers = {"Origin": ORIGIN, "X-CSRF-Token": page.csrf}
    began_s = time.process_time()
    tried: dict[str, list[int]] = {}

    def ask(case: Any) -> None:
        label = case.operation.label
        for part, there in names.items():
            if part in case.path_parameters and len(tried.get(label, ())) % 2 and there:
                case.path_parameters[part] = there[0]  # every other one exists
        case.headers = headers
        answer = case.call(app=lived_in, base_url=ORIGIN)
        case.validate_response(answer, checks=CHECKS)
        tried.setdefault(label, []).append(answer.status_code)

    operations = [found.ok() for found in schema.get_all_operations()]
    for operation in operations:
        for mode in schemathesis.GenerationMode:
            trials(operation, mode, ask)
    assert len(tried) == len(operations)
    good = {label for label, statuses in tried.items() if any(s < 300 for s in statuses)}
    assert len(good) > len(operations) * 2 // 3, sorted(tried.keys() - good)
    assert time.process_time() - began_s < SECONDS_MAX
