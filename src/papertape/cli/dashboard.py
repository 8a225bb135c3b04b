"""`papertape dashboard`: the web dashboard alone."""

from __future__ import annotations

import typer

from papertape.cli.options import (
    ConfigOption,
    DataDirOption,
    HostOption,
    PortOption,
    secret_of,
    settings,
)
from papertape.cli.ports import refuse_taken

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog="Example: papertape dashboard --data-dir data --port 5001")
def dashboard(
    host: HostOption = None,
    port: PortOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Serve the pages on what a bot records in the data folder; works while the bot is off."""
    from papertape.logs import configure_logs

    chosen = settings(config, data_dir=data_dir, dashboard__host=host, dashboard__port=port)
    configure_logs(
        chosen.logging.level,
        chosen.logging.format,
        file=chosen.data_dir / "logs" / "dashboard.jsonl",
        secrets=[secret_of(chosen)],
    )
    refuse_taken(chosen.dashboard.host, chosen.dashboard.port)
    from papertape.dashboard.server import serve

    serve(
        chosen.dashboard.host,
        chosen.dashboard.port,
        chosen.data_dir,
        secret_of(chosen),
        market_quota_mb=chosen.storage.market_quota_mb,
        notifications=chosen.notifications,
        config_path=config,
        recordings=tuple(chosen.dashboard.recordings),
    )
