"""Strategy: what a person writes. It sees the market and its holdings, and answers with signals.

class BuyTheDip(Strategy):
    name = "buy_the_dip"
    params = (Param("drop_ticks", int, 300, low=1, high=5000, unit="ticks"),)

    def on_book(self, book):
        ...
        return Signal(legs=(Leg(symbol=book.symbol, side="BUY", quantity="10"),), reason="dip")
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import msgspec

from papertape.errors import ConfigError, nearest_match, shown
from papertape.model.events import OrderFilled, PositionSettled
from papertape.model.instrument import Instrument
from papertape.model.market import EventGroup, Market
from papertape.model.market_data import BarSeen, BookSeen, PrintSeen, QuoteSeen
from papertape.model.open_order import OpenOrder
from papertape.model.orders import Amend, Cancel
from papertape.model.signal import Opportunity, Signal

Wish = Signal | Opportunity | Cancel | Amend
Answer = Wish | Sequence[Wish] | None
"""What a handler may return."""


TEXT_CHARS_MAX = 1_000  # a path


class Param(msgspec.Struct, frozen=True):
    """A declared parameter: name, type, default and range, with its unit."""

    name: str
    type: type[int] | type[float]
    default: float
    low: float
    high: float
    unit: str = ""
    doc: str = ""

    def parse(self, value: object, strategy: str) -> float:
        """Return a value from config or command line, checked against type and range."""
        expected = f"{self._kind()} from {self.low:g} to {self.high:g} {self.unit}".rstrip()
        text = value.strip() if isinstance(value, str) else value
        try:
            number = self.type(text) if isinstance(text, str) else text
        except ValueError:
            number = None
        whole = isinstance(number, int) and not isinstance(number, bool)
        if not whole and not (self.type is float and isinstance(number, float)):
            raise ConfigError(f"{strategy}.{self.name}: {shown(value)} is not {expected}")
        assert isinstance(number, int | float)
        if not self.low <= number <= self.high:
            raise ConfigError(f"{strategy}.{self.name}: {shown(value)} is not {expected}")
        return self.type(number)

    def _kind(self) -> str:
        return "a whole number" if self.type is int else "a number"


def refuse_unknown(strategy: str, known: Iterable[str], given: Iterable[str]) -> None:
    """Refuse a name that is none of a strategy's parameters, with the nearest one."""
    names = sorted(known)
    for key in given:
        if key not in names:
            near = nearest_match(key, names)
            hint = f"; did you mean {near!r}?" if near else f"; it has {names}"
            raise ConfigError(f"{strategy}.{key}: not a parameter of {strategy}{hint}")


class TextParam(msgspec.Struct, frozen=True):
    """A declared parameter that is a text: a path, a name."""

    name: str
    default: str
    doc: str = ""

    def parse(self, value: object, strategy: str) -> str:
        """Return a text from config or command line."""
        if not isinstance(value, str) or len(value) > TEXT_CHARS_MAX or "\0" in value:
            expected = f"a text of at most {TEXT_CHARS_MAX} characters"
            raise ConfigError(f"{strategy}.{self.name}: {shown(value)} is not {expected}")
        return value


class StrategyContext(Protocol):
    """What a strategy may look at besides the event in its hand."""

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Return the instruments by symbol."""
        ...

    @property
    def markets(self) -> Mapping[str, Market]:
        """Return the markets by id."""
        ...

    @property
    def groups(self) -> Mapping[str, EventGroup]:
        """Return the groups of markets by id."""
        ...

    def now_ns(self) -> int:
        """Return the run's time."""
        ...

    def book(self, symbol: str) -> BookSeen | None:
        """Return the newest book of an instrument, None if none was seen."""
        ...

    def held_lots(self, strategy: str, symbol: str) -> int:
        """Return what a strategy holds."""
        ...

    def tradable(self, symbol: str) -> bool:
        """Return whether the instrument's market trades."""
        ...

    def open_orders(self, strategy: str) -> list[OpenOrder]:
        """Return a strategy's open orders, oldest first."""
        ...


class Strategy:
    """Base of every strategy. Override the handlers you need; only those are called."""

    name: ClassVar[str] = ""
    params: ClassVar[tuple[Param, ...]] = ()
    texts: ClassVar[tuple[TextParam, ...]] = ()
    summary: ClassVar[str] = ""

    def __init__(self, **values: Any) -> None:
        """Take parameter values; the rest stay at their defaults. Unknown names are refused."""
        known = {param.name: param for param in self.declared()}
        refuse_unknown(self.name, known, values)
        for param in known.values():
            value = values.get(param.name, param.default)
            setattr(self, param.name, param.parse(value, self.name))
        self.tag = self.name
        self._context: StrategyContext | None = None

    @classmethod
    def declared(cls) -> list[Param | TextParam]:
        """Return all parameters, numbers first."""
        return [*cls.params, *cls.texts]

    # --- what the strategy may look at ----------------------------------------------------------

    def attach(self, context: StrategyContext, tag: str) -> None:
        """Connect to a run under a tag; done by the StrategyManager."""
        self._context = context
        self.tag = tag

    @property
    def context(self) -> StrategyContext:
        """Return the run's context; only inside a run."""
        assert self._context is not None, "the strategy is not in a run"
        return self._context

    def held_lots(self, symbol: str) -> int:
        """Return how many lots this strategy holds of an instrument."""
        return self.context.held_lots(self.tag, symbol)

    def open_orders(self, symbol: str = "") -> list[OpenOrder]:
        """Return this strategy's open orders (of one instrument), oldest first."""
        mine = self.context.open_orders(self.tag)
        return [kept for kept in mine if symbol in {"", kept.order.symbol}]

    def values(self) -> dict[str, Any]:
        """Return the parameter values in use."""
        return {one.name: getattr(self, one.name) for one in self.declared()}

    # --- handlers: override what you need -------------------------------------------------------

    def wants(self, instrument: Instrument) -> bool:
        """Return whether to be called for this instrument; asked once, when it is first seen."""
        return True

    def on_start(self) -> None:
        """Prepare: parameters and context are set."""

    def on_book(self, book: BookSeen) -> Answer:
        """Answer to a new book."""
        return None

    def on_quote(self, quote: QuoteSeen) -> Answer:
        """Answer to a new quote, from feeds that have no depth."""
        return None

    def on_bar(self, bar: BarSeen) -> Answer:
        """Answer to a bar that has just closed."""
        return None

    def on_print(self, seen: PrintSeen) -> Answer:
        """Answer to a trade of others."""
        return None

    def on_fill(self, fill: OrderFilled) -> Answer:
        """Take note of an own fill."""
        return None

    def on_settle(self, settled: PositionSettled) -> Answer:
        """Take note of an own position that was paid at resolution."""
        return None

    def forget(self, symbol: str) -> None:
        """Let go of what was kept for an instrument: its market is over."""

    def on_stop(self) -> None:
        """Clean up; nothing can be traded any more."""
