# cython: annotation_typing=False, boundscheck=False, wraparound=False
# boundscheck: rows are whole, and instruments are held against their count.
"""Round trips of a loop's trades: from flat to flat, per instrument, in one pass over the rows."""

from __future__ import annotations

from array import array
from collections.abc import MutableSequence, Sequence

from papertape.core.loop_account import FIELDS_COUNT, TRADE_FIELDS
from papertape.errors import InvalidInputError

TS, INSTRUMENT, SIDE = (TRADE_FIELDS.index(name) for name in ("ts_ns", "instrument", "side"))
LOTS, FEE = TRADE_FIELDS.index("quantity_lots"), TRADE_FIELDS.index("fee_micros")
GAIN = TRADE_FIELDS.index("realized_micros")
SURE = TRADE_FIELDS.index("confidence_pct")
AT_TS, AT_INSTRUMENT, AT_SIDE, AT_LOTS = TS, INSTRUMENT, SIDE, LOTS  # as C integers
AT_FEE, AT_GAIN, AT_SURE, WIDTH = FEE, GAIN, SURE, FIELDS_COUNT
TRIP_FIELDS = 4  # opened_ns, closed_ns, net_micros, confidence_pct (-1: none was stated)


def round_trips(trades: Sequence[int], instruments: int) -> array[int]:
    """Return rows of TRIP_FIELDS, in the order in which the trips ended.

    trades: rows of TRADE_FIELDS from the account's start on. A trip's confidence is that of the
    signal that opened it; its net is after fees.
    """
    count = len(trades) // WIDTH
    row: Sequence[int] = trades
    held: MutableSequence[int] = array("q", bytes(8 * instruments))
    net: MutableSequence[int] = array("q", bytes(8 * instruments))
    opened: MutableSequence[int] = array("q", bytes(8 * instruments))
    sure: MutableSequence[int] = array("q", bytes(8 * instruments))
    found = array("q", bytes(8 * TRIP_FIELDS * count))
    trip: MutableSequence[int] = found
    trips = 0
    for number in range(count):
        at = number * WIDTH
        index = row[at + AT_INSTRUMENT]
        if not 0 <= index < instruments:
            raise InvalidInputError("instrument", index, f"below {instruments}")
        if not held[index]:
            net[index], opened[index], sure[index] = 0, row[at + AT_TS], row[at + AT_SURE]
        held[index] += row[at + AT_SIDE] * row[at + AT_LOTS]
        net[index] += row[at + AT_GAIN] - row[at + AT_FEE]
        if not held[index]:
            to = trips * 4
            trip[to], trip[to + 1] = opened[index], row[at + AT_TS]
            trip[to + 2], trip[to + 3] = net[index], sure[index]
            trips += 1
    trip = held  # lets go of the array, which is cut to what is in use
    del found[TRIP_FIELDS * trips :]
    return found
