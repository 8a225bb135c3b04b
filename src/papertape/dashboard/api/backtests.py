"""Backtests: the finished ones with all that is known of them, and new ones from the page."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response

from papertape.dashboard import backtests as shelf
from papertape.dashboard import rows
from papertape.dashboard.api import shapes
from papertape.dashboard.api.answers import (
    CURSOR,
    LIMIT,
    WORD_CHARS_MAX,
    ApiError,
    Param,
    Query,
    body_object,
    choice,
    endpoint,
    success,
    word,
)
from papertape.dashboard.api.export import FILES, FORMAT, file_of
from papertape.dashboard.backtest_jobs import QUEUE_MAX
from papertape.dashboard.state import DashboardState, state
from papertape.errors import MISSING, InvalidInputError, RunningError, WorldError, nearest_match
from papertape.services.metric_registry import METRICS
from papertape.tape.follow import LedgerReader
from papertape.tape.queries_trades import TradeFilter, Window, trades_page

api = Blueprint("backtests", __name__)

COLUMNS = (
    "created_at", "strategy", "data", "from", "to", "market_records", "fills", "initial_cash",
    *(metric.name for metric in METRICS),
)  # fmt: skip
SORTS = tuple(sign + name for name in COLUMNS for sign in ("-", ""))
EXPORT_COLUMNS = ("id", *COLUMNS, "settled", "fees_schedule", "failure")
TRADE_COLUMNS = (
    "id", "time", "kind", "strategy", "symbol", "outcome", "side", "quantity", "price",
    "notional", "fee", "realized_pnl", "liquidity", "seq",
)  # fmt: skip
REPORT_BYTES_MAX = 20_000_000
CASH_MAX = 10**12
PARAMS_MAX = 50
FEE_PPM_MAX = 1_000_000
INLINE = re.compile(rb"<(script|style)[^>]*>(.*?)</\1>", re.DOTALL)
KEYS = ("strategy", "data", "params", "from", "to", "initial_cash", "fees", "check_lookahead")
NUMBER = {"type": "number"}
BODY: dict[str, Any] = {
    "type": "object",
    "required": ["strategy", "data"],
    "additionalProperties": False,
    "properties": {
        "strategy": {"type": "string", "maxLength": WORD_CHARS_MAX},
        "data": {"type": "string", "maxLength": WORD_CHARS_MAX},
        "params": {
            "type": "object",
            "maxProperties": PARAMS_MAX,
            "additionalProperties": NUMBER,
        },
        "from": {"type": ["string", "null"], "maxLength": 40},
        "to": {"type": ["string", "null"], "maxLength": 40},
        "initial_cash": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": CASH_MAX},
        "fees": {
            "anyOf": [
                {"type": "string", "enum": ["default", "none"]},
                {"type": "integer", "minimum": 0, "maximum": FEE_PPM_MAX},
                {"type": "null"},
            ]
        },
        "check_lookahead": {"type": ["boolean", "null"]},
    },
}
NOTHING: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}
LIST: tuple[Param, ...] = (
    choice("sort", SORTS, "-created_at", "by one column; - is the highest first"),
    word("strategy", "of this strategy only"),
    word("q", "words of the strategy or the data; all must fit"),
)

Row = dict[str, Any]


# --- finished runs ------------------------------------------------------------------------------


@endpoint(api, "/api/backtests", "Finished backtests", params=(*LIST, LIMIT, CURSOR), always=True)
def backtests(query: Query) -> Response:
    """Return a page of runs; `unreadable` counts results that could not be read."""
    found, unreadable = _listed(state(), query)
    begin = query["cursor"] or 0
    end = begin + query["limit"]
    behind = end if end < len(found) else None
    names = sorted({row["strategy"] for row in found})
    return success(
        found[begin:end],
        next_cursor=behind,
        total=len(found),
        unreadable=unreadable,
        strategies=names,
    )


def _listed(here: DashboardState, query: Query) -> tuple[list[Row], int]:
    found, unreadable = here.apart(here.shelf.rows)
    words = (query["q"] or "").casefold().split()
    kept = [
        row
        for row in found
        if query["strategy"] in (None, row["strategy"])
        and all(each in f"{row['strategy']} {row['data']}".casefold() for each in words)
    ]
    key = query["sort"]
    return shelf.ordered(kept, key.lstrip("-"), descending=key.startswith("-")), unreadable


@endpoint(api, "/api/export/backtests", "The list of backtests as a file",
          params=(FORMAT, *LIST), always=True, content=FILES, fails=(429,))  # fmt: skip
def export_backtests(query: Query) -> Response:
    """Return a row per run."""
    found, _ = _listed(state(), query)
    return file_of("backtests", query["format"], EXPORT_COLUMNS, found, {})


@endpoint(api, "/api/backtests/<run_id>", "One backtest: figures, series, warnings", always=True)
def backtest(_: Query, run_id: str) -> Response:
    """Return everything but the trades, which are asked for page by page."""
    here = state()
    found = here.apart(lambda: here.shelf.document(run_id))
    if found is None:
        raise ApiError(404, "not_found", "there is no such backtest", "id")
    row, document = found
    return success(
        {
            "run": row,
            "figures": shelf.figures(document),
            "warnings": shelf.warnings(document),
            "charts": document.charts,
            "signals": document.signals,
            "refused": document.refused,
            "skipped": document.skipped,
            "open_positions": document.open_positions,
            "period_s": document.period_s,
            "seed": document.seed,
            "state_hash": document.state_hash,
            "command": f"papertape verify --data-dir {here.shelf.folder / run_id}",
        }
    )


@endpoint(api, "/api/backtests/<run_id>/trades", "Trades of a backtest, from its own tape",
          params=(choice("sort", ("-time", "time"), "-time"), LIMIT, CURSOR),
          always=True, data=shapes.listed(shapes.TRADE))  # fmt: skip
def backtest_trades(query: Query, run_id: str) -> Response:
    """Return a page of trades; `kept` is false where the run's tape is gone."""
    here = state()
    with _tape_of(here, run_id) as tape:
        newest_first = query["sort"] == "-time"
        cursor = query["cursor"]
        window = Window(before_seq=cursor) if newest_first else Window(
            after_seq=cursor or 0, newest_first=False)  # fmt: skip
        account = tape.account
        if account is None:
            return success([], next_cursor=None, kept=False)
        page, behind = here.apart(
            lambda: trades_page(tape.reader, account, TradeFilter(), window, query["limit"])
        )
    return success([rows.trade_row(row) for row in page], next_cursor=behind, kept=True)


@endpoint(api, "/api/export/backtest-trades", "Trades of a backtest as a file, oldest first",
          params=(FORMAT, word("id", "of the backtest", required=True)), always=True,
          content=FILES, fails=(404, 429))  # fmt: skip
def export_backtest_trades(query: Query) -> Response:
    """Return a file of trades."""
    if query["id"] is None:
        raise InvalidInputError("id", MISSING, "the id of a backtest")
    tape = _tape_of(state(), query["id"])
    if tape.account is None:
        raise ApiError(404, "not_found", "the tape of this backtest is gone", "id")
    found = (rows.trade_row(row) for row in tape.reader.trades_iter(tape.account))
    return file_of(f"backtest-{query['id']}-trades", query["format"], TRADE_COLUMNS, found, {})


class _Tape:
    """The tape of a run; `account` is None where it is gone."""

    def __init__(self, here: DashboardState, reader: LedgerReader) -> None:
        self.reader = reader
        run = here.apart(reader.run)
        self.account: str | None = None if run is None else run["account"]

    def __enter__(self) -> _Tape:
        return self

    def __exit__(self, *_: object) -> None:
        self.reader.close()


def _tape_of(here: DashboardState, run_id: str) -> _Tape:
    place = here.shelf.place(run_id)
    if place is None:
        raise ApiError(404, "not_found", "there is no such backtest", "id")
    return _Tape(here, LedgerReader(place / shelf.LEDGER_FILE))


@endpoint(api, "/api/backtests/<run_id>/report", "The report of a backtest, as a page of its own",
          always=True, content=("text/html",))  # fmt: skip
def report(_: Query, run_id: str) -> Response:
    """Return the report in a sandbox: an origin of its own, its own scripts, no network."""
    here = state()
    path = here.shelf.report(run_id) if here.shelf.place(run_id) is not None else None
    if path is None:
        raise ApiError(404, "not_found", "no report was kept of this backtest", "id")
    body = here.apart(lambda: path.read_bytes() if path.stat().st_size <= REPORT_BYTES_MAX else b"")
    if not body:
        raise WorldError("the report is empty or too large to be shown here")
    answer = Response(body, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = report_policy(body)
    return answer


def report_policy(body: bytes) -> str:
    """Return what a report may do: run the very scripts that stand in it, and nothing else.

    A sandboxed document has an origin of its own, so it can neither read nor call the dashboard.
    """
    hashes: dict[bytes, list[str]] = {b"script": [], b"style": []}
    for kind, text in INLINE.findall(body):
        digest = base64.b64encode(hashlib.sha256(text).digest()).decode()
        hashes[kind].append(f"'sha256-{digest}'")
    scripts, styles = (" ".join(hashes[kind]) or "'none'" for kind in (b"script", b"style"))
    return (
        f"sandbox allow-scripts; default-src 'none'; script-src {scripts}; "
        f"style-src-elem {styles}; style-src-attr 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


# --- new runs -----------------------------------------------------------------------------------


@endpoint(api, "/api/backtests/choices", "What a backtest can be started with", always=True)
def choices(_: Query) -> Response:
    """Return strategies with their parameters, and recordings."""
    here = state()
    found = here.apart(lambda: (here.choices.strategies(), here.choices.recordings()))
    return success({"strategies": found[0], "recordings": found[1], "queue_max": QUEUE_MAX})


@endpoint(
    api,
    "/api/backtests/jobs",
    "Backtests started here: how each one stands",
    always=True,
    data=shapes.listed(),
)
def jobs(_: Query) -> Response:
    """Return the newest first; finished ones are forgotten when the dashboard ends."""
    return success(state().jobs.rows())


@endpoint(api, "/api/backtests", "Start a backtest in a process of its own", method="POST",
          body=BODY, status=202, fails=(429,), always=True)  # fmt: skip
def start(_: Query) -> Response:
    """Queue a backtest; how it goes is asked for with GET /api/backtests/jobs."""
    here = state()
    form = body_object(KEYS)
    about, words = here.apart(lambda: _ordered(here, form))
    try:
        return success(here.jobs.add(about, words), status=202)
    except RunningError as error:
        raise ApiError(429, "too_many_backtests", str(error)) from error


@endpoint(api, "/api/backtests/jobs/<job_id>/cancel", "Stop a backtest that was started here",
          method="POST", body=NOTHING, status=202, always=True)  # fmt: skip
def cancel(_: Query, job_id: str) -> Response:
    """Take it out of the queue; one that runs ends early and keeps what it has."""
    body_object(())
    found = state().jobs.cancel(job_id)
    if found is None:
        raise ApiError(404, "not_found", "there is no such backtest under way", "id")
    return success(found, status=202)


def _ordered(here: DashboardState, form: Mapping[str, Any]) -> tuple[Row, list[str]]:
    """Return what is shown of an order, and the words of the command for it."""
    strategies = {row["strategy"]: row for row in here.choices.strategies()}
    recordings = {row["id"]: row for row in here.choices.recordings()}
    strategy = _one_of("strategy", form.get("strategy", MISSING), strategies)
    data = _one_of("data", form.get("data", MISSING), recordings)
    path = here.choices.path_of(data)
    if path is None:
        raise InvalidInputError("data", data, "a recording that is there")
    words = ["--strategy", strategy, "--data", str(path)]
    words += ["--data-dir", str(here.settings.data_dir), *here.choices.config_words()]
    params = _params(form.get("params"), strategies[strategy]["params"])
    for name, value in params.items():
        words += ["--param", f"{name}={value}"]
    for name in ("from", "to"):
        if form.get(name) not in (None, ""):
            words += [f"--{name}", _time(name, form[name])]
    cash = form.get("initial_cash")
    if cash is not None:
        words += ["--initial-cash", _number("initial_cash", cash, 0.01, CASH_MAX)]
    fees = form.get("fees")
    if fees is not None:
        words += ["--fees", _fees(fees)]
    if _flag("check_lookahead", form.get("check_lookahead")):
        words.append("--check-lookahead")
    return {"strategy": strategy, "data": recordings[data]["name"], "params": params}, words


def _one_of(field: str, value: object, known: Mapping[str, Any]) -> str:
    if isinstance(value, str) and value in known:
        return value
    near = nearest_match(value, known) if isinstance(value, str) else ""
    expected = "one of " + ", ".join(known) if known else "there is none yet"
    raise InvalidInputError(field, value, expected, nearest=near)


def _params(value: object, known: list[Row]) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > PARAMS_MAX:
        raise InvalidInputError("params", value, "names with numbers")
    bounds = {row["name"]: row for row in known}
    found = {}
    for name, number in value.items():
        field = f"params.{name}"
        if name not in bounds:
            near = nearest_match(name, bounds)
            raise InvalidInputError(field, number, "a parameter of the strategy", nearest=near)
        found[name] = _number(field, number, bounds[name]["low"], bounds[name]["high"])
    return found


def _number(field: str, value: object, low: float, high: float) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidInputError(field, value, f"a number from {low:g} to {high:g}")
    if not low <= value <= high:
        raise InvalidInputError(field, value, f"a number from {low:g} to {high:g}")
    return repr(value) if isinstance(value, int) else f"{value:.9f}".rstrip("0").rstrip(".")


def _time(field: str, value: object) -> str:
    try:
        if not isinstance(value, str) or len(value) > 40:
            raise ValueError
        when = datetime.fromisoformat(value)
    except ValueError:
        expected = "a time such as 2026-01-31 or 2026-01-31T12:00:00Z"
        raise InvalidInputError(field, value, expected) from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).isoformat()


def _fees(value: object) -> str:
    if value in ("default", "none"):
        return str(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= FEE_PPM_MAX:
        raise InvalidInputError("fees", value, "default, none, or parts per million")
    return str(value)


def _flag(field: str, value: object) -> bool:
    if value is not None and not isinstance(value, bool):
        raise InvalidInputError(field, value, "true or false")
    return bool(value)
