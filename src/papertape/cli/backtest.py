"""`papertape backtest`: a strategy over recorded data, by the engine that trades live."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from papertape.cli.options import ConfigOption, DataDirOption, JsonOption, settings
from papertape.cli.output import print_json, print_pairs, print_rows
from papertape.errors import CheckFailedError, ConfigError, shown

if TYPE_CHECKING:
    from papertape.research.result import Result

app = typer.Typer(rich_markup_mode=None, add_completion=False)

Progress = Callable[[str, int, int], None]

COUNTED = "backtest"  # the stage that is counted in market records
PLAIN_LINE_EVERY_S = 2.0  # where there is no terminal


StrategyOption = Annotated[
    str, typer.Option("--strategy", metavar="NAME", help="A name, or file.py:Class.")
]
RecordingOption = Annotated[
    Path, typer.Option("--data", metavar="PATH", help="A recording: file or folder.")
]
ParamOption = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="K=V", help="A parameter of the strategy; repeatable."),
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="ISO", help="Begin here, as 2025-01-10.")
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="ISO", help="End here.")]
CashOption = Annotated[
    str | None, typer.Option("--initial-cash", metavar="USD", help="Default 10000.")
]
FeesOption = Annotated[
    str, typer.Option("--fees", metavar="default|none|PPM", help="The venue's, none, or ppm.")
]
FillsOption = Annotated[
    str | None,
    typer.Option(
        "--fills",
        metavar="MODEL,..",
        help="naive, pessimistic, likely, optimistic; several, band or all: side by side.",
    ),
]
LatencyOption = Annotated[
    int | None,
    typer.Option("--latency-ms", metavar="MS", help="On its way; it meets the later book."),
]
SeedOption = Annotated[int, typer.Option("--seed", help="Of the confidence intervals.")]
ReportOption = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write an HTML report.")
]
LookaheadOption = Annotated[
    bool, typer.Option("--check-lookahead", help="Cut off the future; the past must stay.")
]


@app.command(
    epilog="Example: papertape backtest --strategy momentum --data recordings/BTCUSDT_1m.csv.xz "
    "--param rise_bps=40 --report out.html"
)
def backtest(
    strategy: StrategyOption,
    data: RecordingOption,
    param: ParamOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    initial_cash: CashOption = None,
    fees: FeesOption = "default",
    fills: FillsOption = None,
    latency_ms: LatencyOption = None,
    seed: SeedOption = 7,
    report: ReportOption = None,
    check_lookahead: LookaheadOption = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> int:
    """Run a strategy over recorded data: same books, fees and limits as live, on its own tape.

    The run stays in data/backtests; verify and export read it there. Exit 1 if the strategy
    failed (what it did until then is kept) or looks ahead.
    """
    from papertape.research.backtest import run_backtest

    check_target(report)
    chosen = settings(config, data_dir=data_dir)
    began = time.perf_counter()
    with progress_bars() as progress:
        result = run_backtest(
            strategy,
            data,
            params=parameters(param or []),
            initial_cash=initial_cash,
            start=from_,
            end=to,
            fees=fees,
            fills=fills,
            latency_ms=latency_ms,
            seed=seed,
            config=chosen,
            check_future=check_lookahead,
            progress=progress,
        )
    written = result.save_report(report) if report is not None else None
    if as_json:
        print_json(result.to_dict() | {"report": str(written) if written else None})
    else:
        _print(result, written, time.perf_counter() - began)
    if result.failure:
        typer.echo(f"papertape: {result.failure}; the results until then are kept", err=True)
        return CheckFailedError.exit_code
    return 0


def parameters(words: Sequence[str]) -> dict[str, str]:
    """Return `k=v` words as a dictionary; each name once."""
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise ConfigError(f"--param: {shown(word)} is not name=value, such as window_s=120")
        if name.strip() in given:
            raise ConfigError(f"--param: {name.strip()} is given twice")
        given[name.strip()] = value.strip()
    return given


def check_target(report: Path | None) -> None:
    """Refuse a report that could not be written, before the run."""
    if report is None:
        return
    if report.is_dir():
        raise ConfigError(f"--report: {report} is a folder, not a file such as out.html")
    if not report.absolute().parent.is_dir():
        raise ConfigError(f"--report: there is no folder {report.parent}")


# --- progress -----------------------------------------------------------------------------------


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Give a bar with records per second and time left on a terminal, plain lines otherwise."""
    if not sys.stderr.isatty():
        yield plain_lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}
        rate = _Rate()

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total, rate="")
            speed = rate.per_s(stage, done)
            shown_rate = f"{speed:,.0f} records/s" if speed and stage == COUNTED else ""
            bars.update(tasks[stage], completed=done, total=total, rate=shown_rate)

        yield tell


class _Rate:
    """How fast a stage goes, from when it was first told."""

    def __init__(self) -> None:
        self._began: dict[str, tuple[float, int]] = {}

    def per_s(self, stage: str, done: int) -> float:
        now = time.perf_counter()
        began, before = self._began.setdefault(stage, (now, done))
        return (done - before) / (now - began) if now > began else 0.0


def plain_lines() -> Progress:
    """Tell stages in lines, seldom."""
    rate = _Rate()
    told = time.perf_counter()

    def tell(stage: str, done: int, total: int) -> None:
        nonlocal told
        per_s = rate.per_s(stage, done)
        now = time.perf_counter()
        if now - told < PLAIN_LINE_EVERY_S or not per_s:
            return
        told = now
        speed = f", {per_s:,.0f} records/s" if stage == COUNTED else ""
        left_s = max(total - done, 0) / per_s
        percent = 100 * done // max(total, 1)
        typer.echo(f"{stage}: {percent} %{speed}, {left_s:,.0f} s left", err=True)

    return tell


# --- what a person reads ------------------------------------------------------------------------


def _print(result: Result, written: Path | None, took_s: float) -> None:
    from papertape.research.words import interval_text, metric_text
    from papertape.services.metric_registry import METRICS

    facts = result.facts
    print_pairs(
        f"Backtest of {facts['strategy']} on {facts['data']}",
        {
            "from": facts["from"],
            "to": facts["to"],
            "market records": facts["events"],
            "records per second": facts["events_per_s"],
            "signals": facts["signals"],
            "fills": facts["trades"],
            "positions settled": facts["settled"],
            "positions open at the end": facts["open_positions"],
            "ended": facts["ended"],
        },
    )
    rows = [
        (metric.label, metric_text(metric.name, value), interval_text(metric.name, ends))
        for metric in METRICS
        if (value := result.metrics.get(metric.name)) is not None
        for ends in (result.intervals.get(metric.name),)
    ]
    print_rows("", ("metric", "value", "95 % interval"), rows)
    _print_counts("Signals refused", facts["refused"])
    _print_counts("Opportunities seen and not taken", facts["skipped"])
    _print_answers(facts.get("fill_answers", ()))
    _print_places(result, written, took_s)


def _print_answers(answers: Sequence[Mapping[str, Any]]) -> None:
    """Print what the same signals came to under each fill model, against the first."""
    if not answers:
        return
    head = ("fills", "filled", "refused", "traded", "fees", "realized P&L", "total P&L", "against")
    rows = [
        (
            one["model"],
            f"{one['fills']:,}",
            f"{one['refused']:,}",
            f"{one['traded']:,.2f}",
            f"{one['fees']:,.2f}",
            f"{one['realized_pnl']:+,.2f}",
            f"{one['total_return']:+,.2f}",
            f"{one['difference']:+,.2f}" if number else "",
        )
        for number, one in enumerate(answers)
    ]
    print_rows("\nThe same signals under other fills", head, rows)


def _print_counts(title: str, counts: Mapping[str, int]) -> None:
    from papertape.research.words import refusal_text

    if counts:
        rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        print_rows(f"\n{title}", ("reason", "count"), [(refusal_text(k), n) for k, n in rows])


def _print_places(result: Result, written: Path | None, took_s: float) -> None:
    checked: dict[str, Any] | None = result.facts.get("lookahead")
    if checked:
        places = ", ".join(f"{point:,}" for point in checked["cut_after"])
        typer.echo(f"\nno look-ahead: the past stays when the future is cut after record {places}")
    typer.echo(f"\nstate hash {result.facts['state_hash']}")
    typer.echo(f"tape       {result.folder} (papertape verify --data-dir {result.folder})")
    if written is not None:
        typer.echo(f"report     {written}")
    typer.echo(f"took       {took_s:.1f} s")
