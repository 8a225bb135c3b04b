"""How far the clocks of venues are from ours, and when a person should know."""

from __future__ import annotations

from papertape.model.events import AlertRaised, Event, VenueClockMeasured
from papertape.model.market_data import VenueClockSeen

CLOCKS_APART_MS = 5_000  # from here on times of ours and of the venue cannot be put side by side


def clock_events(known: VenueClockMeasured | None, seen: VenueClockSeen) -> list[Event]:
    """Return the measurement, and an alert when the clocks have just come too far apart."""
    events: list[Event] = [
        VenueClockMeasured(source=seen.source, ahead_ms=seen.ahead_ms, error_ms=seen.error_ms)
    ]
    apart = abs(seen.ahead_ms) - seen.error_ms > CLOCKS_APART_MS
    if apart and (known is None or abs(known.ahead_ms) - known.error_ms <= CLOCKS_APART_MS):
        words = "ahead of" if seen.ahead_ms > 0 else "behind"
        message = f"This machine is {abs(seen.ahead_ms) / 1_000:.1f} s {words} {seen.source}"
        alert = AlertRaised(
            severity="warning", title="The clocks disagree", message=message, about=seen.source
        )
        events.append(alert)
    return events
