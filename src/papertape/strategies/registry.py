"""The shipped strategies by name, and strategies from a person's own file."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from papertape.errors import ConfigError, nearest_match
from papertape.strategies.arbitrage import Arbitrage
from papertape.strategies.base import Strategy
from papertape.strategies.cross_venue_arbitrage import CrossVenueArbitrage
from papertape.strategies.market_making import MarketMaking
from papertape.strategies.mean_reversion import MeanReversion
from papertape.strategies.momentum import Momentum
from papertape.strategies.news import News
from papertape.strategies.statistical_arbitrage import StatisticalArbitrage
from papertape.strategies.threshold import Threshold
from papertape.strategies.volatility_breakout import VolatilityBreakout

SHIPPED: dict[str, type[Strategy]] = {
    strategy.name: strategy
    for strategy in (
        Arbitrage, Momentum, MeanReversion,
        VolatilityBreakout, News, StatisticalArbitrage, Threshold, MarketMaking,
        CrossVenueArbitrage,
    )
}  # fmt: skip

BY_DEFAULT = ("arbitrage", "momentum", "mean_reversion")
"""What runs where nobody chose; the others are asked for by name or switched on in the config."""


def strategy_class(name: str) -> type[Strategy]:
    """Return the strategy of a shipped name or of `file.py:Class`."""
    if ":" in name and ".py" in name:
        return _from_file(name)
    if name not in SHIPPED:
        near = nearest_match(name, SHIPPED)
        hint = f"; did you mean {near!r}?" if near else f"; there are {', '.join(SHIPPED)}"
        raise ConfigError(f"strategies: {name!r} is not a strategy{hint}")
    return SHIPPED[name]


def _from_file(name: str) -> type[Strategy]:
    path_text, _, class_name = name.rpartition(":")
    path = Path(path_text)
    if not path.is_file():
        raise ConfigError(f"strategies: no file {path_text!r} (wanted {name!r})")
    module_name = f"papertape_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ConfigError(f"strategies: {path}: {type(error).__name__}: {error}") from error
    found = getattr(module, class_name, None)
    if not isinstance(found, type) or not issubclass(found, Strategy):
        known = [
            key
            for key, value in vars(module).items()
            if isinstance(value, type) and issubclass(value, Strategy) and value is not Strategy
        ]
        near = nearest_match(class_name, known)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ConfigError(f"strategies: {path} has no strategy {class_name!r}{hint}")
    if not found.name:
        found.name = class_name
    return found
