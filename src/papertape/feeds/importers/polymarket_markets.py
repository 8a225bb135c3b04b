"""Markets of a Polymarket capture: what their slugs, tokens and final books tell."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime
from pathlib import Path

from papertape.clock import NS_PER_S
from papertape.errors import WorldError
from papertape.feeds.importers.report import ImportReport
from papertape.feeds.polymarket_fees import fee_for
from papertape.model.instrument import FeeSchedule, Instrument
from papertape.model.market import PAYS_NOTHING_MICROS, PAYS_ONE_MICROS, Market
from papertape.model.market_data import MarketSeen

VENUE = "polymarket"
TOKENS_MAX = 2  # a market has two tokens; a capture may hold one
LABEL_DIGITS = 8

_UP_DOWN = re.compile(r"[a-z0-9]+-updown-(5m|15m|4h)-([0-9]{9,10})", re.ASCII)
_TOKEN = re.compile(r"[0-9]{10,80}", re.ASCII)
_SLUG = re.compile(r"[a-z0-9-]{1,200}", re.ASCII)
_LENGTH_S = {"5m": 300, "15m": 900, "4h": 14_400}
_SPORTS = re.compile(r"(mlb|nba|nfl|nhl|cfb|cbb|wnba|epl)-", re.ASCII)
_LABEL = re.compile(r"[^A-Z0-9]+", re.ASCII)
_PAYOUT_COLUMN = "payout_inferred_from_final_book"
_PAYS = {"1": PAYS_ONE_MICROS, "0": PAYS_NOTHING_MICROS}


class KnownMarket:
    """A market of a capture, gathered before its first book is told."""

    def __init__(self, slug: str, names: dict[str, str] | None = None) -> None:
        """Read start and end from the slug, where it is that of an up-or-down market.

        names: token -> what its outcome is called, where the recording says it.
        """
        self.slug = slug
        self.market_id = f"{VENUE}:{slug}"
        self.tokens: list[str] = []
        self.last_recv = b""
        self.listed = False
        self.steps: dict[str, int] = {}
        self.start_ns = self.end_ns = 0
        match = _UP_DOWN.fullmatch(slug)
        if match:
            self.start_ns = int(match[2]) * NS_PER_S
            self.end_ns = self.start_ns + _LENGTH_S[match[1]] * NS_PER_S
        self._symbols: dict[str, str] = {}
        self._names = {} if names is None else names

    def heard(self, token: str, recv: bytes) -> None:
        """Note a token of this market, and when it was heard of (seconds as text)."""
        if token not in self.tokens:
            usable = _TOKEN.fullmatch(token) and _SLUG.fullmatch(self.slug)
            if not usable or len(self.tokens) >= TOKENS_MAX:
                return
            self.tokens.append(token)
        self.last_recv = recv

    def label(self, token: str) -> str:
        """Return the outcome's name, or T and the token's first digits that tell the two apart."""
        names = [
            _LABEL.sub("-", self._names.get(one, "").upper()).strip("-") for one in self.tokens
        ]
        if all(names) and len(set(names)) == len(names):
            return names[self.tokens.index(token)]
        digits = LABEL_DIGITS
        while len({each[:digits] for each in self.tokens}) < len(self.tokens):
            digits += 1
        return "T" + token[:digits]

    def symbol(self, token: str) -> str:
        """Return the symbol of a token."""
        found = self._symbols.get(token)
        if found is None:
            found = self._symbols[token] = f"{VENUE}:{self.slug}:{self.label(token)}"
        return found

    def fees(self, ts_ns: int) -> FeeSchedule:
        """Return what the venue charged for such a market on the day it began."""
        began = datetime.fromtimestamp((self.start_ns or ts_ns) // NS_PER_S, tz=UTC).date()
        category = "sports" if _SPORTS.match(self.slug) else "general"
        return fee_for("crypto" if self.end_ns else category, began)

    def instrument(self, token: str, step_ticks: int, ts_ns: int = 0) -> Instrument:
        """Return the instrument of a token with the tick in force."""
        self.steps[token] = step_ticks
        return Instrument(
            symbol=self.symbol(token),
            venue=VENUE,
            kind="outcome",
            quote_currency="USDC",
            tick_nanos=100_000,
            lot_nanos=10_000_000,
            step_ticks=step_ticks,
            min_lots=500,
            min_notional_micros=1_000_000,
            fees=self.fees(ts_ns),
            market_id=self.market_id,
            outcome=self.label(token),
        )

    def listing(self, ts_ns: int, step_ticks: int) -> MarketSeen:
        """Return the news of this market with the tokens that the capture holds."""
        self.listed = True
        instruments = tuple(self.instrument(token, step_ticks, ts_ns) for token in self.tokens)
        market = Market(
            market_id=self.market_id,
            venue=VENUE,
            question=self.slug,
            outcomes=tuple(instrument.outcome for instrument in instruments),
            symbols=tuple(instrument.symbol for instrument in instruments),
            end_ns=self.end_ns,
            mirrored=True,
        )
        return MarketSeen(ts_ns=ts_ns, market=market, instruments=instruments)

    def payouts(self, known: dict[str, int]) -> tuple[int, ...] | None:
        """Return what each token pays, None unless that is known or follows from the other."""
        paid = [known.get(token) for token in self.tokens]
        if len(paid) == TOKENS_MAX:
            first, second = paid
            if first is None and second is not None:
                first = PAYS_ONE_MICROS - second
            elif second is None and first is not None:
                second = PAYS_ONE_MICROS - first
            if first is None or second is None or first + second != PAYS_ONE_MICROS:
                return None
            return first, second
        return (paid[0],) if paid and paid[0] is not None else None


def read_payouts(path: Path | None, report: ImportReport) -> dict[str, int]:
    """Return what tokens paid, in micros per share, where markets.csv says it."""
    if path is None:
        return {}
    known: dict[str, int] = {}
    try:
        with path.open(newline="", encoding="ascii") as text:
            for number, row in enumerate(csv.DictReader(text), start=2):
                token, paid = row.get("asset_id") or "", row.get(_PAYOUT_COLUMN)
                if not _TOKEN.fullmatch(token) or paid is None or paid not in {"0", "1", ""}:
                    report.refuse(
                        "markets.csv: not a token and its payout", f"{path.name}:{number}"
                    )
                elif paid:
                    known[token] = _PAYS[paid]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise WorldError(f"{path}: cannot be read: {error}") from error
    return known
