"""Public reads of Gamma and the CLOB: paged, patient with 429 and 5xx, and nothing but reads."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import msgspec

from papertape.clock import Clock
from papertape.feeds.rest import (
    BACKOFF_FIRST_S,
    NotThereError,
    Parameters,
    RestReader,
    VenueSilentError,
)

PAGE_MARKETS = 100  # the venue's largest page
PAGES_MAX = 100
BOOKS_PER_REQUEST = 250  # the venue refuses bodies of about 500 ids

_page = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_many = msgspec.json.Decoder(list[msgspec.Raw]).decode
_cursor = msgspec.json.Decoder(str | None).decode


class PolymarketRest(RestReader):
    """A client for the reads that the feed needs."""

    def __init__(
        self,
        gamma_url: str,
        clob_url: str,
        *,
        clock: Clock,
        jitter: random.Random,
        counts: Counter[str],
        backoff_first_s: float = BACKOFF_FIRST_S,
    ) -> None:
        """Make the client inside a running event loop; `counts` takes what went wrong."""
        super().__init__(clock=clock, jitter=jitter, counts=counts, backoff_first_s=backoff_first_s)
        self._gamma = gamma_url.rstrip("/")
        self._clob = clob_url.rstrip("/")

    async def markets(self, filters: Parameters) -> AsyncIterator[list[msgspec.Raw]]:
        """Yield the pages of a market list; a page that cannot be read ends in an error."""
        cursor = ""
        for _ in range(PAGES_MAX):
            query = {**filters, "limit": str(PAGE_MARKETS)}
            if cursor:
                query["after_cursor"] = cursor
            answer = await self._get(f"{self._gamma}/markets/keyset", query)
            try:
                page = _page(answer)
                rows = _many(page["markets"])
                following = _cursor(page["next_cursor"]) if "next_cursor" in page else None
            except (msgspec.DecodeError, RecursionError, KeyError) as error:
                self._counts["rest: a page that cannot be read"] += 1
                raise VenueSilentError(f"Gamma: a page that cannot be read: {error}") from None
            yield rows
            if not following or following == cursor:
                return
            cursor = following

    async def market(self, slug: str) -> bytes | None:
        """Return one market by its slug, None if there is none."""
        return await self._get_or_none(f"{self._gamma}/markets/slug/{slug}")

    async def event(self, slug: str) -> bytes | None:
        """Return one event by its slug, None if there is none."""
        return await self._get_or_none(f"{self._gamma}/events/slug/{slug}")

    async def clob_market(self, condition_id: str) -> bytes | None:
        """Return the CLOB's view of a market, None if it has none."""
        return await self._get_or_none(f"{self._clob}/markets/{condition_id}")

    async def books(self, tokens: Sequence[str]) -> list[bytes]:
        """Return the answers with the whole books; the venue leaves out what it does not know."""
        answers: list[bytes] = []
        for first in range(0, len(tokens), BOOKS_PER_REQUEST):
            wanted = [{"token_id": token} for token in tokens[first : first + BOOKS_PER_REQUEST]]
            answer = await self._ask("POST", f"{self._clob}/books", body=wanted)
            try:
                _many(answer)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                self._counts["rest: books that cannot be read"] += 1
                raise VenueSilentError("CLOB: books that cannot be read") from None
            answers.append(answer)
        return answers

    async def _get(self, url: str, query: Parameters) -> bytes:
        return await self._ask("GET", url, query=query)

    async def _get_or_none(self, url: str) -> bytes | None:
        try:
            return await self._ask("GET", url)
        except NotThereError:
            return None
