"""Reads over HTTP: paced, patient with 429 and 5xx, and nothing but reads."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import httpx

from papertape.clock import Clock
from papertape.feeds.clock_skew import ClockSkew

TIMEOUT_S = 10.0
TRIES_MAX = 5
BACKOFF_FIRST_S = 0.25
BACKOFF_MAX_S = 8.0
RETRY_AFTER_MAX_S = 30.0  # a longer wish is heard again at the next try
TOO_MANY = 429
SERVER_ERROR = 500
NOT_FOUND = 404

Parameters = Mapping[str, str]


class VenueSilentError(Exception):
    """The venue did not give a usable answer; the text says what it did instead."""


class NotThereError(VenueSilentError):
    """The venue knows no such thing."""


class RestReader:
    """A client that asks again while a venue is busy, and measures its clock."""

    def __init__(
        self,
        *,
        clock: Clock,
        jitter: random.Random,
        counts: Counter[str],
        backoff_first_s: float = BACKOFF_FIRST_S,
        requests_per_s: float | None = None,
    ) -> None:
        """Make the client inside a running event loop; `counts` takes what went wrong.

        requests_per_s: the venue's limit, None where we stay far below it.
        """
        self.skew = ClockSkew()
        self._clock = clock
        self._jitter = jitter
        self._counts = counts
        self._backoff_first_s = backoff_first_s
        self._pause_s = 0.0 if requests_per_s is None else 1.0 / requests_per_s
        self._next_s = 0.0
        self._client = httpx.AsyncClient(
            timeout=TIMEOUT_S, follow_redirects=False, headers={"accept": "application/json"}
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def _turn(self) -> None:
        """Wait until the next request may be made."""
        if self._pause_s:
            now_s = asyncio.get_running_loop().time()
            turn_s = max(now_s, self._next_s)
            self._next_s = turn_s + self._pause_s
            await asyncio.sleep(turn_s - now_s)

    async def _ask(
        self, method: str, url: str, *, query: Parameters | None = None, body: Any = None
    ) -> bytes:
        """Return the answer's body; waits and asks again while the venue is busy or away."""
        said = ""
        for attempt in range(TRIES_MAX):
            wait_s = self._backoff_s(attempt)
            await self._turn()
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
