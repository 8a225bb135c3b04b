"""`papertape run`: the bot alone."""

from __future__ import annotations

from collections.abc import Mapping

import typer

from papertape.cli.options import (
    ConfigOption,
    DataDirOption,
    DataOption,
    DurationOption,
    FeedOption,
    JsonOption,
    MarketsOption,
    QueryOption,
    SeedOption,
    SpeedOption,
    StrategiesOption,
    duration_s,
    market_slugs,
    refuse_beside_live,
    secret_of,
    settings,
    speed_value,
    strategy_names,
)
from papertape.cli.output import print_json, print_pairs, print_rows

app = typer.Typer(rich_markup_mode=None, add_completion=False)

FIGURES = {  # key of the summary -> what people call it
    "run_id": "run",
    "mode": "mode",
    "state_hash": "state hash",
    "events": "market events",
    "events_per_s": "events per second",
    "signals": "signals",
    "trades": "trades",
    "settled": "positions settled",
    "open_positions": "positions open",
    "fees": "fees",
    "realized_pnl": "realized P&L",
    "total_return": "total return",
    "total_return_pct": "total return %",
    "max_drawdown_pct": "max drawdown %",
}

COUNTED = (  # key of the summary, title, what is counted
    ("refused", "Signals refused", "reason"),
    ("skipped", "Opportunities seen and not taken", "test that failed"),
)


@app.command(epilog="Example: papertape run --feed replay --data recordings/btc5m --speed max")
def run(
    feed: FeedOption = None,
    data: DataOption = None,
    markets: MarketsOption = None,
    query: QueryOption = None,
    speed: SpeedOption = None,
    seed: SeedOption = None,
    strategies: StrategiesOption = None,
    duration: DurationOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the bot alone: strategies on a feed, trades on paper, everything on the tape."""
    import structlog

    from papertape.errors import ConfigError, RunningError
    from papertape.logs import configure_logs
    from papertape.runner import run_bot

    chosen = settings(
        config,
        data_dir=data_dir,
        feed__kind=feed,
        feed__data=data,
        live__slugs=market_slugs(markets),
        live__query=query,
        feed__speed=speed_value(speed),
        feed__seed=seed,
        feed__duration_s=duration_s(duration),
    )
    refuse_beside_live(chosen, markets, query)
    configure_logs(
        chosen.logging.level,
        chosen.logging.format,
        file=chosen.data_dir / "logs" / "bot.jsonl",
        secrets=[secret_of(chosen)],
    )
    log = structlog.get_logger("papertape.run")
    try:
        summary = run_bot(chosen, strategies=strategy_names(strategies)).to_dict()
    except (ConfigError, RunningError):
        raise  # said to the person who asked; there was no run
    except Exception as error:
        log.error("the bot failed", error=str(error), kind=type(error).__name__)
        raise
    told = {name: summary[name] for name in ("run_id", "trades", "seq") if name in summary}
    log.info("the bot has stopped", **told)
    if as_json:
        print_json(summary)
    else:
        print_summary(summary)


def print_summary(summary: Mapping[str, object]) -> None:
    """Print the figures of a run, then what was refused or not taken, and why."""
    figures = {label: summary[key] for key, label in FIGURES.items() if key in summary}
    print_pairs("Run", figures)
    for key, title, column in COUNTED:
        counts = summary.get(key)
        if isinstance(counts, Mapping) and counts:
            rows = sorted(counts.items(), key=lambda item: (-int(item[1]), item[0]))
            print_rows(f"\n{title}", [column, "count"], rows)
