"""Wins, losses, curves and histograms: what each figure counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.desk import CRYPTO_FEE, NO, YES, Desk

from papertape.services.histogram import BINS_MAX, Histogram
from papertape.services.series import BoundedSeries


def row(desk: Desk, strategy: str = "hand") -> dict[str, object]:
    """Return a strategy's row of the leaderboard."""
    return {r["strategy"]: r for r in desk.view.strategy_rows()}[strategy]


@pytest.fixture
def desk() -> Desk:
    """Return a desk with a market that charges fees."""
    desk = Desk()
    desk.list_market(fees=CRYPTO_FEE)
    return desk


def trip(desk: Desk, buy: int, sell: int, lots: int = 10_000, parts: int = 1) -> None:
    """Buy at one price and sell at another, in some parts."""
    desk.book(asks=[(buy, 10**6)], after_s=1)
    desk.send("BUY", lots)
    for _ in range(parts):
        desk.book(bids=[(sell, 10**6)], after_s=1)
        desk.send("SELL", lots // parts)


def test_a_sold_out_position_pays_its_fees_in_the_win_or_loss_count(desk: Desk) -> None:
    """Up by 2 cents, 3.5 cents of fees: a loss."""
    trip(desk, 5_000, 5_200)
    got = row(desk)
    assert (got["wins"], got["losses"], got["round_trips"]) == (0, 1, 1)
    assert got["realized_pnl"] == 2.0
    assert got["fees"] == pytest.approx(3.4972)
    assert got["avg_trade_pnl"] == pytest.approx(2.0 - 3.4972)
    assert got["win_rate"] == 0.0
    assert desk.view.strategies.distribution.losses == 1


def test_a_round_trip_in_parts_is_one(desk: Desk) -> None:
    trip(desk, 5_000, 6_000, parts=4)
    got = row(desk)
    assert (got["trades"], got["round_trips"], got["wins"]) == (5, 1, 1)


def test_wins_losses_and_factors(desk: Desk) -> None:
    desk.list_market("free")
    for buy, sell in ((5_000, 6_000), (5_000, 4_000), (5_000, 7_000), (5_000, 5_000)):
        symbol = "test:free:YES"
        desk.book(symbol, asks=[(buy, 10**6)], after_s=1)
        desk.send("BUY", 1_000, symbol=symbol)
        desk.book(symbol, bids=[(sell, 10**6)], after_s=1)
        desk.send("SELL", 1_000, symbol=symbol)
    got = row(desk)
    assert (got["wins"], got["losses"], got["round_trips"]) == (2, 1, 4)
    assert got["win_rate"] == 50.0
    assert got["profit_factor"] == 3.0
    assert got["avg_trade_pnl"] == 0.5
    assert got["net_pnl"] == 2.0
    assert got["sharpe"] == pytest.approx(0.5 / (5 / 3) ** 0.5, abs=1e-4)


def test_what_cannot_be_said_yet_is_none(desk: Desk) -> None:
    desk.book(asks=[(5_000, 100)])
    desk.send("BUY", 100)
    got = row(desk)
    for figure in ("win_rate", "avg_trade_pnl", "profit_factor", "sharpe"):
        assert got[figure] is None, figure


def test_a_set_counts_as_one_trip_whichever_leg_pays(desk: Desk) -> None:
    for symbol in (YES, NO):
        desk.book(symbol, asks=[(4_500, 10_000)])
    desk.send_set([YES, NO], 1_000)
    desk.resolve("test:rain", (0, 1_000_000))
    got = row(desk)
    assert (got["wins"], got["losses"]) == (1, 0)
    assert got["realized_pnl"] == 1.0


def test_legs_paid_in_one_moment_are_no_drawdown(desk: Desk) -> None:
    """NO of each of three markets: two pay, one does not, all at once; the set earns."""
    desk.list_event(["x", "y", "z"])
    symbols = [f"test:{slug}:NO" for slug in "xyz"]
    for symbol in symbols:
        desk.book(symbol, asks=[(6_000, 10_000)])
    desk.send_set(symbols, 1_000)
    for slug in "xyz":
        desk.resolve(f"test:{slug}", (1_000_000, 0) if slug == "y" else (0, 1_000_000))
    score = desk.view.strategies.scores["hand"]
    nets = [net for _, net, _ in score.points(100)]
    assert (min(nets), nets[-1]) == (2_000_000, 2_000_000)
    assert row(desk)["max_drawdown_pct"] == 0.0


@given(st.lists(st.integers(-(10**12), 10**12), max_size=200))
def test_the_histogram_counts_everything_in_few_bins(values: list[int]) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    assert len(histogram.rows()) <= BINS_MAX
    assert sum(count for _, _, count in histogram.rows()) == len(values)
    signs = (sum(v > 0 for v in values), sum(v < 0 for v in values), sum(v == 0 for v in values))
    assert (histogram.wins, histogram.losses, histogram.breakeven) == signs
    for low, high, count in histogram.rows():
        assert count == sum(low <= value < high for value in values)
        assert not low < 0 < high


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=300), st.integers(4, 300))
def test_a_bounded_series_keeps_ends_and_extremes(values: list[int], points: int) -> None:
    series = BoundedSeries(8)
    for ts, value in enumerate(values):
        series.add(ts, value, -value)
    samples = series.samples(points)
    assert samples[0] == (0, values[0], -values[0])
    assert samples[-1] == (len(values) - 1, values[-1], -values[-1])
    kept = [value for _, value, _ in samples]
    assert (min(kept), max(kept)) == (min(values), max(values))
    assert [ts for ts, _, _ in samples] == sorted(ts for ts, _, _ in samples)
    assert len(samples) <= max(4, points) + 4
    copy = BoundedSeries(8)
    copy.restore(series.snapshot())
    assert copy.samples(points) == samples
