"""Scenarios: what the market does, what is ordered, and the records that must follow.

    == name of the scenario
    config latency_ms=100            settings of `execution`, `risk` or the listing (fee, min)
    book bid 49x100 ask 50x100 51x50 YES by default; prices in cents, sizes in shares
    print sell 30 at 49              a trade of others; the taker sold
    bar 100 105 95 101 x1000         of the pair: open, high, low, close, volume
    market halted | resolve 1 0
    buy 200 at 51 FOK                an order; also: stop, trail, stop_loss, take_profit, spend,
                                     post_only, reduce_only, GTD+60, `by name`
    oco / all / in_order unwind: buy 1 at 50 & buy 1 NO at 50
    cancel o1 | amend o1 qty 5 at 49
    = o1 filled 100 at 50 taker      what must be on the tape, in order

A second passes before each thing the market does, unless `+ms 50` stands at its end.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from papertape.model.events import (
    Event,
    OrderAccepted,
    OrderAmended,
    OrderCancelAsked,
    OrderChangeRefused,
    OrderClosed,
    OrderFilled,
    OrderSubmitted,
    OrderTriggered,
    PositionSettled,
    SetsMerged,
    SignalRefused,
)
from papertape.model.money import format_micros
from papertape.model.orders import NO_TERMS

FOLDER = Path(__file__).parent / "scenarios"
LINE = re.compile(r"(?P<words>.*?)(?: \+ms (?P<ms>[0-9]+))?$")


class Scenario(msgspec.Struct):
    """One scenario: its name, settings, what happens, and what must be on the tape."""

    name: str
    config: dict[str, str]
    steps: list[str]
    expected: list[str]


def read_scenarios() -> list[Scenario]:
    """Return every scenario of every file."""
    found = []
    for path in sorted(FOLDER.glob("*.txt")):
        for block in path.read_text(encoding="utf-8").split("\n== ")[1:]:
            name, *lines = block.strip().splitlines()
            scenario = Scenario(name=name.strip(), config={}, steps=[], expected=[])
            for line in (text.strip() for text in lines):
                if line.startswith("config "):
                    scenario.config.update(word.split("=") for word in line.split()[1:])
                elif line.startswith("= "):
                    scenario.expected.append(line[2:])
                elif line and not line.startswith("#"):
                    scenario.steps.append(line)
            found.append(scenario)
    return found


def pause_ms(step: str) -> tuple[str, int]:
    """Return a market step without its pause, and the pause."""
    match = LINE.fullmatch(step)
    assert match is not None
    return match["words"], int(match["ms"] or 1_000)


# --- what is on the tape, as a line -----------------------------------------------------------


def told(event: Event, pair: bool) -> str | None:
    """Return a record of an order's life as a line, None for other records."""
    teller = _TELLERS.get(type(event))
    return None if teller is None else teller(event, _Units(pair))


class _Units:
    """Cents and shares of outcome tokens; ticks and lots of the pair."""

    def __init__(self, pair: bool) -> None:
        self._scale = 1 if pair else 100

    def of(self, count: int | None) -> str:
        if count is None:
            return "none"
        whole, rest = divmod(count, self._scale)
        return f"{whole}.{rest:02d}" if rest else str(whole)


def _id(order_id: str) -> str:
    return order_id.rpartition(".")[2]


def _submitted(e: OrderSubmitted, u: _Units) -> str:
    where = "" if e.symbol.endswith(("YES", "USDT")) else f" {e.symbol.rpartition(':')[2]}"
    limit = "" if e.limit_ticks is None else f" at {u.of(e.limit_ticks)}"
    terms = NO_TERMS if e.terms is msgspec.UNSET else e.terms
    said = [
        f"{name} {u.of(value)}"
        for name, value in (("stop", terms.stop_ticks), ("trail", terms.trail_ticks))
        if value is not None
    ]
    said += [name for name in ("post_only", "reduce_only") if getattr(terms, name)]
    said += [f"for {_id(terms.parent)}"] if terms.parent else []
    said += [terms.purpose] if terms.purpose else []
    more = " ".join(["", *said])
    side = e.side.lower()
    return (
        f"{_id(e.order_id)} {side} {u.of(e.quantity_lots)}{where}{limit} {e.order_type}"
        f" {e.time_in_force}{more}"
    )


def _filled(e: OrderFilled, u: _Units) -> str:
    fee = f" fee {format_micros(e.fee_micros)}" if e.fee_micros else ""
    detail = None if e.evidence is None or e.evidence.detail is msgspec.UNSET else e.evidence.detail
    prints = f" by {len(detail.prints)} prints" if detail is not None and detail.prints else ""
    late = f" after {detail.latency_ns // 10**6} ms" if detail and detail.latency_ns else ""
    held = f" held {detail.delay_ns // 10**6} ms" if detail and detail.delay_ns else ""
    return (
        f"{_id(e.order_id)} filled {u.of(e.quantity_lots)} at {u.of(e.price_ticks)}"
        f" {e.liquidity}{fee}{prints}{late}{held}"
    )


def _accepted(e: OrderAccepted, u: _Units) -> str:
    late = f" after {e.latency_ns // 10**6} ms" if e.latency_ns else ""
    return f"{_id(e.order_id)} accepted{late} behind {u.of(e.ahead_lots)}"


def _amended(e: OrderAmended, u: _Units) -> str:
    limit = "" if e.limit_ticks is None else f" at {u.of(e.limit_ticks)}"
    stop = "" if e.stop_ticks is None else f" stop {u.of(e.stop_ticks)}"
    return f"{_id(e.order_id)} amended {u.of(e.remaining_lots)} left{limit}{stop}: {e.reason}"


_TELLERS: dict[type, Any] = {
    OrderSubmitted: _submitted,
    OrderFilled: _filled,
    OrderAccepted: _accepted,
    OrderAmended: _amended,
    OrderTriggered: lambda e, u: (
        f"{_id(e.order_id)} triggered at {u.of(e.stop_ticks)}, seen {u.of(e.seen_ticks)}"
    ),
    OrderCancelAsked: lambda e, u: (
        f"{_id(e.order_id)} cancel asked, {e.latency_ns // 10**6} ms away"
    ),
    OrderChangeRefused: lambda e, u: (
        f"{_id(e.order_id)} {e.change} refused: {e.code}{' ' + e.field if e.field else ''}"
    ),
    OrderClosed: lambda e, u: f"{_id(e.order_id)} {e.state} {u.of(e.remaining_lots)}: {e.reason}",
    SignalRefused: lambda e, u: f"refused {e.code}{' ' + e.field if e.field else ''}",
    PositionSettled: lambda e, u: (
        f"settled {u.of(e.quantity_lots)} for {format_micros(e.cash_micros)}"
    ),
    SetsMerged: lambda e, u: f"merged for {format_micros(e.cash_micros)}",
}
