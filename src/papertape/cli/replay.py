"""`papertape replay`: the same market data again must give the same decisions and fills."""

from __future__ import annotations

from typing import Annotated

import typer

from papertape.cli.options import ConfigOption, DataDirOption, JsonOption, settings
from papertape.cli.verify import show_report

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog="Example: papertape replay 20261122T101500-1 --data-dir data")
def replay(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or `last`.")],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> int:
    """Feed a recorded run's market data to the engine again and compare decisions and fills.

    Nothing is written to the data folder. Exit 1 on any difference.
    """
    from papertape.logs import configure_logs
    from papertape.replayer import replay_run

    chosen = settings(config, data_dir=data_dir)
    configure_logs("warning", chosen.logging.format)
    return show_report(replay_run(chosen, run), f"Replay of run {run}", as_json=as_json)
