"""statistical_arbitrage: two pairs that move together; buys the one that has fallen behind.

Idea: the ratio of two related prices (ETH and BTC, say) wanders around its own average. When it is
`entry_z` deviations away, the cheap side is bought, and sold when the ratio has come back. Spot
cannot be sold short here, so only the cheap leg is traded: what is left of the whole market's move
stays as risk, half of the classical trade (Gatev, Goetzmann and Rouwenhorst 2006, RFS 19(3)).
Loses money when the relation breaks, and when both fall.
"""

from __future__ import annotations

import math
from typing import ClassVar

from papertape.model.instrument import Instrument
from papertape.strategies.base import Answer, Param
from papertape.strategies.long_only import HALF, NS_PER_S, LongOnly
from papertape.strategies.window import TimeWindow

SCALE = 1_000_000_000  # log ratios are kept as whole billionths
PEERS_MAX = 8  # per instrument: pairs grow with the square


class StatisticalArbitrage(LongOnly):
    """Buy the cheap one of two spot pairs at `entry_z`; leave at `exit_z`, on a stop or in time."""

    name: ClassVar[str] = "statistical_arbitrage"
    summary: ClassVar[str] = "Buys the pair that has fallen behind a related one."
    params: ClassVar[tuple[Param, ...]] = (
        *(p for p in LongOnly.params if p.name not in ("window_s", "hold_s", "warm_s")),
        Param("window_s", int, 300, 10, 86_400, "s", "span of the average of the ratio"),
        Param("warm_s", int, 120, 0, 86_400, "s", "least span of data before an entry"),
        Param("hold_s", int, 600, 1, 86_400, "s", "longest time in a position"),
        Param("entry_z", float, 2.5, 0.5, 20, "deviations", "distance that is worth an entry"),
        Param("exit_z", float, 0.5, 0, 20, "deviations", "distance at which it has come back"),
        Param("stop_share", float, 2.0, 1, 100, "x", "distance over that at entry: it has broken"),
        Param("apart_s", int, 5, 1, 600, "s", "most that the two prices may lie apart in time"),
        Param("floor_bps", float, 5.0, 0, 2000, "bps", "least distance worth trading"),
        Param("cost_multiple", float, 1.0, 0, 100, "x", "distance over the cost of in and out"),
    )
    entry_z: float
    exit_z: float
    stop_share: float
    apart_s: int
    floor_bps: float
    cost_multiple: float

    def on_start(self) -> None:
        """Forget all ratios."""
        super().on_start()
        self._seen: dict[str, tuple[int, int, int, int]] = {}  # ts_ns, mid, way out, spread
        self._ratios: dict[tuple[str, str], TimeWindow] = {}
        self._compared_ns: dict[tuple[str, str], int] = {}
        self._against: dict[str, str] = {}  # what is held: the peer it was bought against
        self._entry_away: dict[str, float] = {}

    def wants(self, instrument: Instrument) -> bool:
        """Return whether it is a pair; outcomes of one market are no two things."""
        return instrument.kind == "spot"

    def forget(self, symbol: str) -> None:
        """Let go of an instrument's prices and ratios."""
        super().forget(symbol)
        for kept in (self._seen, self._against, self._entry_away):
            kept.pop(symbol, None)
        for pair in [pair for pair in self._ratios if symbol in pair]:
            del self._ratios[pair]
            self._compared_ns.pop(pair, None)

    def look(self, symbol: str, ts_ns: int, mid: int, out: int, spread_ticks: int) -> Answer:
        """Compare with every peer that was seen lately."""
        self._seen[symbol] = (ts_ns, mid, out, spread_ticks)
        self.window(symbol).add(ts_ns, mid)
        answers = []
        for peer in list(self._seen)[:PEERS_MAX]:
            if peer != symbol and self._comparable(symbol, peer, ts_ns):
                answer = self._compare(min(symbol, peer), max(symbol, peer), ts_ns)
                if answer is not None:
                    answers.append(answer)
        return answers[0] if answers else self._late(symbol, ts_ns, out)

    def _comparable(self, symbol: str, peer: str, ts_ns: int) -> bool:
        mine, other = self.context.instruments[symbol], self.context.instruments[peer]
        alike = (mine.venue, mine.quote_currency) == (other.venue, other.quote_currency)
        return alike and ts_ns - self._seen[peer][0] <= self.apart_s * NS_PER_S

    def _compare(self, first: str, second: str, ts_ns: int) -> Answer:
        """Judge log(first / second) against its own window, then let it be part of it.

        Only when both have spoken since the last time: one new price beside an old one is not a
        ratio that anybody saw (Epps 1979, JASA 74).
        """
        if min(self._seen[first][0], self._seen[second][0]) <= self._compared_ns.get(
            (first, second), -1
        ):
            return None
        self._compared_ns[first, second] = ts_ns
        ratio = round(math.log(self._seen[first][1] / self._seen[second][1]) * SCALE)
        window = self._ratios.get((first, second))
        if window is None:
            window = self._ratios[first, second] = TimeWindow(self.window_s * NS_PER_S)
        answer: Answer = None
        if window.count and window.covers(ts_ns, self.warm_s * NS_PER_S):
            deviation = window.deviation()
            away = ratio - window.mean()
            if deviation > 0:
                cheap, dear = (second, first) if away > 0 else (first, second)
                answer = self._act(cheap, dear, ts_ns, abs(away) / deviation, abs(away) / SCALE)
        window.add(ts_ns, ratio)
        return answer

    def _act(self, cheap: str, dear: str, ts_ns: int, z: float, away: float) -> Answer:
        for held_symbol, against in ((cheap, dear), (dear, cheap)):
            held = self.held_lots(held_symbol)
            if held and self._against.get(held_symbol, against) == against:
                if held_symbol == dear:
                    return self.sell(held_symbol, ts_ns, held, "the ratio has turned")
                return self._leave(held_symbol, ts_ns, held, z, away)
        _, mid, _, spread = self._seen[cheap]
        if z < self.entry_z or not self.may_enter(cheap, ts_ns) or self.held_lots(dear):
            return None
        instrument = self.context.instruments[cheap]
        cost = self.round_trip_cost(instrument, mid // HALF, spread)
        gain = away * mid
        if gain < self.cost_multiple * cost or away * 10_000 < self.floor_bps:
            return None
        self._against[cheap], self._entry_away[cheap] = dear, away
        reason = f"{z:.1f} deviations behind {dear}"
        return self.buy(instrument, ts_ns, mid, reason, confidence_pct=55, edge=gain - cost)

    def _leave(self, symbol: str, ts_ns: int, held: int, z: float, away: float) -> Answer:
        if z <= self.exit_z:
            return self.sell(symbol, ts_ns, held, "the ratio has come back")
        # after a restart the first look counts as the entry
        if away >= self.stop_share * self._entry_away.setdefault(symbol, away):
            return self.sell(symbol, ts_ns, held, "stop: the ratio has broken")
        return self._late(symbol, ts_ns, self._seen[symbol][2])

    def _late(self, symbol: str, ts_ns: int, out: int) -> Answer:
        held = self.held_lots(symbol)
        if not held:
            return None
        entered_ns, _ = self.entry(symbol, ts_ns, out)
        if ts_ns - entered_ns >= self.hold_s * NS_PER_S:
            return self.sell(symbol, ts_ns, held, f"held for {self.hold_s} s")
        return None
