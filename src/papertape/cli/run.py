"""`papertape run`: the bot alone."""

from __future__ import annotations

from collections.abc import Mapping

import typer

from papertape.cli.bot_choice import BotChoice, takes_bot_choice
from papertape.cli.options import JsonOption, secret_of
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
@takes_bot_choice
def run(choice: BotChoice, as_json: JsonOption = False) -> None:
    """Run the bot alone: strategies on a feed, trades on paper, everything on the tape."""
    import structlog

    from papertape.errors import ConfigError, RunningError
    from papertape.logs import configure_logs
    from papertape.runner import run_bot

    chosen = choice.settings()
    configure_logs(
        chosen.logging.level,
        chosen.logging.format,
        file=chosen.data_dir / "logs" / "bot.jsonl",
        secrets=[secret_of(chosen)],
    )
    log = structlog.get_logger("papertape.run")
    try:
        summary = run_bot(chosen, strategies=choice.strategy_names()).to_dict()
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
