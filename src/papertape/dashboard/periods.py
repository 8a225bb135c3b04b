"""The stretches of time that pages offer, in whole UTC hours and days as results are kept."""

from __future__ import annotations

from papertape.clock import NS_PER_S, iso_utc
from papertape.dashboard import picture
from papertape.dashboard.follower import Follower
from papertape.services.results import DAY_S, HOUR_S

PERIODS = ("all", "30d", "7d", "24h", "today")
DAYS = {"today": 1, "7d": 7, "30d": 30}


def now_ns(follower: Follower) -> int:
    """Return the time it is in the markets: of the newest record in a replay, else the engine's."""
    newest_ns = follower.view.last_ts_ns
    if follower.view.mode == "REPLAY":
        return newest_ns
    return max(newest_ns, picture.engine_now_ns(follower))


def begins_s(period: str, ts_ns: int) -> int:
    """Return the UTC second at which a period that includes `ts_ns` begins; 0 for all.

    `7d` is today and the six days before it; `24h` is this hour and the 23 before it.
    """
    second = ts_ns // NS_PER_S
    if period == "24h":
        return max(0, second // HOUR_S * HOUR_S - 23 * HOUR_S)
    if period in DAYS:
        return max(0, second // DAY_S * DAY_S - (DAYS[period] - 1) * DAY_S)
    return 0


def told(period: str, from_s: int) -> dict[str, object]:
    """Return how an answer says which stretch it is about."""
    from_ns = from_s * NS_PER_S
    return {
        "period": period,
        "from": iso_utc(from_ns) if from_ns else None,
        "from_ts_ns": from_ns or None,
    }
