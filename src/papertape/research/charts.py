"""What the report draws, as plain JSON values: curve, months, days, distribution, costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from papertape.clock import NS_PER_MS
from papertape.model.money import MICROS
from papertape.research.collector import Collector
from papertape.research.metrics import Figures

CURVE_POINTS = 1_200  # about what a screen has columns
TRIPS_MAX = 2_000  # marks of round trips in the document; more are added up
BINS = 31  # of the distribution: odd, so that small gains and losses are told apart
TAIL = 0.01  # of round trips on each side that go into the outermost bins


def chart_data(run: Collector, metrics: Figures) -> dict[str, Any]:
    """Return the report's series."""
    return {
        "equity": _equity(run),
        "trips": _trips(run),
        "months": _months(run),
        "pnl": {"labels": list(run.net_by), "values": [x / MICROS for x in run.net_by.values()]},
        "distribution": distribution([net / MICROS for net in run.trips.net_micros]),
        "costs": _costs(run, metrics),
    }


def _trips(run: Collector) -> list[list[float]]:
    """Return [end in ms, net] of round trips, neighbours added up where there are many."""
    trips = run.trips
    per_mark = -(-len(trips.net_micros) // TRIPS_MAX) or 1
    return [
        [trips.closed_ns[i] // NS_PER_MS, sum(trips.net_micros[i : i + per_mark]) / MICROS]
        for i in range(0, len(trips.net_micros), per_mark)
    ]


def _equity(run: Collector) -> list[list[float]]:
    """Return [ms, equity, drawdown in percent] at even steps of time, extremes kept."""
    samples = run.curve.samples()
    values = even_steps([(ts_ns, value) for ts_ns, value, _ in samples])
    depths = even_steps([(ts_ns, _below(value, peak)) for ts_ns, value, peak in samples], low=True)
    return [
        [ts_ns // NS_PER_MS, value / MICROS, depth]
        for (ts_ns, value), (_, depth) in zip(values, depths, strict=True)
    ]


def even_steps(
    samples: Sequence[tuple[int, float]], points: int = CURVE_POINTS, *, low: bool = False
) -> list[tuple[int, float]]:
    """Return a curve at even steps, because a chart draws its points at even distances.

    Each step shows its last value, or its lowest with `low`; the steps with the highest and the
    lowest value of all show those. Where nothing was sampled, the value before goes on.
    """
    if not samples:
        return []
    first, last = samples[0][0], samples[-1][0]
    step = max(1, (last - first) // points)
    kept: dict[int, float] = {}
    for ts_ns, value in samples:
        slot = (ts_ns - first) // step
        kept[slot] = min(kept.get(slot, value), value) if low else value
    if not low:
        for extreme in (min(samples, key=_value), max(samples, key=_value)):
            slot = (extreme[0] - first) // step
            if slot not in {0, (last - first) // step}:  # the ends stay exact
                kept[slot] = extreme[1]
        kept[0] = samples[0][1]
    rows = []
    value = samples[0][1]
    for slot in range((last - first) // step + 1):
        value = kept.get(slot, value)
        rows.append((first + slot * step, value))
    return rows


def _value(sample: tuple[int, float]) -> float:
    return sample[1]


def _below(value: int, peak: int) -> float:
    return -100 * (1 - value / peak) if value < peak else 0.0


def _months(run: Collector) -> list[dict[str, Any]]:
    """Return the return of each month in percent, from one month's last mark to the next."""
    rows = []
    before = run.initial_micros
    for month, value in run.month_ends.items():
        rows.append({"month": month, "return_pct": 100 * (value / before - 1) if before else None})
        before = value
    return rows


def distribution(nets: Sequence[float]) -> list[dict[str, float]]:
    """Return bins {from, to, count} of equal, round width with an edge at 0; tails are cut in."""
    if not nets:
        return []
    ordered = sorted(nets)
    cut = int(len(ordered) * TAIL)
    low, high = ordered[cut], ordered[-1 - cut]
    width = _round_width((max(high, 0.0) - min(low, 0.0)) / (BINS - 1))
    first = math.floor(min(low, 0.0) / width)
    last = max(math.floor(max(high, 0.0) / width), first)
    counts = dict.fromkeys(range(first, last + 1), 0)
    for net in ordered:
        counts[min(max(math.floor(net / width), first), last)] += 1
    digits = max(0, 2 - math.floor(math.log10(width)))
    return [
        {
            "from": round(index * width, digits),
            "to": round((index + 1) * width, digits),
            "count": count,
        }
        for index, count in counts.items()
    ]


def bins_of(values: Sequence[float], span: Sequence[float]) -> list[dict[str, float]]:
    """Return bins {from, to, count} of equal width over all of `span`; values lie within it."""
    low, high = min(span), max(span)
    width = (high - low) / BINS or 1.0
    counts = [0] * BINS
    for value in values:
        counts[min(int((value - low) / width), BINS - 1)] += 1
    return [
        {"from": low + at * width, "to": low + (at + 1) * width, "count": count}
        for at, count in enumerate(counts)
    ]


def _round_width(least: float) -> float:
    """Return 1, 2 or 5 times a power of ten, at least one hundredth."""
    if least <= 0.01:
        return 0.01
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least * (1 - 1e-9))


def _costs(run: Collector, metrics: Figures) -> dict[str, float]:
    """Return how the result came about: what prices gave, less slippage, less fees."""
    net = (run.equity_micros - run.initial_micros) / MICROS
    fees = run.fees_micros / MICROS
    slippage = float(metrics["slippage"] or 0)
    return {
        "at_mid": net + fees + slippage,
        "slippage": slippage,
        "fees_taker": run.taker_fees_micros / MICROS,
        "fees_maker": (run.fees_micros - run.taker_fees_micros) / MICROS,
        "net": net,
        "maker_share_pct": 100 * run.maker_micros / traded
        if (traded := run.bought_micros + run.sold_micros)
        else 0.0,
        "initial": run.initial_micros / MICROS,
    }
