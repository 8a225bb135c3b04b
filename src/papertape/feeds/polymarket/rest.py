"""Public reads of Gamma and the CLOB: paged, patient with 429 and 5xx, and nothing but reads."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx
import msgspec

from papertape.clock import Clock
from papertape.feeds.clock_skew import ClockSkew

TIMEOUT_S = 10.0
TRIES_MAX = 5
BACKOFF_FIRST_S = 0.25
BACKOFF_MAX_S = 8.0
RETRY_AFTER_MAX_S = 30.0  # a longer wish is heard again at the next try
PAGE_MARKETS = 100  # the venue's largest page
PAGES_MAX = 100
BOOKS_PER_REQUEST = 250  # the venue refuses bodies of about 500 ids
TOO_MANY = 429
SERVER_ERROR = 500
NOT_FOUND = 404

Parameters = Mapping[str, str]

_page = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_many = msgspec.json.Decoder(list[msgspec.Raw]).decode
_cursor = msgspec.json.Decoder(str | None).decode


class VenueSilentError(Exception):
    """The venue did not give a usable answer; the text says what it did instead."""


class NotThereError(VenueSilentError):
    """The venue knows no such thing."""


class PolymarketRest:
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
        self._gamma = gamma_url.rstrip("/")
        self._clob = clob_url.rstrip("/")
        self.skew = ClockSkew()
        self._clock = clock
        self._jitter = jitter
        self._counts = counts
        self._backoff_first_s = backoff_first_s
        self._client = httpx.AsyncClient(
            timeout=TIMEOUT_S, follow_redirects=False, headers={"accept": "application/json"}
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

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

    async def _ask(
        self, method: str, url: str, *, query: Parameters | None = None, body: Any = None
    ) -> bytes:
        """Return the answer's body; waits and asks again while the venue is busy or away."""
        said = ""
        for attempt in range(TRIES_MAX):
            wait_s = self._backoff_s(attempt)
            sent_ns = self._clock.now_ns()
            try:
                answer = await self._client.request(method, url, params=query, json=body)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                said = f"{type(error).__name__}: {error}"
                self._counts["rest: no answer"] += 1
            else:
                status = answer.status_code
                self.skew.answered(sent_ns, self._clock.now_ns(), answer.headers.get("date", ""))
                if status == NOT_FOUND:
                    raise NotThereError(f"{httpx.URL(url).host}: HTTP 404")
                if httpx.codes.is_success(status):
                    return answer.content
                said = f"HTTP {status}"
                self._counts[f"rest: {said}"] += 1
                if status != TOO_MANY and status < SERVER_ERROR:
                    break
                wait_s = max(wait_s, _retry_after_s(answer.headers))
            if attempt < TRIES_MAX - 1:
                await asyncio.sleep(wait_s)
        raise VenueSilentError(f"{httpx.URL(url).host}: {said}")

    def _backoff_s(self, attempt: int) -> float:
        longest = min(BACKOFF_MAX_S, self._backoff_first_s * 2.0**attempt)
        return self._jitter.uniform(0.0, longest)


def _retry_after_s(headers: httpx.Headers) -> float:
    """Return how long the venue asks to wait, in seconds; 0 if it does not say."""
    text = headers.get("retry-after", "")
    return min(float(text), RETRY_AFTER_MAX_S) if text.isascii() and text.isdigit() else 0.0
