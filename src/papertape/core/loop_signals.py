# cython: annotation_typing=False
"""A strategy's signals become integers: usual ones here, the rest by the live door's checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from papertape.core.loop_slot import Slot, Want
from papertape.errors import InvalidInputError, nearest_match
from papertape.model.events import LegWanted
from papertape.model.instrument import Instrument
from papertape.model.signal import Leg, Opportunity, Signal

LOTS_MAX = (1 << 63) - 1
ANSWERS_MAX = 100  # signals of one answer: more is a strategy gone wrong
PERCENT = 100
REASON_PLAIN_MAX = 100  # characters of a reason that need no closer look

Check = Callable[[Any, Callable[[str], Instrument]], tuple[Signal, tuple[LegWanted, ...]]]
"""Returns a signal in our own types and its legs, or raises InvalidInputError."""


class Wish:
    """A signal in the engine's integers."""

    def __init__(self, wants: list[Want], gtc: bool, all_or_none: bool, signal_id: str) -> None:
        """Take the legs."""
        self.wants = wants
        self.symbol: str = wants[0].slot.symbol
        self.gtc = gtc
        self.all_or_none = all_or_none
        self.signal_id = signal_id
        self.grouped = all_or_none and len(wants) > 1  # a set: its round trip ends with all of it

    def same(self, other: Wish) -> bool:
        """Return whether both want the same legs."""
        if len(self.wants) != len(other.wants):
            return False
        for at in range(len(self.wants)):
            mine, theirs = self.wants[at], other.wants[at]
            if not mine.same(theirs):
                return False
        return True


def wished_before(wish: Wish, earlier: list[Wish]) -> bool:
    """Return whether one of the earlier wishes is the same."""
    return any(wish.same(one) for one in earlier)


class Failure(Exception):  # noqa: N818  what a strategy did wrong, carried to the loop
    """A strategy answered nonsense; the run ends there."""


class SetsWantedError(NotImplementedError):
    """A strategy trades complete sets, which the loop's account does not know."""


class SignalReader:
    """Reads signals; those it saw last it knows by identity.

    Signals are frozen. A strategy that trades often may make its few signals once and answer with
    the same objects again: nothing is read twice then, here or live.
    """

    def __init__(self, slots: dict[str, Slot], check: Check | None) -> None:
        """Read for these instruments by symbol; `check` reads what is not in plain integers."""
        self.slots = slots
        self.check = check
        self.newest: Any = None
        self.older: Any = None
        self.newest_wish: Wish | None = None
        self.older_wish: Wish | None = None

    def read(self, signal: Any) -> Wish:
        """Return the wish of a signal; InvalidInputError names the field that is wrong."""
        if signal is self.newest and self.newest_wish is not None:
            return self.newest_wish
        if signal is self.older and self.older_wish is not None:
            self.newest, self.older = self.older, self.newest
            self.newest_wish, self.older_wish = self.older_wish, self.newest_wish
            return self._newest()
        wish = self._plain(signal)
        if wish is None:
            wish = self._checked(signal)
        self.older, self.older_wish = self.newest, self.newest_wish
        self.newest, self.newest_wish = signal, wish
        return wish

    def forget(self) -> None:
        """Read the next signals anew: an instrument has changed."""
        self.newest = self.older = None

    def _newest(self) -> Wish:
        assert self.newest_wish is not None
        return self.newest_wish

    def _plain(self, signal: Any) -> Wish | None:
        """Read the usual form: one leg in lots and ticks; None if it is anything else."""
        if type(signal) is not Signal:
            return None
        legs = signal.legs
        if type(legs) is not tuple or len(legs) != 1 or type(legs[0]) is not Leg:
            return None
        leg = legs[0]
        side, lots, limit, gtc = leg.side, leg.quantity_lots, leg.limit_ticks, signal.time_in_force
        slot = self.slots.get(leg.symbol) if type(leg.symbol) is str else None
        plain = (
            slot is not None
            and (side == "BUY" or side == "SELL")  # noqa: PLR1714  a foreign object may have no hash
            and leg.quantity is None
            and leg.limit is None
            and leg.terms is None
            and type(lots) is int
            and 0 < lots <= LOTS_MAX
            and (limit is None or type(limit) is int)
            and (gtc == "IOC" or gtc == "GTC")  # noqa: PLR1714
            and signal.all_or_none is False
            and signal.then == "none"
            and signal.signal_id == ""
            and (signal.confidence_pct is None or type(signal.confidence_pct) is int)
            and 0 <= (signal.confidence_pct or 0) <= PERCENT
            and signal.expected_edge_micros is None
            and type(signal.reason) is str
            and len(signal.reason) <= REASON_PLAIN_MAX
            and signal.reason.isprintable()
        )
        if not plain:
            return None
        assert slot is not None
        assert lots is not None
        if limit is not None:
            slot.instrument.check_ticks(limit)
        want = Want(slot, side == "BUY", lots, limit is not None, limit or 0)
        if signal.confidence_pct is not None:
            want.confidence = signal.confidence_pct
        return Wish([want], gtc == "GTC", False, "")

    def _checked(self, signal: Any) -> Wish:
        if self.check is None:
            raise InvalidInputError("signal", signal, "one leg in lots and ticks")
        read, legs = self.check(signal, self._instrument)
        if read.then != "none":
            raise SetsWantedError(f"signals that {read.then} a set run live, not in the loop")
        wants = [
            Want(
                self.slots[leg.symbol],
                leg.side == "BUY",
                leg.quantity_lots,
                leg.limit_ticks is not None,
                leg.limit_ticks or 0,
            )
            for leg in legs
        ]
        for want in wants:
            want.confidence = -1 if read.confidence_pct is None else read.confidence_pct
        return Wish(wants, read.time_in_force == "GTC", read.all_or_none, read.signal_id)

    def _instrument(self, symbol: str) -> Instrument:
        slot = self.slots.get(symbol)
        if slot is None:
            near = nearest_match(symbol, self.slots)
            raise InvalidInputError("symbol", symbol, "a listed instrument", nearest=near)
        instrument: Instrument = slot.instrument
        return instrument


def listed(answer: Any) -> list[Any]:
    """Return an answer as a list of signals and opportunities; Failure if it is anything else."""
    if answer is None:
        return []
    if isinstance(answer, Signal | Opportunity):
        return [answer]
    if not isinstance(answer, list | tuple):
        raise Failure(f"answered with {type(answer).__name__}, not a Signal")
    if len(answer) > ANSWERS_MAX:
        raise Failure(f"answered with {len(answer)} signals at once, more than {ANSWERS_MAX}")
    for one in answer:
        if not isinstance(one, Signal | Opportunity):
            raise Failure(f"answered with a list of {type(one).__name__}, not of Signal")
    return list(answer)


def said(error: BaseException) -> str:
    """Return what went wrong in one short line."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  a strategy's own exception may fail in any way
        text = "an error that cannot say what it is"
    line = text.encode("ascii", "backslashreplace").decode()[:500]
    return line if isinstance(error, Failure) else f"{type(error).__name__}: {line}"
