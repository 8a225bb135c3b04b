"""The machine room: sizes, versions, logs, and verification on request."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import sqlite3
import sys
from typing import Any

from flask import Blueprint, Response

from papertape import __version__
from papertape.clock import NS_PER_MS, iso_utc
from papertape.core import compiled
from papertape.dashboard import picture
from papertape.dashboard.api import shapes
from papertape.dashboard.api.answers import (
    LIMIT,
    ApiError,
    Param,
    Query,
    body_object,
    choice,
    endpoint,
    integer,
    success,
    word,
)
from papertape.dashboard.api.status import current_status
from papertape.dashboard.log_reader import LEVELS, SOURCES, Wanted, read_logs
from papertape.dashboard.state import DashboardState, state
from papertape.errors import PapertapeError, RunningError, WorldError
from papertape.tape import queries_system

api = Blueprint("system", __name__)

NOTHING: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}
MB = 1_000_000
KIB = 1_024
BEFORE: Param = integer("cursor", 0, 10**17, None, "`next_cursor` of the answer before")


@endpoint(
    api,
    "/api/system",
    "Feeds, sizes, anchor, head of the chain, versions",
    always=True,
    data=shapes.OBJECT,
)
def system(_: Query) -> Response:
    """Return what the machine room shows."""
    here = state()
    measured = here.aside(lambda: _measured(here))
    if isinstance(measured, PapertapeError):
        raise measured
    return success(
        {
            "status": current_status(),
            "feeds": _feeds(),
            "continuity": state().follower.view.continuity.facts(),
            **measured,
            "versions": _versions(),
            "dashboard": {
                "pid": os.getpid(),
                "peak_rss_bytes": _peak_rss_bytes(),
                "csp_reports": here.counts.get("csp_reports", 0),
            },
            "verification": here.verifier.state(),
        }
    )


def _feeds() -> list[dict[str, Any]]:
    """Return what the tape says of each source of market data, by name."""
    view = state().follower.view
    measured = picture.clocks(state().follower)
    return [
        {"id": name, "name": name, "state": said.state, "reason": said.reason,
         "clock": measured.get(name)}
        for name, said in sorted(view.feed_states.items())
    ]  # fmt: skip


def _measured(here: DashboardState) -> dict[str, Any] | PapertapeError:
    """Look at the files; run aside, so that a slow disk keeps nobody waiting."""
    settings = here.settings
    now_ns = here.clock.now_ns()
    try:
        head = queries_system.head(here.follower.reader)
    except PapertapeError as error:
        return error
    anchor = queries_system.anchor(settings.data_dir)
    written_ns = anchor.pop("written_ns")
    anchor["age_ms"] = None if written_ns is None else max(0, now_ns - written_ns) // NS_PER_MS
    if head is not None:
        head["time"] = iso_utc(head["ts_ns"])
    sizes: dict[str, int | None] = {**queries_system.sizes(settings.data_dir)}
    quota_mb = settings.market_quota_mb
    sizes["market_quota_bytes"] = None if quota_mb is None else quota_mb * MB
    try:
        sizes["disk_free_bytes"] = shutil.disk_usage(settings.data_dir).free
    except OSError:
        sizes["disk_free_bytes"] = None
    return {"head": head, "anchor": anchor, "sizes": sizes}


def _versions() -> dict[str, str]:
    return {
        "papertape": __version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "core": "compiled" if compiled() else "plain Python",
        "system": f"{platform.system()} {platform.release()}",
    }


def _peak_rss_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * KIB


@endpoint(
    api,
    "/api/logs",
    "Log lines of bot and dashboard, newest first",
    params=(
        choice("source", SOURCES),
        choice("level", LEVELS, "debug", "this level and worse"),
        word("q", "words that a line must hold"),
        LIMIT,
        BEFORE,
    ),
    always=True,
    data=shapes.listed(),
)
def logs(query: Query) -> Response:
    """Return a page of log lines; a page may be short without being the last."""
    wanted = Wanted(
        source=query["source"],
        level=query["level"],
        words=query["q"] or "",
        before_us=query["cursor"],
        limit=query["limit"],
    )
    folder = state().settings.logs
    lines, behind = state().aside(lambda: read_logs(folder, wanted))
    return success(lines, next_cursor=behind)


@endpoint(api, "/api/system/verify", "How the newest verification stands", always=True)
def verification(_: Query) -> Response:
    """Return state, times and report of the newest verification."""
    return success(state().verifier.state())


@endpoint(
    api,
    "/api/system/verify",
    "Recompute everything from the tape, in a process of its own",
    method="POST",
    body=NOTHING,
    status=202,
    always=True,
)
def verify(_: Query) -> Response:
    """Begin a verification; its result is asked for with GET."""
    body_object(())
    here = state()
    if not here.settings.ledger.exists():
        raise ApiError(409, "no_ledger", "there is no ledger to verify yet")
    try:
        return success(here.verifier.start(here.follower.reader.head_seq()), 202)
    except RunningError as error:
        raise ApiError(409, "under_way", str(error)) from error
    except OSError as error:
        raise WorldError(f"the verification cannot start: {error}") from error
