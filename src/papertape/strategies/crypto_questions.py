"""Which prediction markets ask about the price of a coin, and what exactly they ask.

Read from the market's own words: a slug such as `btc-updown-5m-1773307200`, or a question such as
"Will the price of Bitcoin be above $64,000 on June 30?". What is not certainly one of these forms
is not read: a wrong strike is a wrong probability.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

import msgspec

from papertape.model.market import Market

NS_PER_S = 1_000_000_000
ASSETS = {
    "btc": "BTC", "bitcoin": "BTC", "eth": "ETH", "ethereum": "ETH", "sol": "SOL",
    "solana": "SOL", "xrp": "XRP", "doge": "DOGE", "dogecoin": "DOGE",
}  # fmt: skip
SPANS_S = {"5m": 300, "15m": 900, "1h": 3_600, "4h": 14_400}
MULTIPLES = {"": 1, "k": 1_000, "m": 1_000_000}

UP_DOWN = re.compile(r"(?:^|:)([a-z]+)-updown-(5m|15m|1h|4h)-([0-9]{9,11})$")
ABOVE = re.compile(
    rf"\b({'|'.join(ASSETS)})\b[^$]*?\b(above|over|below|under)\s+"
    r"\$((?>[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?))(k|m)?\b(?!\s*(?:and\b|to\b|or\b|-))",
    re.IGNORECASE,
)
BARRIER = re.compile(
    r"\b(hit|reach|touch|dip|fall to|drop to|by|before|between|any time)\b", re.IGNORECASE
)
"""Words of questions about the way and not the end: another formula, so they are not read."""


class CryptoQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """YES pays if the price of `asset` at the end is above (or below) the strike.

    strike: in quote currency; None means the price at `start_ns` (an up-or-down market).
    """

    asset: str
    side: Literal["above", "below"]
    strike: Decimal | None
    start_ns: int = 0


def crypto_question(market: Market) -> CryptoQuestion | None:
    """Return what a market asks about a coin's price, None if that is not certain."""
    up_down = UP_DOWN.search(market.market_id)
    if up_down is not None:
        asset, span, start_s = up_down.groups()
        if asset not in ASSETS:
            return None
        start_ns = int(start_s) * NS_PER_S
        if market.end_ns != start_ns + SPANS_S[span] * NS_PER_S:
            return None  # slug and end disagree
        return CryptoQuestion(asset=ASSETS[asset], side="above", strike=None, start_ns=start_ns)
    found = ABOVE.search(market.question)
    if found is None or BARRIER.search(market.question):
        return None
    asset, word, number, multiple = found.groups()
    strike = Decimal(number.replace(",", "")) * MULTIPLES[(multiple or "").lower()]
    side: Literal["above", "below"] = "above" if word.lower() in ("above", "over") else "below"
    return CryptoQuestion(asset=ASSETS[asset.lower()], side=side, strike=strike)
