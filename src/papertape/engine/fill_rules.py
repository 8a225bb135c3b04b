"""How kind the paper venue is: what it assumes where the data cannot tell."""

from __future__ import annotations

import random
from typing import Literal

import msgspec

FillModel = Literal["naive", "pessimistic", "likely", "optimistic"]
TAIL_MAX = 20  # a drawn latency is at most this many times its mean: one outlier ends no run


class FillRules(msgspec.Struct, frozen=True, kw_only=True):
    """The fill model and its figures; the default is what the compiled loop tells too.

    naive        at the signal's price (its limit, or the mid), whole size, at once, without fee
    pessimistic  from seen depth only; at our price, who left the queue stood behind us
    likely       who left the queue stood before us as often as the depth before us
    optimistic   who left the queue stood before us; the shortest latency

    prints: trades of others move the queue and fill what rests; without them only a book that comes
    to the limit does. ahead_ppm: share of cancelled depth that stood before us, None: pro rata.
    latency_ns: from us to the venue, per venue if named; spread_ns: mean of what is added by chance
    (exponential). taker_delay: hold what takes for as long as the instrument says.
    wait_doubtful: an order that finds a doubtful book waits for a good one.
    """

    model: FillModel = "pessimistic"
    prints: bool = False
    ahead_ppm: int | None = 0
    latency_ns: int = 0
    spread_ns: int = 0
    venue_latency_ns: dict[str, int] = msgspec.field(default_factory=dict)
    taker_delay: bool = False
    wait_doubtful: bool = False

    @property
    def naive(self) -> bool:
        """Return whether fills are those of the signal."""
        return self.model == "naive"

    @property
    def timed(self) -> bool:
        """Return whether orders take time to reach the venue."""
        late = self.latency_ns or self.spread_ns or any(self.venue_latency_ns.values())
        return bool(late or self.taker_delay) and not self.naive

    @property
    def plain(self) -> bool:
        """Return whether these are the rules that the compiled loop knows."""
        return self == FillRules()


class Latency:
    """Draws how late an order reaches its venue, from the run's generator."""

    def __init__(self, rules: FillRules, chance: random.Random) -> None:
        """Draw by these rules."""
        self._rules = rules
        self._chance = chance

    def draw_ns(self, venue: str) -> int:
        """Return the time from us to a venue."""
        rules = self._rules
        if rules.naive:
            return 0
        base = rules.venue_latency_ns.get(venue, rules.latency_ns)
        if not rules.spread_ns or rules.model == "optimistic":
            return base
        drawn = self._chance.expovariate(1.0) * rules.spread_ns
        return base + min(round(drawn), TAIL_MAX * rules.spread_ns)
