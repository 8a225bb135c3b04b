"""`papertape walk-forward`: choose on the past, judge on what came after, again and again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from papertape.cli.backtest import (
    CashOption,
    FeesOption,
    FromOption,
    RecordingOption,
    ReportOption,
    StrategyOption,
    ToOption,
    check_target,
    parameters,
)
from papertape.cli.options import ConfigOption, DataDirOption, JsonOption, duration_s, settings
from papertape.cli.output import print_json, print_pairs, print_rows
from papertape.cli.sweep import (
    JobsOption,
    RayOption,
    SearchOption,
    SearchSeedOption,
    SpaceOption,
    TrialsOption,
    shown_progress,
)
from papertape.errors import CheckFailedError

if TYPE_CHECKING:
    from pathlib import Path

    from papertape.research.walk_forward import Scheme
    from papertape.research.walk_result import WalkForwardResult

app = typer.Typer(rich_markup_mode=None, add_completion=False)

WINDOWS_PRINTED = 40
LENGTHS = ("train", "test", "step", "warm-up", "purge", "embargo")
MAY_BE_ZERO = {"warm-up", "purge", "embargo"}

TrainOption = Annotated[
    str | None, typer.Option("--train", metavar="10d", help="In sample; default 30 % of the data.")
]
TestOption = Annotated[
    str | None, typer.Option("--test", metavar="2d", help="Out of sample after it; default 10 %.")
]
StepOption = Annotated[
    str | None, typer.Option("--step", metavar="2d", help="From window to window; default --test.")
]
AnchoredOption = Annotated[
    bool, typer.Option("--anchored", help="Every search begins at the beginning.")
]
WarmOption = Annotated[
    str | None, typer.Option("--warm-up", metavar="1h", help="Seen before a window, not counted.")
]
FoldsOption = Annotated[
    int | None, typer.Option("--folds", metavar="N", help="Purged cross-validation instead.")
]
JudgedOption = Annotated[
    int, typer.Option("--judged", metavar="N", help="Folds left out at once (combinatorial).")
]
PurgeOption = Annotated[
    str | None, typer.Option("--purge", metavar="1h", help="Default: the mean holding time.")
]
EmbargoOption = Annotated[
    str | None, typer.Option("--embargo", metavar="2h", help="Left out after a fold besides.")
]
OneObjectiveOption = Annotated[
    str, typer.Option("--objective", metavar="METRIC", help="To be high; with - in front low.")
]


@app.command(
    epilog="Example: papertape walk-forward --strategy momentum --data BTCUSDT_1m.csv.xz "
    "--param rise_bps=20..100:20 --train 10d --test 2d --report walk.html"
)
def walk_forward(
    strategy: StrategyOption,
    data: RecordingOption,
    param: SpaceOption,
    train: TrainOption = None,
    test: TestOption = None,
    step: StepOption = None,
    anchored: AnchoredOption = False,
    warm_up: WarmOption = None,
    folds: FoldsOption = None,
    judged: JudgedOption = 1,
    purge: PurgeOption = None,
    embargo: EmbargoOption = None,
    objective: OneObjectiveOption = "sharpe",
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
    """Search in each window of the past, and judge what was chosen on the data after it.

    Outcomes are kept in data/backtests/trials.db: the same command goes on where it was stopped.
    Exit 1 if no window was judged.
    """
    from papertape.research.walk_forward import walk_forward

    check_target(report)
    lengths = (train, test, step, warm_up, purge, embargo)
    began = time.perf_counter()
    with shown_progress() as (importing, progress):
        result = walk_forward(
            strategy,
            data,
            parameters(param),
            scheme=_scheme(lengths, anchored, folds or 0, judged),
            objective=objective,
            search=search,
            trials=trials,
            start=from_,
            end=to,
            initial_cash=initial_cash,
            fees=fees,
            seed=seed,
            jobs=jobs,
            ray=ray,
            config=settings(config, data_dir=data_dir),
            importing=importing,
            progress=progress,
        )
    _tell(result, report, began_s=began, as_json=as_json)
    return 0 if result.windows else CheckFailedError.exit_code


def _scheme(lengths: tuple[str | None, ...], anchored: bool, folds: int, judged: int) -> Scheme:
    """Return how time is split. lengths: as the options give them, in the order of LENGTHS."""
    from papertape.research.walk_forward import Scheme

    read = {
        f"{name.replace('-', '_')}_s": duration_s(text, f"--{name}", zero=name in MAY_BE_ZERO)
        for name, text in zip(LENGTHS, lengths, strict=True)
    }
    purge_s = read.pop("purge_s")
    known = {name: value or 0.0 for name, value in read.items()}
    return Scheme(anchored=anchored, folds=folds, judged=judged, purge_s=purge_s, **known)


def _tell(result: WalkForwardResult, report: Path | None, *, began_s: float, as_json: bool) -> None:
    from papertape.research.walk_report import write_walk_report

    written = None if report is None else write_walk_report(report, result)
    if as_json:
        print_json(result.to_dict() | {"report": str(written) if written else None})
    else:
        _print(result, written, time.perf_counter() - began_s)


def _print(result: WalkForwardResult, written: Path | None, took_s: float) -> None:
    from papertape.research.walk_result import JUDGED, params_text
    from papertape.research.words import interval_text, metric_text
    from papertape.services.metric_registry import BY_NAME

    facts = result.facts
    print_pairs(
        f"Walk-forward of {facts['strategy']} on {facts['data']}",
        {
            "from": facts["from"],
            "to": facts["to"],
            "scheme": f"{len(result.windows)} {facts['scheme']}",
            **({"purged, s": facts["purge_s"]} if "purge_s" in facts else {}),
            "search": facts["search"],
            **facts["space"],
            "objective": result.objective.word,
            "runs": facts["tries"],
            "known before": facts["from_store"],
            "failed": facts["failures"],
            "ended": facts["ended"],
        },
    )
    rows = [
        (
            one.number,
            params_text(one.params),
            one.tries,
            metric_text("sharpe", one.inside.get("sharpe")),
            metric_text("sharpe", one.outside.get("sharpe")),
            metric_text("total_return_pct", one.outside.get("total_return_pct")),
        )
        for one in result.windows[:WINDOWS_PRINTED]
    ]
    columns = ["window", "chosen", "of tries", "Sharpe in", "Sharpe out", "return out"]
    print_rows("Windows", columns, rows)
    figures = [
        (
            BY_NAME[name].label,
            metric_text(name, result.metrics.get(name)),
            interval_text(name, result.intervals.get(name)),
        )
        for name in JUDGED
    ]
    print_rows("Out of sample", ["metric", "value", "95 % interval"], figures)
    typer.echo("")
    for words in result.words:
        typer.echo(words)
    if written is not None:
        typer.echo(f"report     {written}")
    typer.echo(f"took       {took_s:.1f} s")
