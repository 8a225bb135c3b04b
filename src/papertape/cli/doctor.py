"""`papertape doctor`: what would keep papertape from working on this machine, really looked at."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from papertape.cli.options import ConfigOption, DataDirOption, JsonOption, settings
from papertape.cli.output import print_json, print_rows
from papertape.errors import CheckFailedError, PapertapeError

if TYPE_CHECKING:
    from papertape.config import Config

app = typer.Typer(rich_markup_mode=None, add_completion=False)

FREE_MB_MIN = 200  # below it a bot should not start
FREE_PCT_LOW = 10
MIB = 1_048_576
STRICT_TABLES_SINCE = (3, 37, 0)
# SQLite lost WAL content when two connections wrote and checkpointed at once, up to these versions.
# papertape has one writing connection, so it cannot meet the bug; other tools on the file can.
WAL_RESET_FIXED = (3, 51, 3)
WAL_RESET_BACKPORTS = {(3, 44): (3, 44, 6), (3, 50): (3, 50, 7)}
VENDOR_FILES = ("chart.js", "lightweight-charts.js", "socket.io.js")


class Finding(NamedTuple):
    """One thing looked at: state is ok, warning or error."""

    check: str
    state: str
    what: str


@app.command(epilog="Example: papertape doctor --live")
def doctor(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the live venues: DNS, TLS, books, clocks, latency.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Look at Python, SQLite, the core's form, disk, rights, the ledger, the lock and the port.

    Exit 1 if something would keep papertape from working; warnings do not count.
    """
    chosen = settings(config, data_dir=data_dir)
    findings = [finding for look in CHECKS for finding in look(chosen)]
    if live:
        findings += _live(chosen)
    ok = all(finding.state != "error" for finding in findings)
    if as_json:
        print_json({"ok": ok, "findings": [finding._asdict() for finding in findings]})
    else:
        print_rows("papertape doctor", Finding._fields, findings)
    return 0 if ok else CheckFailedError.exit_code


def _python(chosen: Config) -> Iterator[Finding]:
    version = platform.python_version()
    good = (3, 11) <= sys.version_info < (3, 14)
    wanted = "" if good else "; 3.11 to 3.13 are tested"
    yield Finding("python", "ok" if good else "warning", version + wanted)


def _core(chosen: Config) -> Iterator[Finding]:
    from papertape.core import compiled

    if compiled():
        yield Finding("core", "ok", "compiled")
    else:
        yield Finding("core", "warning", "plain Python: same results, slower (no C compiler?)")


def _sqlite(chosen: Config) -> Iterator[Finding]:
    version = sqlite3.sqlite_version_info
    name = sqlite3.sqlite_version
    if version < STRICT_TABLES_SINCE:
        yield Finding("sqlite", "error", f"{name}: 3.37 or newer is needed (STRICT tables)")
    elif version >= WAL_RESET_BACKPORTS.get(version[:2], WAL_RESET_FIXED):
        yield Finding("sqlite", "ok", name)
    else:
        what = f"{name}: has the WAL-reset bug; keep other programs from writing to the ledger"
        yield Finding("sqlite", "warning", what)


def _disk(chosen: Config) -> Iterator[Finding]:
    folder = _nearest_folder(chosen.data_dir)
    usage = shutil.disk_usage(folder)
    free_mb, free_pct = usage.free // MIB, usage.free * 100 // usage.total
    what = f"{free_mb:,} MiB free ({free_pct} %)"
    if free_mb < FREE_MB_MIN:
        yield Finding("disk", "error", f"{what}; {FREE_MB_MIN} MiB are needed")
    elif free_pct < FREE_PCT_LOW or free_mb < chosen.storage.market_quota_mb:
        quota = chosen.storage.market_quota_mb
        yield Finding("disk", "warning", f"{what}; the market data quota is {quota:,} MiB")
    else:
        yield Finding("disk", "ok", what)


def _rights(chosen: Config) -> Iterator[Finding]:
    folder = chosen.data_dir
    if not folder.exists():
        parent = _nearest_folder(folder)
        good = os.access(parent, os.W_OK | os.X_OK)
        what = f"{folder} will be made" if good else f"{folder} cannot be made in {parent}"
        yield Finding("data folder", "ok" if good else "error", what)
        return
    if not folder.is_dir():
        yield Finding("data folder", "error", f"{folder} is not a folder")
    elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("data folder", "error", f"{folder} cannot be read and written by this user")
    else:
        yield Finding("data folder", "ok", str(folder))
    token = folder / "token"
    if token.exists() and token.stat().st_mode & 0o077:
        yield Finding("token", "warning", f"{token} can be read by others: chmod 600 {token}")


def _ledger(chosen: Config) -> Iterator[Finding]:
    from papertape.cli.ledgers import LEDGER_FILE
    from papertape.tape.identity import check_file

    path = chosen.data_dir / LEDGER_FILE
    try:
        there = check_file(path)
    except PapertapeError as error:
        yield Finding("ledger", "error", str(error))
        return
    yield Finding("ledger", "ok", f"{path} is ours and whole" if there else "none yet")


def _lock(chosen: Config) -> Iterator[Finding]:
    from papertape.tape.lock import holder_pid

    pid = holder_pid(chosen.data_dir) if chosen.data_dir.is_dir() else None
    yield Finding("bot", "ok", f"runs here (pid {pid})" if pid else "not running")


def _port(chosen: Config) -> Iterator[Finding]:
    from papertape.cli.ports import refuse_taken

    address = f"{chosen.dashboard.host} port {chosen.dashboard.port}"
    try:
        refuse_taken(chosen.dashboard.host, chosen.dashboard.port)
    except PapertapeError as error:
        yield Finding("port", "warning", f"{error} (fine if that is papertape)")
        return
    yield Finding("port", "ok", f"{address} is free")


def _browser_libraries(chosen: Config) -> Iterator[Finding]:
    vendor = resources.files("papertape").joinpath("dashboard/static/vendor")
    missing = [name for name in VENDOR_FILES if not vendor.joinpath(name).is_file()]
    if missing:
        names = ", ".join(missing)
        yield Finding("browser libraries", "error", f"missing: {names}; run make run once")
    else:
        yield Finding("browser libraries", "ok", f"{len(VENDOR_FILES)} in static/vendor")


def _live(chosen: Config) -> list[Finding]:
    """Ask the venues that the settings name; Polymarket where they name none."""
    from papertape.clock import SystemClock
    from papertape.feeds.reachable import PUBLIC, Probe, Reads

    names = {symbol.partition(":")[0] for symbol in chosen.crypto.symbols}
    others = [(name, PUBLIC[name]) for name in sorted(names & PUBLIC.keys())]
    if chosen.kalshi.tickers or chosen.kalshi.series:
        others.append(("kalshi", f"{chosen.kalshi.url.rstrip('/')}/exchange/status"))
    source = chosen.live
    reads = Reads(source.gamma_url, source.clob_url, source.ws_url, tuple(others))
    if source.venues is not None and "polymarket" not in source.venues:
        reads = Reads(others=tuple(others))
    return [Finding(*found) for found in Probe(reads, SystemClock()).look()]


def _nearest_folder(path: Path) -> Path:
    found = path.absolute()
    while not found.is_dir():
        found = found.parent
    return found


CHECKS: tuple[Callable[[Config], Iterator[Finding]], ...] = (
    _python,
    _core,
    _sqlite,
    _disk,
    _rights,
    _ledger,
    _lock,
    _port,
    _browser_libraries,
)
