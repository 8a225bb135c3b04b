"""papertape: trading strategies on paper, with honest fills and exact books.

    from papertape import Strategy, Signal, Leg

is the whole contract of a strategy file, `run_backtest` tries it on recorded data; everything else
is found in its own room.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from papertape.model.orders import Amend, Cancel, Terms
    from papertape.model.signal import Leg, Opportunity, Signal
    from papertape.research.backtest import run_backtest
    from papertape.research.sweep import run_sweep
    from papertape.research.walk_forward import walk_forward
    from papertape.strategies.base import Param, Strategy

__version__ = "0.1.0"
__all__ = [
    "Amend",
    "Cancel",
    "Leg",
    "Opportunity",
    "Param",
    "Signal",
    "Strategy",
    "Terms",
    "__version__",
    "run_backtest",
    "run_sweep",
    "walk_forward",
]

_HOME = {
    "Amend": "papertape.model.orders",
    "Cancel": "papertape.model.orders",
    "Terms": "papertape.model.orders",
    "Leg": "papertape.model.signal",
    "Opportunity": "papertape.model.signal",
    "Signal": "papertape.model.signal",
    "Param": "papertape.strategies.base",
    "Strategy": "papertape.strategies.base",
    "run_backtest": "papertape.research.backtest",
    "run_sweep": "papertape.research.sweep",
    "walk_forward": "papertape.research.walk_forward",
}


def __getattr__(name: str) -> object:
    """Fetch a public name when it is first used, so that `papertape --help` stays quick."""
    if name not in _HOME:
        raise AttributeError(f"module 'papertape' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
