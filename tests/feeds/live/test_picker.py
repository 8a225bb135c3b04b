"""Which markets are watched: one line of words and conditions, looked at again while running."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.feeds.live.desk import QUICK, closing, live_feed, told

from papertape.errors import InvalidInputError
from papertape.feeds.polymarket.picker import Choice
from papertape.feeds.polymarket.query import Query, parse_query
from papertape.model.market_data import (
    MarketData,
    MarketResolvedSeen,
    MarketSeen,
    MarketStateSeen,
)
from papertape.testing.polymarket_script import gamma_market
from papertape.testing.polymarket_server import PolymarketServer

FAR = "2099-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", Query()),
        ("Crypto Up/Down 5m", Query(words=("crypto", "updown", "5m"))),
        ("btc volume>10k", Query(words=("btc",), volume_usd_min=10_000)),
        ("volume>=1.5m liquidity>500", Query(volume_usd_min=1_500_000, liquidity_usd_min=500)),
        ("tag:us-politics ends<30m", Query(tag="us-politics", ends_within_h=0.5)),
        ("ends<7d", Query(ends_within_h=168.0)),
    ],
)
def test_a_line_is_taken_apart(text: str, query: Query) -> None:
    """Words anywhere, conditions anywhere."""
    assert parse_query(text) == query


@pytest.mark.parametrize(
    "text", ["volume>much", "volum>5", "ends<0h", "ends<soon", "ends>2h", "tag:", "tag:u_s", "a<b"]
)
def test_a_condition_that_is_none_is_named(text: str) -> None:
    """It is never searched for as a word."""
    with pytest.raises(InvalidInputError, match="query") as caught:
        parse_query(f"btc {text}")
    assert text in str(caught.value)


def test_the_stricter_of_line_and_settings_goes() -> None:
    """A config narrows what a line may find, and the other way round."""
    choice = Choice(query="x volume>10 ends<2h", volume_usd_min=50, ends_within_h=24.0)
    assert (choice.asked().volume_usd_min, choice.asked().ends_within_h) == (50, 2.0)


def market(number: int, **fields: Any) -> dict[str, Any]:
    """Return a market of the list."""
    tokens = [str(10**20 + number), str(10**21 + number)]
    return gamma_market(f"btc-updown-5m-{number}", tokens, **{"endDate": FAR, **fields})


def test_only_what_was_asked_for_is_watched() -> None:
    """Whatever the venue makes of the filters: kind, liquidity and end are looked at here."""
    markets = [
        market(1, liquidityNum=900),
        market(2, liquidityNum=100),
        market(3, liquidityNum=900, feeType="sports_fees_v2"),
        market(4, liquidityNum=900, closed=True),
        market(5, liquidityNum=900, endDate="2020-01-01T00:00:00Z"),
        market(6, liquidityNum="900.5", clobTokenIds=None, positionIds=["6" * 20, "7" * 20]),
    ]
    choice = Choice(query="crypto up/down 5m liquidity>500")
    with PolymarketServer(markets, []) as server:
        feed = live_feed(server, choice=choice)
        with closing(feed):
            items = told(feed, lambda items: len(_states(items)) == 2)
    assert _listed(items) == [1, 6]
    assert _states(items) == ["trading", "trading"]


def _states(items: list[MarketData]) -> list[str]:
    return [item.state for item in items if isinstance(item, MarketStateSeen)]


def _listed(items: list[MarketData]) -> list[int]:
    found = [item.market.market_id for item in items if isinstance(item, MarketSeen)]
    return [int(one.rpartition("-")[2]) for one in found]


def test_new_markets_join_and_paid_ones_leave_while_it_runs() -> None:
    """One place: the second market gets it when the first is over, disputed for a while, and paid.

    A listed market trades when it accepts orders; a paid one is unsubscribed.
    """
    steps: list[str] = []
    first, second = market(1), market(2, acceptingOrders=False)
    with PolymarketServer([first], []) as server:
        feed = live_feed(
            server, choice=Choice(query="updown", markets_max=1), refresh_s=0.05, timing=QUICK
        )

        def step(items: list[MarketData]) -> bool:
            states = [(i.market_id, i.state) for i in items if isinstance(i, MarketStateSeen)]
            if not steps and _listed(items) == [1] and server.said:
                server.list_market(first | {"umaResolutionStatus": "disputed"})
                server.list_market(second)
                steps.append("disputed")
            elif len(steps) == 1 and ("polymarket:btc-updown-5m-2", "listed") in states:
                assert ("polymarket:btc-updown-5m-1", "closed") in states
                server.list_market(second | {"acceptingOrders": True})
                steps.append("accepting")
            elif len(steps) == 2 and ("polymarket:btc-updown-5m-2", "trading") in states:
                halves = {"outcomePrices": '["0.5", "0.5"]', "umaResolutionStatus": "resolved"}
                server.list_market(first | {"closed": True, **halves})
                steps.append("paid")
            said = [wish for wish in server.said if wish.get("operation") == "unsubscribe"]
            return isinstance(items[-1], MarketResolvedSeen) or bool(said)

        with closing(feed):
            items = told(feed, step)
    paid = [item for item in items if isinstance(item, MarketResolvedSeen)]
    assert [(one.market_id[-1], one.payouts_micros) for one in paid] == [("1", (500_000, 500_000))]
    assert steps == ["disputed", "accepting", "paid"]


def test_a_wrong_query_ends_the_run_at_once(tmp_path: Path) -> None:
    """Before anything is asked of the venue, with what was expected."""
    from tests.e2e.bots import papertape

    done = papertape("run", "--feed", "live", "--query", "btc volum>5", data_dir=tmp_path / "data")
    assert done.returncode == 2
    assert "volum>5" in done.stderr
    assert "volume>" in done.stderr
