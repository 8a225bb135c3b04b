"""A scripted Kalshi on loopback: the public reads, with what goes wrong on them.

Books follow a script: a list of (yes bids, no bids) per market, the next one at each look or when
told. It knows nothing of papertape's feed.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from papertape.testing.local_server import Closable, LocalServer
from papertape.testing.rest_server import Query, Reply, serve_rest

Json = dict[str, Any]
Sides = tuple[list[list[str]], list[list[str]]]
PAGE = 2  # markets per page: small, so that paging is exercised


@dataclass
class RestFaults:
    """What goes wrong with answers: so many of the next ones.

    frozen: books stay as they are. away: every answer is 503. skew_s: of the venue's Date header.
    """

    too_many: int = 0
    retry_after_s: int = 0
    server_errors: int = 0
    truncated: int = 0
    wrong_schema: int = 0
    crossed: int = 0
    frozen: bool = False
    away: bool = False
    skew_s: float = 0.0


class KalshiServer(LocalServer):
    """Serves until its `with` ends."""

    def __init__(
        self,
        markets: list[Json],
        books: dict[str, list[Sides]],
        *,
        series: dict[str, Json] | None = None,
        trades: list[Json] | None = None,
        faults: RestFaults | None = None,
    ) -> None:
        """Take the script; nothing listens before `with`."""
        super().__init__("kalshi-server")
        self.markets = {market["ticker"]: market for market in markets}
        self.books = books
        self.at: Counter[str] = Counter()
        self.series = series or {}
        self.trades = trades or []
        self.faults = faults or RestFaults()
        self.requests: Counter[str] = Counter()
        self.times: list[float] = []
        self.url = ""

    def done(self, ticker: str) -> bool:
        """Return whether the last book of a market's script was given."""
        return self.at[ticker] >= len(self.books[ticker])

    def final(self, ticker: str) -> Sides:
        """Return the last book of a market's script."""
        return self.books[ticker][-1]

    async def _open(self) -> list[Closable]:
        rest = await serve_rest(self._answer, lambda: time.time() + self.faults.skew_s)
        self.url = f"http://127.0.0.1:{rest.sockets[0].getsockname()[1]}/trade-api/v2"
        return [rest]

    def _answer(self, method: str, path: str, query: Query) -> Reply:
        self.times.append(time.monotonic())
        path = path.removeprefix("/trade-api/v2")
        kind = path.rpartition("/")[2] if path.endswith(("orderbook", "trades")) else path
        self.requests[f"{method} {kind}"] += 1
        faults = self.faults
        if method != "GET":
            return 405, {"error": "reads only"}, {}
        if faults.away:
            return 503, {"error": "away"}, {}
        for name, status in (("too_many", 429), ("server_errors", 502)):
            if getattr(faults, name) > 0:
                setattr(faults, name, getattr(faults, name) - 1)
                return status, {"error": name}, {"retry-after": str(faults.retry_after_s)}
        status, said = self._said(path, query)
        body = json.dumps(said).encode()
        if path.endswith("orderbook") and status == 200:
            body = self._spoiled(body, said)
        return status, body, {}

    def _spoiled(self, body: bytes, said: Json) -> bytes:
        faults = self.faults
        if faults.truncated > 0:
            faults.truncated -= 1
            return body[: len(body) // 2]
        if faults.wrong_schema > 0:
            faults.wrong_schema -= 1
            return json.dumps(
                {"orderbook_fp": {"yes": said["orderbook_fp"]["yes_dollars"]}}
            ).encode()
        if faults.crossed > 0:
            faults.crossed -= 1
            sides = {"yes_dollars": [["0.6000", "9.00"]], "no_dollars": [["0.6000", "9.00"]]}
            return json.dumps({"orderbook_fp": sides}).encode()
        return body

    def _said(self, path: str, query: Query) -> tuple[int, Any]:
        parts = path.strip("/").split("/")
        match parts:
            case ["markets", "trades"]:
                since = float(query.get("min_ts", "0"))
                return 200, {"trades": [t for t in self.trades if t["_at"] >= since], "cursor": ""}
            case ["markets"]:
                return 200, self._page(query)
            case ["markets", ticker] if ticker in self.markets:
                return 200, {"market": self.markets[ticker]}
            case ["markets", ticker, "orderbook"] if ticker in self.books:
                return 200, self._book(ticker)
            case ["series", ticker] if ticker in self.series:
                return 200, {"series": self.series[ticker]}
        return 404, {"error": {"code": "not_found"}}

    def _book(self, ticker: str) -> Json:
        script = self.books[ticker]
        place = min(self.at[ticker], len(script) - 1)
        if not self.faults.frozen:
            self.at[ticker] += 1
        yes, no = script[place]
        return {"orderbook_fp": {"yes_dollars": yes, "no_dollars": no}}

    def _page(self, query: Query) -> Json:
        rows = [
            market
            for market in self.markets.values()
            if market["event_ticker"].startswith(query.get("series_ticker", ""))
            and (query.get("status") != "open" or market["status"] == "active")
        ]
        first = int(query.get("cursor") or "0")
        following = first + PAGE
        cursor = str(following) if following < len(rows) else ""
        return {"markets": rows[first:following], "cursor": cursor}
