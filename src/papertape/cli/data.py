"""`papertape data`: record real markets, import recordings, and say what a recording holds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from papertape.cli.options import (
    ConfigOption,
    DataDirOption,
    JsonOption,
    MarketsOption,
    QueryOption,
    duration_s,
    market_slugs,
    settings,
)
from papertape.cli.output import print_json, print_pairs, print_rows

if TYPE_CHECKING:
    from papertape.feeds.describe import RecordingFacts
    from papertape.feeds.importers.files import Progress

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    epilog="Example: papertape data import recordings/btc5m",
)

MARKET_FOLDER = "market"
ROWS_SHOWN_MAX = 60  # instruments in the table; --json has them all
PERCENT_STEP = 10  # of the plain lines where there is no terminal


@app.callback()
def data() -> None:
    """Record real markets, import recordings, and say what is in them."""


@app.command(name="import", epilog="Example: papertape data import recordings/btc5m")
def import_(
    source: Annotated[Path, typer.Argument(help="A recording: file or folder.")],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Convert a recording of others once; malformed records are counted, never guessed."""
    folder = _imported(source, config, data_dir)
    _print_import("Imported", folder, as_json=as_json)


@app.command(
    epilog="Example: papertape data convert XRP_ETH-1m.feather --to data/market/xrp "
    "--symbol binance:XRP/ETH"
)
def convert(
    source: Annotated[Path, typer.Argument(help="A table or recording: file or folder.")],
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where; not there yet.")],
    symbol: Annotated[
        str, typer.Option("--symbol", metavar="VENUE:BASE/QUOTE", help="Of tables of candles.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Convert CSV, JSON lines, Parquet, feather or a recording of others into a folder."""
    from papertape.feeds.importers import convert_data

    with _progress() as progress:
        folder = convert_data(source, to, symbol=symbol, progress=progress)
    _print_import("Converted", folder, as_json=as_json)


@app.command(epilog="Example: papertape data info data/market/import-9d50007754ca --json")
def info(
    path: Annotated[Path, typer.Argument(help="A recording; one of others is imported first.")],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a recording holds: rows, span, instruments, gaps, malformed, duplicates."""
    folder = _imported(path, config, data_dir)
    from papertape.feeds.describe import describe
    from papertape.tape.recording import Recording

    facts = describe(Recording(folder))
    if as_json:
        print_json(_document(facts, folder))
    else:
        _print_facts(facts)


@app.command(epilog='Example: papertape data record --query "bitcoin up or down" --for 2h')
def record(
    markets: MarketsOption = None,
    query: QueryOption = None,
    span: Annotated[
        str | None, typer.Option("--for", metavar="2h", help="Stop by itself (ms, s, m, h, d).")
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record what real markets say, raw and normalised, within the quota; no trading.

    Each folder replays like any recording; its `raw` subfolder is what arrived, as it arrived.
    """
    from papertape.capturer import Capturer
    from papertape.logs import configure_logs

    chosen = settings(
        config,
        data_dir=data_dir,
        feed__kind="live",
        feed__speed=1.0,
        live__slugs=market_slugs(markets),
        live__query=query,
    )
    seconds = duration_s(span, "--for")
    configure_logs(
        chosen.logging.level,
        chosen.logging.format,
        file=chosen.data_dir / "logs" / "recorder.jsonl",
        secrets=[],
    )
    done = Capturer(chosen).run(seconds)
    if as_json:
        import msgspec

        print_json(msgspec.to_builtins(done))
        return
    print_pairs(
        "Recorded",
        {
            "folders": ", ".join(done.folders),
            "seconds": done.seconds,
            "raw entries": done.raw_entries,
            "raw bytes": done.raw_bytes,
            "items": done.items,
            "bytes": done.normalised_bytes,
            **done.counts,
        },
    )


def _print_import(title: str, folder: Path, *, as_json: bool) -> None:
    from papertape.tape.recording import Recording

    manifest = Recording(folder).manifest
    report: dict[str, Any] = manifest.meta.get("import_report", {})
    if as_json:
        print_json({"folder": str(folder), "rows": manifest.rows, "import_report": report})
        return
    print_pairs(title, {"folder": str(folder), "rows": manifest.rows, **_figures(report)})
    _print_findings(report)


def _imported(source: Path, config: Path | None, data_dir: Path | None) -> Path:
    from papertape.feeds.importers import import_data

    market_dir = settings(config, data_dir=data_dir).data_dir / MARKET_FOLDER
    with _progress() as progress:
        return import_data(source, market_dir, progress=progress)


@contextmanager
def _progress() -> Iterator[Progress]:
    """Give a bar on a terminal, plain lines on stderr otherwise."""
    if not sys.stderr.isatty():
        yield _plain_lines()
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    with Bars(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("importing", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _plain_lines() -> Progress:
    told = [0]

    def tell(done: int, total: int) -> None:
        percent = 100 * done // max(total, 1)
        if percent >= told[0] + PERCENT_STEP:
            told[0] = percent
            typer.echo(f"importing: {percent} %", err=True)

    return tell


def _document(facts: RecordingFacts, folder: Path) -> dict[str, Any]:
    import msgspec

    report = facts.import_report
    return {
        "folder": str(folder),
        **msgspec.to_builtins(facts),
        "gaps": facts.gaps,
        "breaks": facts.breaks,
        "malformed": report.get("malformed_rows", 0),
        "duplicates": report.get("duplicates", 0),
    }


def _print_facts(facts: RecordingFacts) -> None:
    from papertape.clock import NS_PER_S, iso_utc

    span_s = (facts.last_ts_ns - facts.first_ts_ns) // NS_PER_S
    print_pairs(
        facts.name,
        {
            "source": facts.source,
            "complete": facts.sealed,
            "rows": facts.rows,
            "bytes": facts.bytes,
            "from": iso_utc(facts.first_ts_ns) if facts.rows else None,
            "to": iso_utc(facts.last_ts_ns) if facts.rows else None,
            "hours": span_s / 3600,
            "instruments": len(facts.instruments),
            "markets": facts.markets,
            "resolved": facts.resolved,
            "gaps": facts.gaps,
            "books no longer trusted, times": facts.breaks,
            **_figures(facts.import_report),
        },
    )
    _print_findings(facts.import_report)
    if facts.raw is not None:
        said = {f"{kind} entries": count for kind, count in sorted(facts.raw.entries.items())}
        size = {"files": facts.raw.files, "bytes": facts.raw.bytes, "complete": not facts.raw.torn}
        print_pairs("Raw, as it arrived", {**size, **said})
    rows = [
        (each.symbol, each.books, each.quotes, each.bars, each.prints, each.gaps,
         each.longest_gap_ns / NS_PER_S, each.breaks, each.doubted_ns / NS_PER_S)
        for each in facts.instruments[:ROWS_SHOWN_MAX]
    ]  # fmt: skip
    columns = ["instrument", "books", "quotes", "bars", "prints", "gaps", "longest silence, s",
               "breaks", "doubted, s"]  # fmt: skip
    print_rows("Instruments", columns, rows)
    hidden = len(facts.instruments) - ROWS_SHOWN_MAX
    if hidden > 0:
        typer.echo(f"and {hidden:,} more: --json has them all")


def _figures(report: dict[str, Any]) -> dict[str, object]:
    """Return the counts of an import that a person wants to see at once."""
    names = {
        "malformed_rows": "malformed",
        "duplicates": "duplicates",
        "unverified": "hash not reproduced",
        "late": "receive time ran back",
        "dust_levels": "levels below one lot",
    }
    return {label: report[key] for key, label in names.items() if key in report}


def _print_findings(report: dict[str, Any]) -> None:
    """Print what an import found: its files, what it left out, what it kept and doubts."""
    from papertape.clock import iso_utc

    files = report.get("files", {})
    if files:
        rows = [
            (name, each["rows"], iso_utc(each["first_ns"]), iso_utc(each["last_ns"]),
             each["interval_s"], each["time_unit"], each["gaps"], each["duplicates"])
            for name, each in list(files.items())[:ROWS_SHOWN_MAX]
        ]  # fmt: skip
        columns = ["file", "rows", "from", "to", "bar, s", "time in", "gaps", "duplicates"]
        print_rows("Files", columns, rows)
    for title, key in (
        ("Malformed records, left out", "malformed"),
        ("Suspicious records, kept as they are", "suspicious"),
    ):
        found = [
            (reason, each["count"], ", ".join(each["first_at"]))
            for reason, each in sorted(report.get(key, {}).items())
        ]
        if found:
            print_rows(title, ["reason", "count", "first at"], found)
