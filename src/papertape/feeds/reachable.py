"""What of the live venues can be reached from here: names, TLS, answers, books, clocks, latency.

Nothing is assumed: every line comes from something that was asked a moment ago.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable
from typing import Literal, NamedTuple, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from papertape.clock import NS_PER_MS, Clock
from papertape.feeds.clock_skew import ClockSkew
from papertape.feeds.polymarket.book import TokenBook, TokenFacts
from papertape.feeds.polymarket.gamma import LiveMarket, read_market
from papertape.feeds.polymarket.messages import FrameReader, read_books
from papertape.feeds.polymarket_levels import BadRecordError, LevelReader

WAIT_S = 8.0  # for one answer
ASKED = 3  # answers of which the latency is the middle one
CLOCKS_APART_MS = 5_000
PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}
PUBLIC = {  # the venues' own public reads of the time
    "binance": "https://api.binance.com/api/v3/time",
    "coinbase": "https://api.coinbase.com/api/v3/brokerage/time",
}


T = TypeVar("T")


class Finding(NamedTuple):
    """One thing looked at."""

    check: str
    state: Literal["ok", "warning", "error"]
    what: str


class Reads(NamedTuple):
    """What is asked: Polymarket's three places, and further addresses by name."""

    gamma_url: str = ""
    clob_url: str = ""
    ws_url: str = ""
    others: tuple[tuple[str, str], ...] = ()


class _NoAnswerError(Exception):
    """The text says what came instead of an answer."""


class Probe:
    """Asks everything once; `look` never raises for what the world does."""

    def __init__(self, reads: Reads, clock: Clock, wait_s: float = WAIT_S) -> None:
        """Take the addresses; nothing is opened before `look`.

        wait_s: for one answer.
        """
        self._reads = reads
        self._clock = clock
        self._wait_s = wait_s
        self._skews: dict[str, ClockSkew] = {}

    def look(self) -> list[Finding]:
        """Return what was found, the network first."""
        return asyncio.run(self._look())

    async def _look(self) -> list[Finding]:
        reads = self._reads
        urls = [reads.gamma_url, reads.clob_url, reads.ws_url, *(url for _, url in reads.others)]
        hosts = {_host(url): url for url in urls if url}
        network = await asyncio.gather(*(self._host(host, url) for host, url in hosts.items()))
        reachable = {host for host, (good, _) in zip(hosts, network, strict=True) if good}
        found = [finding for _, lines in network for finding in lines]
        if not reachable:
            text = "no host of a live venue can be reached; recorded and simulated markets work"
            return [*found, Finding("live", "error", text)]
        async with httpx.AsyncClient(timeout=self._wait_s, follow_redirects=False) as client:
            if reads.gamma_url:
                found += await self._polymarket(client)
            for name, url in reads.others:
                found.append((await self._endpoint(client, name, url))[0])
        return [*found, *self._clocks()]

    # --- the network ----------------------------------------------------------------------------

    async def _host(self, host: str, url: str) -> tuple[bool, list[Finding]]:
        """Look a name up, and open a connection with TLS where the address says so."""
        loop, parts = asyncio.get_running_loop(), urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
        name = parts.hostname or ""
        try:
            places = await self._within(loop.getaddrinfo(name, port))
        except (OSError, _NoAnswerError) as error:
            return False, [Finding(f"dns {host}", "error", f"the name is not found: {error}")]
        addresses = sorted({str(place[4][0]) for place in places})
        lines = [Finding(f"dns {host}", "ok", ", ".join(addresses[:3]))]
        secure = parts.scheme in {"https", "wss"}
        began_s = loop.time()
        try:
            context = ssl.create_default_context() if secure else None
            _, writer = await self._within(asyncio.open_connection(name, port, ssl=context))
        except ssl.SSLCertVerificationError as error:
            text = f"the certificate is not trusted: {error.verify_message}"
            return False, [*lines, Finding(f"tls {host}", "error", text)]
        except (OSError, _NoAnswerError) as error:
            return False, [*lines, Finding(f"connect {host}", "error", f"no connection: {error}")]
        took_ms = round((loop.time() - began_s) * 1_000)
        session = writer.get_extra_info("ssl_object")
        writer.close()
        if session is None:
            text = f"in {took_ms} ms, not encrypted"
            lines.append(Finding(f"connect {host}", "ok" if not secure else "error", text))
        else:
            lines.append(Finding(f"tls {host}", "ok", f"{session.version()} in {took_ms} ms"))
        return True, lines

    async def _within(self, what: Awaitable[T]) -> T:
        try:
            return await asyncio.wait_for(what, self._wait_s)
        except TimeoutError:
            raise _NoAnswerError(f"nothing within {self._wait_s:g} s") from None

    # --- endpoints ------------------------------------------------------------------------------

    async def _get(
        self, client: httpx.AsyncClient, name: str, url: str, body: object = None
    ) -> tuple[bytes, int]:
        """Return an answer and how long it took, in ms."""
        loop = asyncio.get_running_loop()
        sent_ns, began_s = self._clock.now_ns(), loop.time()
        try:
            answer = await client.request("GET" if body is None else "POST", url, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _NoAnswerError(f"{type(error).__name__} {error}".strip()) from error
        took_ms = round((loop.time() - began_s) * 1_000)
        skew = self._skews.setdefault(name, ClockSkew())
        skew.answered(sent_ns, self._clock.now_ns(), answer.headers.get("date", ""))
        if not answer.is_success:
            hints = {451: " (not allowed from where you are)", 403: " (refused from here)"}
            hint = hints.get(answer.status_code, "")
            raise _NoAnswerError(f"HTTP {answer.status_code}{hint}")
        return answer.content, took_ms

    async def _endpoint(
        self, client: httpx.AsyncClient, name: str, url: str, body: object = None
    ) -> tuple[Finding, bytes]:
        """Ask a few times; return what was found and the last answer."""
        times: list[int] = []
        answer = b""
        for _ in range(ASKED):
            try:
                answer, took_ms = await self._get(client, name, url, body)
            except _NoAnswerError as error:
                return Finding(name, "error", f"no usable answer: {error}"), b""
            times.append(took_ms)
        return Finding(name, "ok", f"answers in {sorted(times)[ASKED // 2]} ms"), answer

    async def _polymarket(self, client: httpx.AsyncClient) -> list[Finding]:
        reads = self._reads
        gamma, clob = reads.gamma_url.rstrip("/"), reads.clob_url.rstrip("/")
        wish = "limit=5&active=true&closed=false&order=volumeNum&ascending=false"
        markets, said = await self._endpoint(
            client, "polymarket markets", f"{gamma}/markets/keyset?{wish}"
        )
        if markets.state != "ok":
            text = "without the list of markets nothing is known to ask for"
            return [markets, Finding("polymarket", "error", text)]
        market = self._first_market(said)
        if market is None:
            text = "the list of markets holds none that can be read"
            return [Finding(markets.check, "error", text)]
        body = [{"token_id": token} for token in market.tokens]
        books, answer = await self._endpoint(client, "polymarket books", f"{clob}/books", body)
        if books.state == "ok":
            books = _proven(books, answer, market)
        stream = await self._stream(market)
        works = books.state == "ok" and stream.state == "ok"
        what = "nothing comes in as it happens: do not expect trades"
        if works:
            what = "real markets can be watched"
        elif stream.state == "ok":
            what = "books cannot be repaired: after a gap they stay untraded"
        return [markets, books, stream, Finding("polymarket", "ok" if works else "error", what)]

    def _first_market(self, said: bytes) -> LiveMarket | None:
        try:
            rows = msgspec.json.decode(said, type=dict[str, msgspec.Raw])["markets"]
            parts = msgspec.json.decode(rows, type=list[msgspec.Raw])
        except (msgspec.DecodeError, KeyError):
            return None
        for part in parts:
            try:
                return read_market(bytes(part), self._clock.now_ns())
            except BadRecordError:
                continue
        return None

    async def _stream(self, market: LiveMarket) -> Finding:
        """Subscribe to a market and ask for a sign of life."""
        name, loop = "polymarket stream", asyncio.get_running_loop()
        first = {"type": "market", "assets_ids": market.tokens, "custom_feature_enabled": True}
        heard = ""
        try:
            async with connect(
                self._reads.ws_url, open_timeout=self._wait_s, ping_interval=None, close_timeout=0.2
            ) as socket:
                await socket.send(msgspec.json.encode(first).decode())
                began_s = loop.time()
                await socket.send("PING")
                async with asyncio.timeout(self._wait_s):
                    while (frame := await socket.recv()) != "PONG":
                        heard = heard or str(len(FrameReader().read(frame)))
                took_ms = round((loop.time() - began_s) * 1_000)
        except TimeoutError:
            return Finding(name, "error", f"silent for {self._wait_s:g} s after the subscription")
        except (OSError, WebSocketException) as error:
            return Finding(name, "error", f"no connection: {type(error).__name__} {error}"[:200])
        more = f"; {heard} messages at once" if heard else "; nothing to say of this market yet"
        return Finding(name, "ok", f"answers in {took_ms} ms{more}")

    def _clocks(self) -> list[Finding]:
        lines = []
        for name, skew in self._skews.items():
            measured = skew.measured()
            if measured is None:
                continue
            apart_ms = abs(measured.ahead_ms)
            side = "ahead of" if measured.ahead_ms > 0 else "behind"
            text = f"this machine is {apart_ms / 1_000:.1f} s {side} it"
            if apart_ms <= measured.error_ms:
                text = "agrees with this machine's"
            far = apart_ms - measured.error_ms > CLOCKS_APART_MS
            text += f", give or take {measured.error_ms / 1_000:.1f} s"
            lines.append(Finding(f"clock of {name}", "warning" if far else "ok", text))
        return lines


def _proven(found: Finding, answer: bytes, market: LiveMarket) -> Finding:
    """Say whether the hash of a book that came comes out."""
    try:
        books = read_books(answer, Counter())
    except msgspec.DecodeError:
        return Finding(found.check, "error", "an answer that cannot be read")
    steps = {one.step_ticks for one in market.instruments}
    for message in books:
        facts = TokenFacts(market.min_size, market.neg_risk, min(steps))
        book = TokenBook("", message.asset_id, facts, LevelReader())
        try:
            live = book.replace(message, NS_PER_MS)
        except BadRecordError as error:
            return Finding(found.check, "error", f"a book that cannot be one: {error}")
        if not live:
            return Finding(found.check, "error", f"{book.reason}: books would not be traded on")
        return Finding(found.check, "ok", f"{found.what}; its hash comes out")
    return Finding(found.check, "warning", f"{found.what}; no book of {market.slug} to look at")


def _host(url: str) -> str:
    return urlsplit(url).netloc
