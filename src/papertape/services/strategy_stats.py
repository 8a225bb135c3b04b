"""StrategyStats: what each strategy did and earned, as a fold of the tape."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

from papertape.clock import iso_utc
from papertape.model.events import (
    Event,
    OpportunitySkipped,
    OrderFilled,
    PositionSettled,
    Record,
    RunStarted,
    RunStopped,
    SetsConverted,
    SetsMerged,
    SetsSplit,
    SignalRaised,
    SignalRefused,
    StrategyStateChanged,
)
from papertape.model.money import MICROS
from papertape.services.histogram import Histogram
from papertape.services.round_trips import RoundTrips
from papertape.services.series import BoundedSeries, Sample

CURVE_BUCKETS = 512  # per strategy: a sparkline and a comparison chart

COUNTS = (
    "signals", "refused", "skipped", "trades", "wins", "losses", "breakeven", "realized_micros",
    "fees_micros", "won_micros", "lost_micros", "net_micros", "square_micros", "peak_micros",
    "drawdown_micros", "last_signal_ns", "last_refused_ns", "expected_micros", "moment_ns",
    "moment_micros", "losing_streak", "lost_ns",
)  # fmt: skip


class StrategyScore:
    """One strategy's tally; money in micros, exact."""

    def __init__(self) -> None:
        """Start at zero."""
        self.status = "stopped"
        self.status_reason = ""
        self.last_signal = ""
        self.last_refusal = ""
        self.signals = self.refused = self.skipped = self.trades = 0
        self.wins = self.losses = self.breakeven = 0
        self.realized_micros = self.fees_micros = self.expected_micros = 0
        self.won_micros = self.lost_micros = self.net_micros = self.square_micros = 0
        self.peak_micros = self.drawdown_micros = 0
        self.moment_ns = self.moment_micros = 0
        self.losing_streak = self.lost_ns = 0
        self.last_signal_ns = self.last_refused_ns = 0
        self.curve = BoundedSeries(CURVE_BUCKETS)

    def trip(self, net_micros: int, ts_ns: int) -> None:
        """Count a finished round trip by what it earned after fees."""
        self.losing_streak = self.losing_streak + 1 if net_micros < 0 else 0
        self.lost_ns = ts_ns if net_micros < 0 else self.lost_ns
        self.net_micros += net_micros
        self.square_micros += net_micros * net_micros
        if net_micros > 0:
            self.wins += 1
            self.won_micros += net_micros
        elif net_micros < 0:
            self.losses += 1
            self.lost_micros -= net_micros
        else:
            self.breakeven += 1

    def earned(self, ts_ns: int) -> None:
        """Note the running total after a realised gain or a fee.

        Legs that are paid in one moment count together: between them the total means nothing.
        """
        if ts_ns != self.moment_ns and self.moment_ns:
            self.peak_micros, self.drawdown_micros = self._heights()
            self.curve.add(self.moment_ns, self.moment_micros)
        self.moment_ns, self.moment_micros = ts_ns, self.realized_micros - self.fees_micros

    def _heights(self) -> tuple[int, int]:
        peak = max(self.peak_micros, self.moment_micros)
        return peak, max(self.drawdown_micros, peak - self.moment_micros)

    @property
    def worst_micros(self) -> int:
        """Return the largest fall of the running total from its highest so far."""
        return self._heights()[1]

    def points(self, count: int) -> list[Sample]:
        """Return about `count` samples of the running total, the newest included."""
        newest = [(self.moment_ns, self.moment_micros, 0)] if self.moment_ns else []
        return self.curve.samples(count) + newest

    @property
    def trips(self) -> int:
        """Return how many round trips are finished."""
        return self.wins + self.losses + self.breakeven

    def sharpe(self) -> float | None:
        """Return mean over standard deviation of round-trip P&L, per trip, not annualised."""
        n = self.trips
        if n < 2:
            return None
        spread = n * self.square_micros - self.net_micros * self.net_micros
        if spread <= 0:
            return None
        deviation = math.sqrt(spread / (n * (n - 1)))
        return round(self.net_micros / n / deviation, 4)


class StrategyStats:
    """Scores by strategy, and the distribution of what round trips earned."""

    takes: ClassVar[frozenset[type[Event]]] = frozenset(
        {
            RunStarted,
            RunStopped,
            StrategyStateChanged,
            SignalRaised,
            SignalRefused,
            OpportunitySkipped,
            OrderFilled,
            PositionSettled,
            SetsMerged,
            SetsConverted,
            SetsSplit,
        }
    )

    def __init__(self) -> None:
        """Start empty."""
        self.initial_micros = 0
        self.scores: dict[str, StrategyScore] = {}
        self.round_trips = RoundTrips()
        self.distribution = Histogram()

    def score(self, strategy: str) -> StrategyScore:
        """Return the tally of a strategy, a new one if it never acted."""
        score = self.scores.get(strategy)
        if score is None:
            score = self.scores[strategy] = StrategyScore()
        return score

    def apply(self, record: Record) -> None:
        """Take one record of the tape."""
        handler = _HANDLERS.get(type(record.event))
        if handler is not None:
            handler(self, record)
        for trip in self.round_trips.apply(record):
            self.score(trip.strategy).trip(trip.net_micros, record.ts_ns)
            self.distribution.add(trip.net_micros)

    def _run_started(self, record: Record) -> None:
        event = record.event
        assert isinstance(event, RunStarted)
        if event.fresh:
            self.__init__()  # type: ignore[misc]
            self.initial_micros = event.initial_cash_micros
        for name, score in self.scores.items():
            if score.status != "paused" or name not in event.strategies:
                score.status = "stopped"
        for strategy in event.strategies:
            if self.score(strategy).status != "paused":  # a restart does not lift a pause
                self.score(strategy).status = "running"

    def _run_stopped(self, record: Record) -> None:
        assert isinstance(record.event, RunStopped)
        for score in self.scores.values():
            if score.status == "running":
                score.status = "stopped"

    def _state(self, record: Record) -> None:
        event = record.event
        assert isinstance(event, StrategyStateChanged)
        score = self.score(event.strategy)
        score.status, score.status_reason = event.state, event.reason

    def _raised(self, record: Record) -> None:
        event = record.event
        assert isinstance(event, SignalRaised)
        score = self.score(event.strategy)
        score.signals += 1
        score.last_signal_ns = record.ts_ns
        score.last_signal = event.reason
        score.expected_micros += event.expected_edge_micros or 0

    def _refused(self, record: Record) -> None:
        event = record.event
        assert isinstance(event, SignalRefused)
        score = self.score(event.strategy)
        score.signals += 1
        score.refused += 1
        score.last_signal_ns = score.last_refused_ns = record.ts_ns
        score.last_refusal = event.reason

    def _skipped(self, record: Record) -> None:
        assert isinstance(record.event, OpportunitySkipped)
        self.score(record.event.strategy).skipped += 1

    def _filled(self, record: Record) -> None:
        event = record.event
        assert isinstance(event, OrderFilled)
        score = self.score(event.strategy)
        score.trades += 1
        score.realized_micros += event.realized_micros
        score.fees_micros += event.fee_micros
        if event.realized_micros or event.fee_micros:
            score.earned(record.ts_ns)

    def _realized(self, record: Record) -> None:
        event = record.event
        assert isinstance(event, PositionSettled | SetsMerged | SetsConverted)
        score = self.score(event.strategy)
        score.realized_micros += event.realized_micros
        score.earned(record.ts_ns)

    # --- reading --------------------------------------------------------------------------------

    def rows(self, unrealized_micros: Callable[[str], int] | None = None) -> list[dict[str, Any]]:
        """Return one row per strategy, best net P&L first; money in the quote currency."""
        rows = [
            self._row(name, score, unrealized_micros(name) if unrealized_micros else 0)
            for name, score in self.scores.items()
        ]
        return sorted(rows, key=lambda row: (-row["net_pnl"], row["strategy"]))

    def _row(self, name: str, score: StrategyScore, unrealized_micros: int) -> dict[str, Any]:
        trips = score.trips
        base = self.initial_micros
        return {
            "id": name,
            "strategy": name,
            "status": score.status,
            "status_reason": score.status_reason,
            "signals": score.signals,
            "refused": score.refused,
            "skipped": score.skipped,
            "trades": score.trades,
            "round_trips": trips,
            "wins": score.wins,
            "losses": score.losses,
            "win_rate": round(100 * score.wins / trips, 4) if trips else None,
            "realized_pnl": score.realized_micros / MICROS,
            "unrealized_pnl": unrealized_micros / MICROS,
            "fees": score.fees_micros / MICROS,
            "net_pnl": (score.realized_micros - score.fees_micros) / MICROS,
            "expected_edge": score.expected_micros / MICROS,
            "avg_trade_pnl": round(score.net_micros / trips) / MICROS if trips else None,
            "profit_factor": _ratio(score.won_micros, score.lost_micros),
            "sharpe": score.sharpe(),
            "max_drawdown_pct": round(100 * score.worst_micros / base, 4) if base else 0.0,
            "last_signal_at": iso_utc(score.last_signal_ns) if score.last_signal_ns else None,
            "last_signal": score.last_signal,
            "last_refusal": score.last_refusal,
            "last_refusal_at": iso_utc(score.last_refused_ns) if score.last_refused_ns else None,
            "curve": [[ts, total / MICROS] for ts, total, _ in score.points(60)],
        }

    # --- state ----------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Return the state as JSON-able values; counts as text, squares outgrow 64 bits."""
        return {
            "initial_micros": self.initial_micros,
            "round_trips": self.round_trips.snapshot(),
            "distribution": self.distribution.snapshot(),
            "scores": {
                name: {
                    "words": [s.status, s.status_reason, s.last_signal, s.last_refusal],
                    "counts": [str(getattr(s, count)) for count in COUNTS],
                    "curve": s.curve.snapshot(),
                }
                for name, s in self.scores.items()
            },
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `snapshot` returned."""
        self.initial_micros = state["initial_micros"]
        self.round_trips.restore(state["round_trips"])
        self.distribution.restore(state["distribution"])
        self.scores = {}
        for name, kept in state["scores"].items():
            s = self.score(name)
            s.status, s.status_reason, s.last_signal, s.last_refusal = kept["words"]
            for count, value in zip(COUNTS, kept["counts"], strict=True):
                setattr(s, count, int(value))
            s.curve.restore(kept["curve"])


def _ratio(won: int, lost: int) -> float | None:
    return round(won / lost, 4) if lost else None


_HANDLERS: dict[type, Callable[[StrategyStats, Record], None]] = {
    RunStarted: StrategyStats._run_started,
    RunStopped: StrategyStats._run_stopped,
    StrategyStateChanged: StrategyStats._state,
    SignalRaised: StrategyStats._raised,
    SignalRefused: StrategyStats._refused,
    OpportunitySkipped: StrategyStats._skipped,
    OrderFilled: StrategyStats._filled,
    PositionSettled: StrategyStats._realized,
    SetsMerged: StrategyStats._realized,
    SetsConverted: StrategyStats._realized,
}
