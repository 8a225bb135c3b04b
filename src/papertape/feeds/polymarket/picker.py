"""Which markets are watched: named by slug, or found by words, tag, volume and end."""

from __future__ import annotations

from collections import Counter

import msgspec

from papertape.clock import NS_PER_S, iso_utc
from papertape.errors import WorldError
from papertape.feeds.polymarket.gamma import LiveMarket, read_market
from papertape.feeds.polymarket.messages import FrameReader
from papertape.feeds.polymarket.query import Query, parse_query
from papertape.feeds.polymarket.rest import PolymarketRest
from papertape.feeds.polymarket_levels import BadRecordError

NS_PER_H = 3_600 * NS_PER_S


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asked for.

    slugs: these markets. query: words and conditions in one line, see `query`; they count beside
    the other fields, the stricter of two goes. tag: a tag's slug or number.
    held: slugs of markets in which there is a position; they are followed to their payout.
    """

    slugs: tuple[str, ...] = ()
    query: str = ""
    tag: str = ""
    volume_usd_min: int = 0
    liquidity_usd_min: int = 0
    ends_within_h: float | None = None
    markets_max: int = 50
    held: tuple[str, ...] = ()

    @property
    def searches(self) -> bool:
        """Return whether markets are looked for beyond the named ones."""
        return bool(self.query or self.tag or not self.slugs)

    def asked(self) -> Query:
        """Return words and conditions of line and fields together, the stricter of two."""
        said = parse_query(self.query)
        spans = [each for each in (said.ends_within_h, self.ends_within_h) if each is not None]
        return Query(
            words=said.words,
            tag=said.tag or self.tag,
            volume_usd_min=max(said.volume_usd_min, self.volume_usd_min),
            liquidity_usd_min=max(said.liquidity_usd_min, self.liquidity_usd_min),
            ends_within_h=min(spans, default=None),
        )


class MarketPicker:
    """Asks Gamma, and keeps to what was asked for."""

    def __init__(
        self, rest: PolymarketRest, choice: Choice, reader: FrameReader, counts: Counter[str]
    ) -> None:
        """Take the client and the choice."""
        self._rest = rest
        self._choice = choice
        self._asked = choice.asked()
        self._reader = reader
        self._counts = counts

    async def pick(self, now_ns: int) -> list[LiveMarket]:
        """Return the markets to watch now; raises VenueSilentError if Gamma does not answer."""
        choice = self._choice
        found: dict[str, LiveMarket] = {}
        for slug in dict.fromkeys((*choice.held, *choice.slugs)):
            market = await self.one(slug, now_ns)
            if market is None:
                continue
            if slug in choice.held or market.trading in {"tradable", "listed"}:
                found[slug] = market
            else:
                self._counts["named markets that are over"] += 1
        if choice.searches:
            await self._search(found, now_ns)
        return list(found.values())

    async def one(self, slug: str, now_ns: int) -> LiveMarket | None:
        """Return one market, None if there is none or its object cannot be read."""
        raw = await self._rest.market(slug)
        if raw is None:
            self._counts["named markets that do not exist"] += 1
            return None
        return self._read(raw, now_ns)

    async def event(self, event_id: str) -> bytes | None:
        """Return an event as the venue says it, None if it does not know it."""
        return await self._rest.event(event_id.partition(":")[2])

    async def _search(self, found: dict[str, LiveMarket], now_ns: int) -> None:
        choice, asked = self._choice, self._asked
        # the biggest first; where time is asked for, those that end soonest
        order = ("volumeNum", "false") if asked.ends_within_h is None else ("endDate", "true")
        filters = {"active": "true", "closed": "false", "order": order[0], "ascending": order[1]}
        if asked.tag:
            filters["tag_id" if asked.tag.isdigit() else "tag_slug"] = asked.tag
        if asked.volume_usd_min:
            filters["volume_num_min"] = str(asked.volume_usd_min)
        if asked.liquidity_usd_min:
            filters["liquidity_num_min"] = str(asked.liquidity_usd_min)
        if asked.ends_within_h is not None:
            filters["end_date_min"] = iso_utc(now_ns)
            filters["end_date_max"] = iso_utc(now_ns + round(asked.ends_within_h * NS_PER_H))
        async for page in self._rest.markets(filters):
            for raw in page:
                market = self._read(bytes(raw), now_ns)
                if market is not None and self._wanted(market, now_ns):
                    found.setdefault(market.slug, market)
                if len(found) >= choice.markets_max + len(choice.held):
                    return

    def _wanted(self, market: LiveMarket, now_ns: int) -> bool:
        """Return whether a market is what was asked for, whatever the venue made of the filters."""
        asked = self._asked
        if market.trading not in {"tradable", "listed"}:
            return False
        if market.volume_usd < asked.volume_usd_min:
            return False
        if market.liquidity_usd < asked.liquidity_usd_min:
            return False
        end_ns = market.market.end_ns
        if asked.ends_within_h is not None and not (
            now_ns < end_ns <= now_ns + asked.ends_within_h * NS_PER_H
        ):
            return False
        text = f"{market.market.question} {market.slug} {market.topic}".lower().replace("/", "")
        return all(word in text for word in asked.words)

    def _read(self, raw: bytes, now_ns: int) -> LiveMarket | None:
        try:
            return read_market(raw, now_ns)
        except BadRecordError as error:
            self._reader.refuse(str(error))
            return None


def nothing_found(choice: Choice, counts: Counter[str], reader: FrameReader) -> WorldError:
    """Return the error that says why there is nothing to watch."""
    asked = ", ".join(choice.slugs) or choice.query or choice.tag or "any market"
    reasons = [f"{what} ({count})" for what, count in {**counts, **reader.malformed}.items()]
    return WorldError(
        f"live: no open market matches {asked}" + (f": {', '.join(reasons)}" if reasons else "")
    )
