"""The options that commands share, and how they become a Config."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from papertape.errors import ConfigError, shown

if TYPE_CHECKING:
    from papertape.config import Config

DEFAULT_CONFIG = Path("config.yaml")
DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)?", re.ASCII)
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}

ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings; default ./config.yaml.")
]
DataDirOption = Annotated[
    Path | None, typer.Option("--data-dir", metavar="DIR", help="Data folder; default ./data.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
FeedOption = Annotated[
    str | None, typer.Option("--feed", metavar="KIND", help="simulated, replay or live.")
]
MarketsOption = Annotated[
    str | None, typer.Option("--markets", metavar="SLUG,SLUG", help="live: these markets.")
]
QueryOption = Annotated[
    str | None,
    typer.Option("--query", metavar="TEXT", help="live: words, tag:X, volume>N, ends<2h."),
]
SymbolsOption = Annotated[
    str | None,
    typer.Option("--symbols", metavar="VENUE:A/B,…", help="live: these pairs of crypto venues."),
]
KalshiOption = Annotated[
    str | None, typer.Option("--kalshi", metavar="TICKER,…", help="live: these markets of Kalshi.")
]
VenuesOption = Annotated[
    str | None, typer.Option("--venues", metavar="A,B", help="live: polymarket, crypto, kalshi.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="PATH", help="The recording to replay.")
]
SpeedOption = Annotated[
    str | None, typer.Option("--speed", metavar="X|max", help="Times real speed, or max.")
]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Of the simulated markets.")]
StrategiesOption = Annotated[
    str | None, typer.Option("--strategies", metavar="A,B", help="Only these; default all.")
]
DurationOption = Annotated[
    str | None, typer.Option("--duration", metavar="60s", help="Stop by itself (ms, s, m, h, d).")
]
OneFillsOption = Annotated[
    str | None,
    typer.Option("--fills", metavar="MODEL", help="naive, pessimistic, likely or optimistic."),
]
HostOption = Annotated[str | None, typer.Option("--host", help="Address to listen on.")]
PortOption = Annotated[int | None, typer.Option("--port", help="Port to listen on; default 5001.")]


def settings(config: Path | None, **given: object) -> Config:
    """Return the Config of file, environment and these options.

    Keyword names are key paths with `__` for the point (`feed__kind`); None means not given.
    """
    from papertape.config import load_config

    path = config
    if path is None and DEFAULT_CONFIG.is_file():
        path = DEFAULT_CONFIG
    overrides = {name.replace("__", "."): value for name, value in given.items()}
    return load_config(path, os.environ, overrides)


def secret_of(config: Config) -> str | None:
    """Return the access token that the environment gives, None if it gives none."""
    token = config.dashboard.token
    return token.get_secret_value() if token else None


def speed_value(text: str | None) -> object:
    """Return the speed option as a config value."""
    from papertape.config_yaml import plain_value

    return None if text is None else plain_value(text)


def duration_s(text: str | None, option: str = "--duration", *, zero: bool = False) -> float | None:
    """Return `60s`, `5m`, `1.5h` or plain seconds as seconds; zero: none at all is one too."""
    if text is None:
        return None
    match = DURATION.fullmatch(text.strip())
    if match is None or not (zero or float(match[1])):
        raise ConfigError(f"{option}: {shown(text)} is not a duration such as 60s, 5m or 1.5h")
    return float(match[1]) * SECONDS[match[2] or "s"]


def market_slugs(text: str | None) -> list[str] | None:
    """Return the slugs of `a,b` in order, each once; None if the option was not given."""
    return words_of(text, "markets", "market slugs")


def refuse_beside_live(config: Config, **given: str | None) -> None:
    """Refuse a choice of real markets for a feed that has none."""
    names = [f"--{name}" for name, value in given.items() if value is not None]
    if config.feed.kind != "live" and names:
        said = " and ".join(names)
        raise ConfigError(f"{said}: they choose real markets and need --feed live")


def words_of(text: str | None, option: str, example: str) -> list[str] | None:
    """Return the words of `a,b` in order, each once; None if the option was not given."""
    if text is None:
        return None
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise ConfigError(f"--{option}: {shown(text)} is not {example} with commas between")
    return list(dict.fromkeys(words))


def strategy_names(text: str | None) -> list[str] | None:
    """Return the names of `a,b` in order, each once; None if the option was not given."""
    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise ConfigError(f"--strategies: {shown(text)} is not names such as arbitrage,momentum")
    return list(dict.fromkeys(names))
