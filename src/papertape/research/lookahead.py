"""The look-ahead check: with the future cut off, everything decided before must stay the same.

A strategy here is shown one record at a time, so it cannot look ahead through the engine. What it
can do is remember an earlier run, roll dice, or look at the clock of the machine; all of that shows
as a past that changes. What no check sees is a strategy that reads the data file by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from random import Random

import msgspec

from papertape.clock import iso_utc
from papertape.errors import CheckFailedError
from papertape.model.events import (
    OpportunitySkipped,
    OrderClosed,
    OrderFilled,
    OrderSubmitted,
    Record,
    SignalRaised,
    SignalRefused,
    encode_event,
)
from papertape.research.session import Order, Session
from papertape.research.unkept import UnkeptLedger
from papertape.tape.follow import LedgerReader

POINTS = 4  # where the future is cut off: four runs of half the length on average
READ_RECORDS = 5_000
COMPARED = frozenset(
    {SignalRaised, SignalRefused, OpportunitySkipped, OrderSubmitted, OrderFilled, OrderClosed}
)
TEXT_CHARS_MAX = 300  # of a decision in the message


class LookAheadError(CheckFailedError):
    """Past decisions changed when the future was cut off."""


def cut_points(events: int, seed: int) -> list[int]:
    """Return after how many market records the future is cut off: one point in each stretch."""
    chance = Random(seed)
    stretch = events / POINTS
    points = {int(stretch * (i + chance.random())) for i in range(POINTS)}
    return sorted(point for point in points if 0 < point < events)


def check_lookahead(
    order: Order, tape: Path, events: int, progress: Callable[[int, int], None]
) -> list[int]:
    """Compare a finished run with runs whose future is cut off; return the points compared.

    tape: the ledger of the whole run, which told the strategy `events` records. progress: told
    points done and points in all. Raises LookAheadError naming the record and time of the first
    decision that differs.
    """
    points = cut_points(events, order.seed)
    for done, point in enumerate(points):
        progress(done, len(points))
        cut = _cut_run(order, point)
        reader = LedgerReader(tape)
        try:
            _compare(_decisions(reader, point), cut, point)
        finally:
            reader.close()
    return points


def _cut_run(order: Order, point: int) -> list[Record]:
    fresh = type(order.strategy)(**order.strategy.values())
    kept: list[Record] = []

    def keep(record: Record) -> None:
        if type(record.event) in COMPARED:
            kept.append(record)

    one = msgspec.structs.replace(order, strategy=fresh)
    Session(one, one.feed(stop_after=point), UnkeptLedger(keep), "lookahead", nothing).run()
    return kept


def nothing() -> None:
    """Do nothing between two records."""


def _decisions(reader: LedgerReader, last_mseq: int) -> Iterator[Record]:
    seq = 0
    while records := reader.read(seq, READ_RECORDS):
        for record in records:
            if record.mseq > last_mseq:
                return
            if type(record.event) in COMPARED:
                yield record
        seq = records[-1].seq


def _compare(whole: Iterator[Record], cut: list[Record], point: int) -> None:
    for full, part in zip_longest(whole, cut):
        if full is not None and part is not None and _line(full) == _line(part):
            continue
        either = min((one for one in (full, part) if one is not None), key=lambda one: one.mseq)
        raise LookAheadError(
            f"look-ahead: the decision on market record {either.mseq:,} "
            f"({iso_utc(either.ts_ns)}) changes when the future after record {point:,} is cut "
            f"off; with the future: {_text(full)}; without it: {_text(part)}"
        )


def _line(record: Record) -> tuple[int, bytes]:
    return record.mseq, encode_event(record.event)


def _text(record: Record | None) -> str:
    if record is None:
        return "nothing"
    return encode_event(record.event).decode()[:TEXT_CHARS_MAX]
