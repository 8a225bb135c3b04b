"""StrategyManager: asks each strategy about what was seen, and keeps their failures apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from papertape.model.events import OrderFilled, PositionSettled
from papertape.model.instrument import Instrument
from papertape.strategies.base import Answer, Strategy, StrategyContext, Wish

ANSWERS_MAX = 100  # signals of one strategy to one event: more is a strategy gone wrong
NS_PER_MS = 1_000_000
HANDLERS = ("on_book", "on_quote", "on_bar", "on_print")
REASON_CHARS_MAX = 500  # of an exception's message on the tape

Asked = tuple[str, Wish]
"""(tag of the strategy, what it answered)"""


class Failure(Exception):  # noqa: N818  a strategy's failure, carried to whoever records it
    """A strategy raised or answered nonsense; it is disabled from here on."""


class StrategyManager:
    """Calls only the handlers that a strategy overrides, only for instruments that it wants."""

    def __init__(
        self,
        strategies: Mapping[str, Strategy],
        *,
        on_disabled: Callable[[str, str], None],
        on_slow: Callable[[str, int], None],
        slow_call_ms: int = 1_000,
    ) -> None:
        """Take strategies by tag; `on_disabled` and `on_slow` put what happened on the tape."""
        self._strategies = dict(strategies)
        self._on_disabled = on_disabled
        self._on_slow = on_slow
        self._slow_ns = slow_call_ms * NS_PER_MS
        self._disabled: dict[str, str] = {}
        self._paused: set[str] = set()
        self._routes: dict[tuple[str, str], list[tuple[str, Callable[[Any], Answer]]]] = {}
        self._instruments: Mapping[str, Instrument] = {}

    @property
    def tags(self) -> tuple[str, ...]:
        """Return the strategies' tags in order."""
        return tuple(self._strategies)

    def start(self, context: StrategyContext) -> None:
        """Attach and start every strategy."""
        self._instruments = context.instruments
        for tag, strategy in self._strategies.items():
            strategy.attach(context, tag)
            self._guarded(tag, strategy.on_start)

    def stop(self) -> None:
        """Tell every strategy that the run ends."""
        for tag, strategy in self._strategies.items():
            if tag not in self._disabled:
                self._guarded(tag, strategy.on_stop)

    def pause(self, tag: str, paused: bool) -> None:
        """Stop or resume asking a strategy."""
        (self._paused.add if paused else self._paused.discard)(tag)

    def refusal(self, tag: str) -> str:
        """Return why a strategy cannot be commanded: unknown, or disabled for what it did."""
        if tag not in self._strategies:
            return f"no strategy {tag!r} runs; there are {', '.join(self._strategies)}"
        if tag in self._disabled:
            return f"{tag} was disabled: {self._disabled[tag]}"
        return ""

    def ask(self, handler: str, symbol: str, seen: Any) -> Iterator[Asked]:
        """Ask every interested strategy and yield what it wants."""
        for tag, call in self._known_routes(handler, symbol):
            if tag not in self._disabled and tag not in self._paused:
                yield from self._answers(tag, call, seen)

    def routes(self, handler: str, symbol: str) -> list[tuple[str, Callable[[Any], Answer]]]:
        """Return whom to ask, for a caller that asks by itself; `fail` takes what they raise."""
        return [
            (tag, call)
            for tag, call in self._known_routes(handler, symbol)
            if tag not in self._disabled and tag not in self._paused
        ]

    def listed(self, tag: str, answer: Answer) -> list[Wish]:
        """Return an answer as a list; a strategy that answers nonsense is disabled."""
        return self._guarded(tag, lambda: list(_listed(answer))) or []

    def fail(self, tag: str, error: BaseException) -> None:
        """Disable a strategy for what it raised."""
        self._disable(tag, _said(error))

    def _known_routes(self, handler: str, symbol: str) -> list[tuple[str, Callable[[Any], Answer]]]:
        routes = self._routes.get((handler, symbol))
        if routes is None:
            routes = self._routes[handler, symbol] = self._route(handler, symbol)
        return routes

    def forget(self, symbol: str) -> None:
        """Let go of an instrument whose market is over, and let the strategies do so."""
        for handler in HANDLERS:
            self._routes.pop((handler, symbol), None)
        for tag, strategy in self._strategies.items():
            if tag not in self._disabled:
                self._guarded(tag, partial(strategy.forget, symbol))

    def tell_fill(self, fill: OrderFilled) -> Iterator[Asked]:
        """Tell the owner of a fill, and yield what it wants next."""
        yield from self._tell(fill.strategy, "on_fill", fill)

    def tell_settled(self, settled: PositionSettled) -> Iterator[Asked]:
        """Tell the owner of a position that was paid, and yield what it wants next."""
        yield from self._tell(settled.strategy, "on_settle", settled)

    def _tell(self, tag: str, handler: str, seen: object) -> Iterator[Asked]:
        strategy = self._strategies.get(tag)
        if strategy is not None and tag not in self._disabled and _overrides(strategy, handler):
            yield from self._answers(tag, getattr(strategy, handler), seen)

    def _route(self, handler: str, symbol: str) -> list[tuple[str, Callable[[Any], Answer]]]:
        routes = []
        for tag, strategy in self._strategies.items():
            if _overrides(strategy, handler) and self._wanted(tag, strategy, symbol):
                routes.append((tag, getattr(strategy, handler)))
        return routes

    def _wanted(self, tag: str, strategy: Strategy, symbol: str) -> bool:
        instrument = self._instruments[symbol]
        return bool(self._guarded(tag, lambda: strategy.wants(instrument)))

    def _answers(self, tag: str, call: Callable[[Any], Answer], seen: Any) -> Iterator[Asked]:
        began = time.perf_counter_ns()
        answer = self._guarded(tag, lambda: call(seen))
        took_ns = time.perf_counter_ns() - began
        if took_ns > self._slow_ns:
            self._on_slow(tag, took_ns // NS_PER_MS)
        if answer is None:
            return
        for one in self.listed(tag, answer):
            yield tag, one

    def _guarded(self, tag: str, call: Callable[[], Any]) -> Any:
        """Call a strategy's code; whatever it raises disables it and nothing else."""
        try:
            return call()
        except (Exception, SystemExit) as error:  # noqa: BLE001  a strategy may fail in any way
            self._disable(tag, _said(error))
            return None

    def _disable(self, tag: str, reason: str) -> None:
        if tag not in self._disabled:
            self._disabled[tag] = reason
            self._on_disabled(tag, reason)


def _said(error: BaseException) -> str:
    """Return what went wrong in one short line that can be written to the tape."""
    try:
        said = str(error)
    except Exception:  # noqa: BLE001  a strategy's own exception may fail in any way
        said = "an error that cannot say what it is"
    line = said.encode("ascii", "backslashreplace").decode()[:REASON_CHARS_MAX]
    return line if isinstance(error, Failure) else f"{type(error).__name__}: {line}"


def _overrides(strategy: Strategy, handler: str) -> bool:
    return getattr(type(strategy), handler) is not getattr(Strategy, handler)


def _listed(answer: Answer) -> Iterable[Wish]:
    if isinstance(answer, Wish):
        return (answer,)
    if not isinstance(answer, list | tuple):
        raise Failure(f"answered with {type(answer).__name__}, not a Signal")
    if len(answer) > ANSWERS_MAX:
        raise Failure(f"answered with {len(answer)} signals at once, more than {ANSWERS_MAX}")
    for one in answer:
        if not isinstance(one, Wish):
            raise Failure(f"answered with a list of {type(one).__name__}, not of Signal")
    return answer
