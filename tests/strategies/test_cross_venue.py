"""One question on two venues: only what a person confirmed is traded, exactly and on both sides."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.engine.desk import CRYPTO_FEE, T0_NS, Desk, market_of, outcome

from papertape.clock import NS_PER_S
from papertape.errors import ConfigError
from papertape.model.events import OpportunitySkipped, SignalRaised
from papertape.model.market_data import MarketSeen
from papertape.strategies.cross_venue_arbitrage import CrossVenueArbitrage
from papertape.strategies.pair_file import QuestionPair, read_pairs

CONFIRMED = """
  confirmed_by: Jane
  confirmed_on: 2026-01-01
  source: the same statement
  deadline: the same hour
  void: both refund
"""
HERE = ("test:rain:YES", "test:rain:NO")
THERE = ("kalshi:RAIN:YES", "kalshi:RAIN:NO")


def pairs_file(folder: Path, *, polarity: str = "same", confirmed: str = CONFIRMED) -> Path:
    """Write a file with one pair."""
    path = folder / "pairs.yaml"
    head = "- name: rain\n  first: test:rain\n  second: kalshi:RAIN\n"
    path.write_text(f"pairs:\n{head}  polarity: {polarity}\n{confirmed}", encoding="utf-8")
    return path


def desk_with(path: Path, *, lot_nanos: int = 10_000_000) -> Desk:
    """Return a desk with the question on two venues."""
    strategy = CrossVenueArbitrage(pairs_file=str(path), rest_s=5)
    desk = Desk({strategy.name: strategy})
    desk.list_market(fees=CRYPTO_FEE)
    market = msgspec.structs.replace(
        market_of("rain"), market_id="kalshi:RAIN", venue="kalshi", symbols=THERE
    )
    tokens = tuple(
        msgspec.structs.replace(outcome(s, fees=CRYPTO_FEE), lot_nanos=lot_nanos) for s in THERE
    )
    desk.step(MarketSeen(ts_ns=0, market=market, instruments=tokens))
    return desk


def show(desk: Desk, symbol: str, ask: int, lots: int = 10_000) -> None:
    """Show a book whose ask is known."""
    desk.book(symbol, bids=[(max(ask - 200, 100), lots)], asks=[(ask, lots)], after_s=0.1)


@pytest.mark.parametrize(("polarity", "other"), [("same", THERE[1]), ("inverse", THERE[0])])
def test_a_confirmed_pair_is_bought_on_both_sides(
    tmp_path: Path, polarity: str, other: str
) -> None:
    desk = desk_with(pairs_file(tmp_path, polarity=polarity))
    show(desk, HERE[0], 4_000)
    show(desk, other, 5_000)
    assert {(fill.symbol, fill.side) for fill in desk.fills()} == {(HERE[0], "BUY"), (other, "BUY")}
    assert len({fill.quantity_lots for fill in desk.fills()}) == 1
    spent = sum(fill.notional_micros + fill.fee_micros for fill in desk.fills())
    lots = desk.fills()[0].quantity_lots
    edge = desk.events(SignalRaised)[0].expected_edge_micros
    assert edge == lots * 10_000 - spent  # it pays 1 a share, whoever is right
    assert spent <= 200_000_000


@pytest.mark.parametrize("gap", ["confirmed_by", "confirmed_on", "source", "deadline", "void"])
def test_a_pair_that_lacks_one_thing_is_shown_and_never_traded(tmp_path: Path, gap: str) -> None:
    kept = "\n".join(line for line in CONFIRMED.splitlines() if gap not in line)
    desk = desk_with(pairs_file(tmp_path, confirmed=kept))
    for _ in range(20):
        show(desk, HERE[0], 4_000)
        show(desk, THERE[1], 5_000)
    assert not desk.fills()
    skips = desk.events(OpportunitySkipped)
    assert {skip.test for skip in skips} == {"unconfirmed"}
    assert gap in skips[0].reason


def test_fees_and_depth_are_told(tmp_path: Path) -> None:
    desk = desk_with(pairs_file(tmp_path))
    show(desk, HERE[0], 4_800)
    show(desk, THERE[1], 5_000)  # 2 cents, and 3.5 of fees
    assert [skip.test for skip in desk.events(OpportunitySkipped)] == ["fees"]
    show(desk, HERE[0], 5_200)
    show(desk, THERE[1], 5_000)
    assert not desk.fills()


def test_lots_of_another_size_are_not_paired(tmp_path: Path) -> None:
    desk = desk_with(pairs_file(tmp_path), lot_nanos=1_000_000_000)
    show(desk, HERE[0], 4_000)
    show(desk, THERE[1], 5_000)
    assert not desk.fills()


def test_old_books_are_no_pair(tmp_path: Path) -> None:
    desk = desk_with(pairs_file(tmp_path))
    show(desk, THERE[1], 5_000)
    desk.book(HERE[0], bids=[(3_800, 10_000)], asks=[(4_000, 10_000)], after_s=6)
    assert not desk.fills()
    assert desk.clock.now_ns() > T0_NS + 6 * NS_PER_S


def test_without_a_file_there_are_no_pairs() -> None:
    strategy = CrossVenueArbitrage()
    desk = Desk({strategy.name: strategy})
    desk.list_market()
    show(desk, HERE[0], 100)
    assert not desk.fills()
    assert not desk.view.activity.alerts


def test_series_are_paired_by_what_their_names_share() -> None:
    pair = QuestionPair(name="p", first="a:btc-5m-*", second="b:KXBTC5M-*-UP")
    assert pair.partner("a:btc-5m-17") == "b:KXBTC5M-17-UP"
    assert pair.partner("b:KXBTC5M-17-UP") == "a:btc-5m-17"
    assert pair.partner("b:KXBTC5M-17-DOWN") is None
    assert pair.partner("a:btc-5m-") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it needs `pairs:`"),
        ("pairs: 5", "it needs `pairs:`"),
        ("pairs: [", "pairs.yaml: "),
        ("pairs:\n- {name: a, first: x:1, second: y:1, polrity: same}", "did you mean polarity?"),
        ("pairs:\n- {name: a, first: x:1, second: y:1, polarity: maybe}", "pair 1: "),
        ("pairs:\n- {name: a, first: x:1}", "pair 1: "),
        ("pairs:\n- {name: a, first: x:1, second: x:1}", "the same market"),
        ("pairs:\n- {name: a, first: 'x:*', second: y:1}", "a * stands in both"),
        ("pairs:\n- 5", "pair 1: "),
        (
            "pairs:\n- {name: a, first: x:1, second: y:1}\n- {name: a, first: x:2, second: y:2}",
            "two pairs are named 'a'",
        ),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "pairs.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        read_pairs(path)
    assert said in str(refused.value)


def test_a_missing_file_disables_the_strategy_with_an_alert(tmp_path: Path) -> None:
    strategy = CrossVenueArbitrage(pairs_file=str(tmp_path / "none.yaml"))
    desk = Desk({strategy.name: strategy})
    assert desk.view.strategies.scores[strategy.name].status == "disabled"
    assert "none.yaml" in desk.view.strategies.scores[strategy.name].status_reason
