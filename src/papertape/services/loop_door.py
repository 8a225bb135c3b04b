"""The live door's checks of a signal, for the loop: what a backtest takes is what a bot takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from papertape.model.events import LegWanted
from papertape.model.instrument import Instrument
from papertape.model.signal import Signal
from papertape.services.signal_form import check_signal, wanted_legs


def exact_legs(
    signal: Any, instrument_of: Callable[[str], Instrument]
) -> tuple[Signal, tuple[LegWanted, ...]]:
    """Return a signal in our own types and its legs in the engine's integers.

    Raises InvalidInputError with the field that cannot be taken. This is `run_loop`'s `check`.
    """
    read = check_signal(signal)
    legs = wanted_legs(read, instrument_of)
    beyond = read.together != "each" or read.time_in_force in {"FOK", "GTD"}
    if beyond or any(leg.terms is not UNSET for leg in legs):
        raise NotImplementedError("stops, brackets and tied orders run live, not in the loop")
    return read, legs
