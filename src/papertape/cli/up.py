"""`papertape up`: bot and dashboard together."""

from __future__ import annotations

import typer

from papertape.cli.options import (
    ConfigOption,
    DataDirOption,
    DataOption,
    DurationOption,
    FeedOption,
    HostOption,
    MarketsOption,
    PortOption,
    QueryOption,
    SeedOption,
    SpeedOption,
    StrategiesOption,
    duration_s,
    market_slugs,
    refuse_beside_live,
    settings,
    speed_value,
    strategy_names,
)
from papertape.cli.ports import refuse_taken
from papertape.cli.supervisor import Child, Supervisor

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog="Example: papertape up --port 5001 --strategies arbitrage,momentum")
def up(
    feed: FeedOption = None,
    data: DataOption = None,
    markets: MarketsOption = None,
    query: QueryOption = None,
    speed: SpeedOption = None,
    seed: SeedOption = None,
    strategies: StrategiesOption = None,
    duration: DurationOption = None,
    host: HostOption = None,
    port: PortOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> int:
    """Run bot and dashboard together, restart one that dies, stop both on Ctrl-C.

    The dashboard stays when the bot has come to the end of a recording.
    """
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
        dashboard__host=host,
        dashboard__port=port,
    )
    strategy_names(strategies)
    refuse_beside_live(chosen, markets, query)
    refuse_taken(chosen.dashboard.host, chosen.dashboard.port)
    shared = _words(("--config", config), ("--data-dir", data_dir))
    bot = _words(
        ("--feed", feed),
        ("--data", data),
        ("--markets", markets),
        ("--query", query),
        ("--speed", speed),
        ("--seed", seed),
        ("--strategies", strategies),
        ("--duration", duration),
    )
    web = _words(("--host", host), ("--port", port))
    children = [
        Child("bot", ["run", *bot, *shared]),
        Child("dashboard", ["dashboard", *web, *shared]),
    ]
    return Supervisor(children, chosen.dashboard.host, chosen.dashboard.port).run()


def _words(*options: tuple[str, object]) -> list[str]:
    return [word for name, value in options if value is not None for word in (name, str(value))]
