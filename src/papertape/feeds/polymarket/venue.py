"""Polymarket as a venue of the live feed."""

from __future__ import annotations

from papertape.feeds.desk import Desk
from papertape.feeds.polymarket.intake import SOURCE
from papertape.feeds.polymarket.messages import FrameReader
from papertape.feeds.polymarket.picker import Choice
from papertape.feeds.polymarket.session import Places, Session
from papertape.feeds.polymarket.stream import Timing


class PolymarketVenue:
    """Chosen markets of Polymarket (implements `feeds.desk.Venue`)."""

    source = SOURCE

    def __init__(self, places: Places, choice: Choice, *, timing: Timing | None = None) -> None:
        """Open nothing before `run`."""
        self.reader = FrameReader()
        self.session: Session | None = None
        self._places = places
        self._choice = choice
        self._timing = timing or Timing()

    async def run(self, desk: Desk) -> None:
        """Watch the markets until the desk is stopped."""
        self.session = Session(
            self._places,
            self._choice,
            desk,
            timing=self._timing,
            reader=self.reader,
        )
        await self.session.run()

    def facts(self) -> dict[str, object]:
        """Return what could not be read, and how often."""
        return {"malformed": dict(self.reader.malformed), "unknown": dict(self.reader.unknown)}
