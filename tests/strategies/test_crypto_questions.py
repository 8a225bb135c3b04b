"""Which questions are about the price of a coin at the end, and which only look like it."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from tests.engine.desk import market_of

from papertape.model.market import Market
from papertape.strategies.crypto_questions import CryptoQuestion, crypto_question

NS_PER_S = 1_000_000_000
START_S = 1_773_307_200


def asked(question: str, slug: str = "some-market") -> Market:
    """Return a market with this question."""
    return msgspec.structs.replace(market_of(slug), question=question)


@pytest.mark.parametrize(
    ("question", "asset", "side", "strike"),
    [
        ("Will the price of Bitcoin be above $64,000 on June 30?", "BTC", "above", "64000"),
        ("Will the price of Ethereum be below $1,600 on June 30?", "ETH", "below", "1600"),
        ("BTC above $58,000 on July 1?", "BTC", "above", "58000"),
        ("Solana over $150.50 at noon ET?", "SOL", "above", "150.50"),
        ("Will XRP be under $2 on Friday?", "XRP", "below", "2"),
        ("Bitcoin above $120k on December 31?", "BTC", "above", "120000"),
    ],
)
def test_a_price_at_the_end_is_read(question: str, asset: str, side: str, strike: str) -> None:
    found = crypto_question(asked(question))
    assert found is not None
    assert (found.asset, found.side, found.strike) == (asset, side, Decimal(strike))


@pytest.mark.parametrize(
    "question",
    [
        "Will Bitcoin hit $100,000 by June 30?",  # any time on the way
        "Will Bitcoin reach $100k before July?",
        "Will the price of Bitcoin be between $62,000 and $64,000 on June 30?",
        "Will Bitcoin dip to $50,000 in June?",
        "Will the price of gold be above $4,000 on June 30?",
        "Will MicroStrategy hold over 700,000 BTC?",
        "Is Ethereum above Bitcoin?",
        "Will it rain?",
        "Will the price of Bitcoin be above $64,000 to $66,000?",
        "",
    ],
)
def test_another_question_is_left_alone(question: str) -> None:
    assert crypto_question(asked(question)) is None


def test_an_up_or_down_market_is_read_from_slug_and_end() -> None:
    market = msgspec.structs.replace(
        market_of(f"btc-updown-5m-{START_S}"), end_ns=(START_S + 300) * NS_PER_S
    )
    expected = CryptoQuestion(asset="BTC", side="above", strike=None, start_ns=START_S * NS_PER_S)
    assert crypto_question(market) == expected
    assert crypto_question(msgspec.structs.replace(market, end_ns=market.end_ns + 1)) is None
