"""How a feed of several venues is as a whole: as good as the worst of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from papertape.engine.market_watch import MarketWatch
from papertape.engine.risk_manager import Refusal
from papertape.model.events import FeedState, FeedStateChanged, LegWanted
from papertape.model.instrument import Instrument
from papertape.model.market_data import parts_of


def whole_state(told: Mapping[str, FeedStateChanged], source: str) -> tuple[FeedState | None, str]:
    """Return the state of a feed and why it is no better; None before it said anything.

    Of several venues the reason names those that are not live.
    """
    parts = parts_of(source)
    known = {part: told[part] for part in parts if part in told}
    if not known:
        return None, ""
    down = [said for said in known.values() if said.state != "live"]
    if not down:
        return "live", ""
    ended = len(down) == len(parts) and all(said.state == "ended" for said in down)
    if len(parts) == 1:
        return down[0].state, down[0].reason
    reason = "; ".join(f"{said.source}: {said.reason or said.state}" for said in down)
    return ("ended" if ended else "stale"), reason


def refuse_silent(
    watch: MarketWatch, instruments: Mapping[str, Instrument], legs: Iterable[LegWanted]
) -> Refusal | None:
    """Refuse to act on a venue that is not heard; the others are not touched by it."""
    for leg in legs:
        source = watch.silence_of(instruments[leg.symbol].venue)
        if source:
            reason = f"the feed of {source} is not live"
            return Refusal(code="feed_stale", reason=reason, symbol=leg.symbol)
    return None
