"""`papertape sweep`: many parameters over the same data, and how much of the best is luck."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from papertape.cli.backtest import (
    PLAIN_LINE_EVERY_S,
    CashOption,
    FeesOption,
    FromOption,
    RecordingOption,
    ReportOption,
    StrategyOption,
    ToOption,
    check_target,
    parameters,
    plain_lines,
)
from papertape.cli.options import ConfigOption, DataDirOption, JsonOption, settings
from papertape.cli.output import print_json, print_pairs, print_rows
from papertape.errors import CheckFailedError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from papertape.research.backtest import Progress as StageProgress
    from papertape.research.sweep import Progress, Standing
    from papertape.research.sweep_result import SweepResult, Trial

app = typer.Typer(rich_markup_mode=None, add_completion=False)

REFRESH_PER_S = 4
ROWS_PRINTED = 10

SpaceOption = Annotated[
    list[str],
    typer.Option(
        "--param",
        metavar="K=RANGE",
        help="5..54, 0..1:0.25, 0.001..10:log5, 1,2,5 or one value; repeatable.",
    ),
]
ObjectiveOption = Annotated[
    list[str] | None,
    typer.Option(
        "--objective", metavar="METRIC", help="To be high; with - in front low. Several: front."
    ),
]
SearchOption = Annotated[str, typer.Option("--search", metavar="grid|random|tpe")]
TrialsOption = Annotated[
    int | None, typer.Option("--trials", help="Of a random or TPE search; default 100.")
]
SearchSeedOption = Annotated[int, typer.Option("--seed", help="Of chance and of the intervals.")]
JobsOption = Annotated[int | None, typer.Option("--jobs", help="Processes; default all cores.")]
RayOption = Annotated[
    str | None, typer.Option("--ray", metavar="ADDRESS|auto", help="Run on a Ray cluster.")
]


@app.command(
    epilog="Example: papertape sweep --strategy momentum --data recordings/BTCUSDT_1m.csv.xz "
    "--param rise_bps=10..100:10 --param window_s=300,900,3600 --report sweep.html"
)
def sweep(
    strategy: StrategyOption,
    data: RecordingOption,
    param: SpaceOption,
    objective: ObjectiveOption = None,
    search: SearchOption = "grid",
    trials: TrialsOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    initial_cash: CashOption = None,
    fees: FeesOption = "default",
    seed: SearchSeedOption = 7,
    jobs: JobsOption = None,
    ray: RayOption = None,
    report: ReportOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> int:
    """Try a strategy with many parameters on all cores, and say how much of the best is luck.

    Outcomes are kept in data/backtests/trials.db: Ctrl-C ends with what there is, and the same
    command goes on from there. Exit 1 if no combination can be judged.
    """
    from papertape.research.sweep import run_sweep
    from papertape.research.sweep_report import write_sweep_report

    check_target(report)
    chosen = settings(config, data_dir=data_dir)
    began = time.perf_counter()
    with shown_progress() as (importing, progress):
        result = run_sweep(
            strategy,
            data,
            parameters(param),
            objectives=objective or ("sharpe",),
            search=search,
            trials=trials,
            start=from_,
            end=to,
            initial_cash=initial_cash,
            fees=fees,
            seed=seed,
            jobs=jobs,
            ray=ray,
            config=chosen,
            importing=importing,
            progress=progress,
        )
    written = None if report is None else write_sweep_report(report, result)
    if as_json:
        print_json(result.to_dict() | {"report": str(written) if written else None})
    else:
        _print(result, written, time.perf_counter() - began)
    if result.best is None:
        typer.echo("papertape: no combination can be judged by its objectives", err=True)
        return CheckFailedError.exit_code
    return 0


# --- while it runs ------------------------------------------------------------------------------


@contextmanager
def shown_progress() -> Iterator[tuple[StageProgress, Progress]]:
    """Show how far it is: one live table on a terminal, plain lines otherwise."""
    clock = _Clock()
    if not sys.stderr.isatty():
        yield plain_lines(), clock.plain_line
        return
    from rich.console import Console
    from rich.live import Live

    live = Live(console=Console(stderr=True), refresh_per_second=REFRESH_PER_S, transient=True)
    with live:
        yield (
            lambda stage, done, total: live.update(f"{stage}: {100 * done // max(total, 1)} %"),
            lambda standing: live.update(_live_table(standing, clock)),
        )


class _Clock:
    """How long a search will take, from the tries that had to be run."""

    def __init__(self) -> None:
        self._began_s = self._told_s = time.perf_counter()

    def plain_line(self, standing: Standing) -> None:
        """Print where it is, now and then."""
        now = time.perf_counter()
        if now - self._told_s >= PLAIN_LINE_EVERY_S:
            self._told_s = now
            typer.echo(f"sweep: {self.text(standing)}", err=True)

    def text(self, standing: Standing) -> str:
        """Return counts, speed and time left in one line."""
        from papertape.research.words import duration

        run = standing.done - standing.found
        per_s = run / max(time.perf_counter() - self._began_s, 1e-9)
        words = [f"{standing.done:,} of {standing.total:,}"]
        if standing.found:
            words.append(f"{standing.found:,} of them known before")
        if standing.failed:
            words.append(f"{standing.failed:,} failed")
        if run:
            left_s = (standing.total - standing.done) / per_s
            words += [f"{per_s:,.1f} tries/s", f"{duration(left_s)} left"]
        return ", ".join(words)


def _live_table(standing: Standing, clock: _Clock) -> RenderableType:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    columns, rows = best_rows(standing.best)
    for name in columns:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*row)
    bar = ProgressBar(total=standing.total, completed=standing.done, width=60)
    return Group(bar, clock.text(standing), table)


def best_rows(best: list[Trial]) -> tuple[list[str], list[list[str]]]:
    """Return parameters and headline metrics of tries, as texts under their names."""
    from papertape.research.sweep_result import SHOWN
    from papertape.research.words import metric_text
    from papertape.services.metric_registry import BY_NAME

    if not best:
        return [], []
    names = list(best[0].params)
    rows = [
        [f"{one.params[name]:g}" for name in names]
        + [metric_text(name, one.outcome.figures.get(name)) for name in SHOWN]
        for one in best
    ]
    return names + [BY_NAME[name].label for name in SHOWN], rows


# --- what a person reads ------------------------------------------------------------------------


def _print(result: SweepResult, written: Path | None, took_s: float) -> None:
    facts = result.facts
    print_pairs(
        f"Sweep of {facts['strategy']} on {facts['data']}",
        {
            "from": facts["from"],
            "to": facts["to"],
            "search": facts["search"],
            **facts["space"],
            "fees": facts["fees_schedule"],
            "objectives": ", ".join(one.word for one in result.objectives),
            "tries": f"{facts['done']:,} of {facts['total']:,}",
            "known before": facts["from_store"],
            "failed": facts["failures"],
            "ended": facts["ended"],
        },
    )
    failed = next((one for one in result.trials if one.outcome.failure), None)
    if failed is not None:
        typer.echo(f"the first that failed: {failed.outcome.failure}")
    columns, rows = best_rows(result.ranked[:ROWS_PRINTED])
    if rows:
        print_rows("Best", columns, rows)
    if len(result.objectives) > 1:
        columns, rows = best_rows(list(result.front)[:ROWS_PRINTED])
        print_rows(f"Pareto front: {len(result.front):,} tries that none beats", columns, rows)
    _print_intervals(result)
    typer.echo("")
    for words in result.verdict.words:
        typer.echo(words)
    if result.backtest is not None:
        typer.echo(f"\nbacktest   {result.backtest.folder}")
    if written is not None:
        typer.echo(f"report     {written}")
    typer.echo(f"took       {took_s:.1f} s")


def _print_intervals(result: SweepResult) -> None:
    """Print the best one's headline metrics, each with its 95 % interval."""
    from papertape.research.words import interval_text, metric_text
    from papertape.services.metric_registry import BY_NAME

    if result.best is None or not result.intervals:
        return
    figures = result.best.outcome.figures
    rows = [
        (BY_NAME[name].label, metric_text(name, figures.get(name)), interval_text(name, ends))
        for name, ends in result.intervals.items()
    ]
    print_rows("The best one", ["metric", "value", "95 % interval"], rows)
