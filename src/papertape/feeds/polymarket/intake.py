"""The one door to the tracker: whatever comes in passes here, in order, and can be captured raw.

What is captured is told to the same methods again by `renormalised`, and gives the same items.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

from papertape.feeds.clock_skew import Measured
from papertape.feeds.polymarket.gamma import (
    LiveMarket,
    clob_payouts,
    complete_group,
    read_market,
)
from papertape.feeds.polymarket.messages import FrameReader, read_books
from papertape.feeds.polymarket.tracker import Tracker
from papertape.model.market_data import (
    BookSeen,
    EventSeen,
    FeedStateSeen,
    MarketData,
    VenueClockSeen,
)
from papertape.tape.raw_capture import RawEntry, RawSink

SOURCE = "polymarket"
State = Literal["live", "stale"]
Reported = Literal["gamma", "clob"]


class Intake:
    """Folds what comes in, and tells the raw capture of it."""

    def __init__(
        self,
        put: Callable[[MarketData], None],
        reader: FrameReader,
        counts: Counter[str],
        *,
        suspect_s: float,
        raw: RawSink | None = None,
    ) -> None:
        """Begin without a market; the venue is stale until a live book shows that it speaks."""
        self.tracker = Tracker(self._emit, reader, counts)
        self.state: State = "stale"
        self._told = 0
        self._put = put
        self._reader = reader
        self._counts = counts
        self._suspect_s = suspect_s
        self._raw = raw
        self._tokens: dict[str, tuple[str, ...]] = {}

    def _emit(self, item: MarketData) -> None:
        if self.state != "live" and isinstance(item, BookSeen) and item.state == "live":
            self._say("live", "", item.ts_ns)
        self._told += 1
        self._put(item)

    def _say(self, state: State, reason: str, now_ns: int) -> None:
        self.state = state
        self._told += 1
        self._put(FeedStateSeen(ts_ns=now_ns, source=SOURCE, state=state, reason=reason))

    def _note(
        self, now_ns: int, kind: str, by: str = "", body: str | bytes = "", more: str = "",
        tokens: Iterable[str] = (),
    ) -> None:  # fmt: skip
        if self._raw is not None:
            text = body if isinstance(body, str) else body.decode("utf-8", "backslashreplace")
            self._raw.note(RawEntry(now_ns, SOURCE, kind, by, text, more, tuple(tokens)))

    # --- what our side does ---------------------------------------------------------------------

    def say(self, state: State, reason: str, now_ns: int) -> None:
        """Tell how the venue is now."""
        self._note(now_ns, "say", state, more=reason)
        self._say(state, reason, now_ns)

    def clock(self, measured: Measured, now_ns: int) -> None:
        """Tell how far the clocks are apart."""
        self._note(now_ns, "clock", str(measured.ahead_ms), more=str(measured.error_ms))
        self._emit(
            VenueClockSeen(
                ts_ns=now_ns,
                source=SOURCE,
                ahead_ms=measured.ahead_ms,
                error_ms=measured.error_ms,
            )
        )

    def tick(self, now_ns: int) -> None:
        """Let time pass: markets end, suspicions become gaps; noted only where that is news."""
        told = self._told
        self.tracker.close_due(now_ns)
        self.tracker.check_suspects(now_ns, self._suspect_s)
        if self._told != told:
            self._note(now_ns, "tick", more=str(self._suspect_s))

    def connection(self, name: str, tokens: Sequence[str], now_ns: int) -> None:
        """Note which tokens a connection carries from now on."""
        self._tokens[name] = tuple(tokens)
        self._note(now_ns, "connection", name, tokens=tokens)

    def resync(self, tokens: Sequence[str], now_ns: int) -> None:
        """Note that whole books are being asked for."""
        told = self._told
        self.tracker.resync(tokens, now_ns)
        if self._told != told:
            self._note(now_ns, "resync", tokens=tokens)

    def lost(self, name: str, reason: str, now_ns: int) -> None:
        """Take note that a connection is gone."""
        self._note(now_ns, "lost", name, more=reason)
        self.tracker.lost(self._tokens.get(name, ()), reason, now_ns)

    # --- what the venue says --------------------------------------------------------------------

    def market(self, market: LiveMarket, now_ns: int) -> bool:
        """List a market or take its new state; return whether its books are to be followed."""
        told = self._told
        is_new = self.tracker.list_market(market, now_ns)
        if is_new and market.payouts_micros is not None:
            self.tracker.resolve(market.slug, market.payouts_micros, now_ns)
            is_new = False
        if self._told != told:
            self._note(now_ns, "market", market.slug, market.raw, str(market.read_ns))
        return is_new

    def state_of(self, market: LiveMarket, now_ns: int) -> None:
        """Take the new state of a market that is watched; what it pays is looked at on its own."""
        told = self._told
        self.tracker.list_market(market, now_ns)
        if self._told != told:
            self._note(now_ns, "market", market.slug, market.raw, str(market.read_ns))

    def event(self, event_id: str, raw: bytes | None, now_ns: int) -> None:
        """Take an event that markets of ours belong to; None if the venue does not know it."""
        self._note(now_ns, "event", event_id, raw or b"", "" if raw is None else "known")
        watched = frozenset(self.tracker.markets)
        for market in self.tracker.markets.values():
            if market.group is not None and market.group.event_id == event_id:
                group = complete_group(market.group, raw, watched)
                self._emit(EventSeen(ts_ns=now_ns, group=group))
                return

    def frame(self, name: str, frame: str | bytes, now_ns: int) -> bool:
        """Fold a frame into books; return whether it was about a market of ours."""
        self._note(now_ns, "frame", name, frame)
        self.tracker.close_due(now_ns)
        missed = self._reader.missed
        messages = self._reader.read(frame)
        if self._reader.missed > missed:
            reason = "a frame that cannot be read"
            self.tracker.doubt(self._tokens.get(name, ()), reason, now_ns)
        ours = False
        for message in messages:
            ours = self.tracker.take(message, now_ns) or ours
        return ours

    def books(self, answer: bytes, tokens: Iterable[str], now_ns: int) -> set[str]:
        """Take whole books that were asked for, of these tokens; return those that we had wrong."""
        proven = frozenset(tokens)
        self._note(now_ns, "books", body=answer, tokens=sorted(proven))
        return {
            book.asset_id
            for book in read_books(answer, self._counts)
            if book.asset_id in proven and self.tracker.seed(book, now_ns)
        }

    def payout(self, slug: str, said_by: Reported, raw: bytes, now_ns: int) -> bool:
        """Take what a market pays, if that is certain by now; return whether it is."""
        market = self.tracker.markets.get(slug)
        if market is None:
            return False
        if said_by == "gamma":
            payouts = read_market(raw, now_ns).payouts_micros
        else:
            payouts = clob_payouts(raw, market.tokens)
        if payouts is None:
            return False
        self._note(now_ns, "payout", slug, raw, said_by)
        self.tracker.resolve(slug, payouts, now_ns)
        return True

    # --- told again -----------------------------------------------------------------------------

    def again(self, entry: RawEntry) -> None:
        """Take a captured entry as it was taken then; kinds that are not known change nothing."""
        ns, by, body = entry.ns, entry.by, entry.body
        match entry.kind:
            case "frame":
                self.frame(by, body, ns)
            case "books":
                self.books(body.encode(), entry.tokens, ns)
            case "market":
                self.market(read_market(body.encode(), int(entry.more)), ns)
            case "event":
                self.event(by, body.encode() if entry.more else None, ns)
            case "payout":
                self.payout(by, "gamma" if entry.more == "gamma" else "clob", body.encode(), ns)
            case "say":
                self.say("live" if by == "live" else "stale", entry.more, ns)
            case "clock":
                self.clock(Measured(int(by), int(entry.more)), ns)
            case "tick":
                self._suspect_s = float(entry.more)
                self.tick(ns)
            case "connection":
                self.connection(by, entry.tokens, ns)
            case "resync":
                self.resync(entry.tokens, ns)
            case "lost":
                self.lost(by, entry.more, ns)


def renormalised(entries: Iterable[RawEntry], reader: FrameReader) -> Iterator[MarketData]:
    """Yield what a capture gives: the items that were told when it arrived.

    Raises BadRecordError or ValueError for a capture that no feed of ours has written.
    """
    said: list[MarketData] = []
    intake = Intake(said.append, reader, Counter(), suspect_s=0.0)
    last_ns = 0
    for entry in entries:
        if entry.venue != SOURCE:
            continue
        intake.again(entry)
        for item in said:
            last_ns = item.ts_ns = max(item.ts_ns, last_ns)
            yield item
        said.clear()
