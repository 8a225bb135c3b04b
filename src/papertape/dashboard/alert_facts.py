"""What alert rules need to know, read off the follower at one moment, and no more than they need.

A heartbeat that is old because this process slept is no dead bot: its silence counts only from
when we have been looking without a pause.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from papertape.clock import NS_PER_S
from papertape.dashboard import picture
from papertape.dashboard.follower import Follower
from papertape.dashboard.numbers import quantity
from papertape.services.alerts import AlertRule, Facts, Fill

GAP_NS = 3 * NS_PER_S  # between two looks: more means that this process slept
FILLS_MAX = 500  # newest fills of one look
PPM_TO_MICRO_PERCENT = 100


class Observer:
    """Looks at the follower for the rules that there are."""

    def __init__(self, follower: Follower) -> None:
        """Look at this follower."""
        self._follower = follower
        self._looking_since_ns = 0
        self._looked_ns = 0

    def facts(self, rules: Collection[AlertRule], after_seq: int) -> Facts:
        """Return what the rules need; fills are those after a record."""
        seen, view = self._follower, self._follower.view
        now_ns = seen.now_ns()
        if not 0 <= now_ns - self._looked_ns <= GAP_NS:
            self._looking_since_ns = now_ns
        self._looked_ns = now_ns
        running = picture.bot(seen)["state"] == "running"
        feed = picture.feed(seen, running)
        kinds = {rule.kind for rule in rules}
        money = self._money(now_ns) if kinds & {"pnl", "drawdown"} else {}
        return Facts(
            now_ns=now_ns,
            engine_ns=picture.engine_now_ns(seen),
            seq=view.seq,
            running=running,
            silent_s=self._silent_s(now_ns),
            feed_state=str(feed["state"]),
            feed_age_s=None if feed["age_ms"] is None else feed["age_ms"] / 1_000,
            venue_ages_s={one["name"]: one["age_ms"] / 1_000 for one in feed["venues"]},
            prices_nanos=self._prices({rule.symbol for rule in rules if rule.kind == "price"}),
            stopped=self._stopped(),
            resolving=self._resolving() if "resolution" in kinds else {},
            signals=self._signals() if "refusals" in kinds else (),
            fills=self._fills(after_seq) if "fill" in kinds else (),
            **money,
        )

    def _silent_s(self, now_ns: int) -> float | None:
        beat = self._follower.heartbeat
        if beat is None:
            return None
        if picture.bot(self._follower)["state"] == "stopped":
            return 0.0
        return max(0, now_ns - max(beat.wall_ns, self._looking_since_ns)) / NS_PER_S

    def _stopped(self) -> dict[str, str]:
        """Return what was disabled or stopped of the strategies that this run began with."""
        view = self._follower.view
        begun = view.run.strategies if view.run else ()
        return {
            name: f"{score.status}: {score.status_reason}".removesuffix(": ")
            for name, score in view.strategies.scores.items()
            if name in begun and score.status in ("disabled", "stopped")
        }

    def _money(self, now_ns: int) -> dict[str, Any]:
        view = self._follower.view
        if view.run is None:
            return {}
        equity = view.portfolio.equity_micros()
        day_ns = view.last_ts_ns if view.mode == "REPLAY" else now_ns
        return {
            "today_micros": view.equity.today_micros(equity, day_ns),
            "total_micros": equity - view.portfolio.accounts.initial_micros,
            "drawdown_micros": view.portfolio.fallen_ppm() * PPM_TO_MICRO_PERCENT,
        }

    def _prices(self, symbols: set[str]) -> dict[str, int]:
        """Return mid prices; of a book with one side only that side's."""
        found = {}
        for symbol in symbols:
            quote = self._follower.quotes.get(symbol)
            instrument = self._follower.view.instruments.get(symbol)
            if quote is None or instrument is None or quote.state != "live":
                continue
            sides = [
                ticks
                for ticks, lots in (
                    (quote.bid_ticks, quote.bid_lots),
                    (quote.ask_ticks, quote.ask_lots),
                )
                if lots
            ]
            if sides:
                found[symbol] = sum(sides) * instrument.tick_nanos // len(sides)
        return found

    def _resolving(self) -> dict[str, tuple[str, int]]:
        seen = self._follower
        now_ns = picture.engine_now_ns(seen)
        found = {}
        for _, symbol in seen.view.portfolio.accounts.positions:
            instrument = seen.view.instruments.get(symbol)
            market = seen.view.markets.get(instrument.market_id) if instrument else None
            if market is None or not market.end_ns:
                continue
            if seen.view.market_states.get(market.market_id) == "trading":
                left_s = (market.end_ns - now_ns) // NS_PER_S
                found[market.market_id] = (market.question or market.market_id, left_s)
        return found

    def _signals(self) -> tuple[tuple[int, bool], ...]:
        signals = self._follower.view.activity.recent_signals
        return tuple((row["ts_ns"], row["state"] == "refused") for row in signals)

    def _fills(self, after_seq: int) -> tuple[Fill, ...]:
        rows = self._follower.view.trades.get_recent_trades(FILLS_MAX)
        return tuple(
            Fill(
                seq=row["seq"],
                strategy=row["strategy"],
                symbol=row["symbol"],
                words=f"{row['strategy']}: {row['side']} {quantity(row['quantity'])} "
                f"{self._name(row['symbol'])} at {row['price']:g}",
            )
            for row in reversed(rows)
            if row["kind"] == "fill" and row["seq"] > after_seq
        )

    def _name(self, symbol: str) -> str:
        """Return an instrument as people know it: the market's question and the outcome."""
        instrument = self._follower.view.instruments.get(symbol)
        market = self._follower.view.markets.get(instrument.market_id) if instrument else None
        if instrument is None or market is None or not market.question:
            return symbol
        return f"{market.question} {instrument.outcome}".strip()
