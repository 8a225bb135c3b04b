"""Leaderboard and analytics: ranks that luck cannot buy, totals that are the ledger's."""

from __future__ import annotations

import csv
import io

import pytest
from tests.dashboard.conftest import Caller
from tests.dashboard.tapes import NO, YES, Tape, busy

from papertape.clock import NS_PER_S
from papertape.dashboard import analytics, leaderboard, periods
from papertape.dashboard.leaderboard import verdict
from papertape.model.events import LegWanted, SignalRaised
from papertape.services.figures import FIGURES, fall_of
from papertape.services.metric_registry import BY_NAME
from papertape.services.results import HOUR_S

PATHS = (
    "/api/leaderboard", "/api/analytics", "/api/export/leaderboard", "/api/export/analytics",
    "/api/export/leaderboard?format=json", "/api/export/analytics?format=json",
)  # fmt: skip


def trips(tape: Tape, strategy: str, gains: list[int], symbol: str = YES) -> None:
    """Buy at 40 cents and sell some ticks higher or lower, again and again."""
    for gain in gains:
        tape.trade("BUY", 1_000, 4_000, symbol=symbol, strategy=strategy, fee_micros=0)
        tape.trade("SELL", 1_000, 4_000 + gain, symbol=symbol, strategy=strategy, fee_micros=0)
    tape.flush()


@pytest.mark.parametrize("path", PATHS)
def test_they_answer_before_there_is_a_ledger(page: Caller, path: str) -> None:
    assert page.get(path).status_code == 200


def test_before_the_first_trade_nothing_is_invented(page: Caller, tape: Tape) -> None:
    tape.flush()
    found = page.data("/api/analytics")
    values = {row["name"]: row["value"] for row in found["figures"]}
    for name in ("win_rate_pct", "profit_factor", "expectancy", "sharpe_per_trip", "holding_s"):
        assert values[name] is None, name
    assert (values["net_pnl"], values["round_trips"]) == (0.0, 0)
    assert (found["by_day"], found["by_market"]) == ([], [])
    for row in page.data("/api/leaderboard")["rows"]:
        assert (row["rank"], row["verdict"], row["low"]) == (None, "none", None)


def test_totals_equal_the_ledger(page: Caller, tape: Tape) -> None:
    busy(tape)
    trips(tape, "momentum", [100, -50, 200])
    net = (tape.books.realized_micros - tape.books.fees_micros) / 1e6
    fees = tape.books.fees_micros / 1e6
    board = page.data("/api/leaderboard")
    assert sum(row["net_pnl"] for row in board["rows"]) == pytest.approx(net, abs=1e-9)
    found = page.data("/api/analytics")
    values = {row["name"]: row["value"] for row in found["figures"]}
    assert (values["net_pnl"], values["fees"]) == (pytest.approx(net), pytest.approx(fees))
    assert values["fills"] == page.data("/api/portfolio")["summary"]["trades_count"]
    for group in ("hour", "weekday", "day", "month", "strategy", "venue", "market"):
        rows = found[f"by_{group}"]
        assert sum(row["net_pnl"] for row in rows) == pytest.approx(net, abs=1e-9), group
        assert sum(row["round_trips"] for row in rows) == values["round_trips"], group
    assert sum(row["round_trips"] for row in found["by_holding"]) == values["round_trips"]
    scores = {row["strategy"]: row for row in page.data("/api/strategies/performance")}
    for row in board["rows"]:
        score = scores[row["strategy"]]
        assert row["round_trips"] == score["round_trips"]
        assert row["net_pnl"] == pytest.approx(score["net_pnl"])
        assert row["unrealized_pnl"] == pytest.approx(score["unrealized_pnl"])
    assert [row["name"] for row in found["figures"]] == [figure.name for figure in FIGURES]


def test_inputs_give_the_figures(page: Caller, tape: Tape) -> None:
    """What a figure says it is made of is what it is made of."""
    for i in range(6):
        tape.trade("BUY", lots=1_000, ticks=4_000)
        tape.trade("SELL", lots=1_000, ticks=4_300 if i % 3 else 3_900)
    tape.mark(10_000_000_000)
    tape.flush()
    rows = {row["name"]: row for row in page.data("/api/analytics")["figures"]}
    made = {name: [part["value"] for part in row["inputs"]] for name, row in rows.items()}
    value = {name: row["value"] for name, row in rows.items()}
    assert value["net_pnl"] == pytest.approx(made["net_pnl"][0] - made["net_pnl"][1])
    assert value["gross_pnl"] == pytest.approx(sum(made["gross_pnl"]))
    for name in ("win_rate_pct", "net_return_pct"):
        above, below = made[name]
        assert value[name] == pytest.approx(100 * above / below), name
    for name in ("profit_factor", "expectancy", "average_win", "holding_s"):
        above, below, *_ = made[name]
        assert value[name] == pytest.approx(above / below), name
    assert value["average_loss"] == pytest.approx(
        -made["average_loss"][0] / made["average_loss"][1]
    )
    earned, trips, spread = made["sharpe_per_trip"]
    assert value["sharpe_per_trip"] == pytest.approx(earned / trips / spread)
    assert value["turnover"] == pytest.approx(made["turnover"][0] / 2 / made["turnover"][1])
    assert value["round_trips"] == sum(made["round_trips"]) == 6
    assert value["traded"] == made["fees"][1]


def test_a_lucky_strategy_of_five_trades_is_not_the_winner(page: Caller, tape: Tape) -> None:
    trips(tape, "lucky", [3_000] * 5)
    trips(tape, "steady", [90, 100, 110, 100] * 5)
    trips(tape, "noisy", [2_000, -1_800] * 10)
    rows = {row["strategy"]: row for row in page.data("/api/leaderboard")["rows"]}
    order = [row["strategy"] for row in page.data("/api/leaderboard")["rows"]]
    assert order[:3] == ["steady", "noisy", "lucky"]
    assert [rows[name]["rank"] for name in order[:3]] == [1, 2, None]
    assert [rows[name]["verdict"] for name in order[:3]] == ["earns", "unclear", "few"]
    assert rows["lucky"]["net_pnl"] > rows["steady"]["net_pnl"]
    steady = rows["steady"]
    assert steady["low"] < steady["mean"] < steady["high"]
    assert (steady["round_trips"], steady["wins"]) == (20, 20)
    assert steady["mean"] == pytest.approx(0.1)
    assert steady["low"] == pytest.approx(0.1 - 2.0930240544 * 0.0072547 / 20**0.5, rel=1e-4)


def test_a_period_counts_what_ended_in_it(page: Caller, tape: Tape) -> None:
    trips(tape, "momentum", [100] * 12)
    tape.ts_ns += 40 * 86_400 * NS_PER_S
    trips(tape, "momentum", [-100] * 11)
    tape.flush()
    rows = page.data("/api/leaderboard?period=all")["rows"]
    assert {row["strategy"]: row["round_trips"] for row in rows}["momentum"] == 23
    follower = page.client.application.extensions["papertape"].follower
    # the clock of the machine is later than the tape's: ask as of the newest record
    from_s = periods.begins_s("30d", tape.ts_ns)
    sums = leaderboard.sums_by_strategy(follower, from_s)["momentum"]
    assert sums[4] == 11
    curve = leaderboard.curve(follower, "momentum", from_s)
    assert curve[0] == (from_s * NS_PER_S, 0)
    assert curve[-1][1] == -11 * 100_000
    assert page.data("/api/leaderboard?period=today")["rows"][0]["round_trips"] == 0


def test_filters_choose_and_name_what_they_do_not_know(page: Caller, tape: Tape) -> None:
    trips(tape, "momentum", [100, 100])
    trips(tape, "arbitrage", [-30], symbol=NO)
    for query, expected in (("strategy=momentum", 2), ("venue=simulated", 3),
                            ("market=simulated:will-it-rain&strategy=arbitrage", 1)):  # fmt: skip
        found = page.data(f"/api/analytics?{query}")
        values = {row["name"]: row["value"] for row in found["figures"]}
        assert values["round_trips"] == expected, query
        assert found["curve"]["equity"][-1] == pytest.approx(10_000 + values["net_pnl"])
    for wrong, near in (("strategy=momentom", "momentum"), ("venue=simulatet", "simulated")):
        answer = page.get(f"/api/analytics?{wrong}")
        assert answer.status_code == 422
        assert near in answer.get_json()["error"]["message"]
    assert page.get("/api/analytics?period=year").status_code == 422
    assert page.get("/api/leaderboard?strategy=momentum").status_code == 422


def test_what_was_expected_stands_beside_what_came(page: Caller, tape: Tape) -> None:
    leg = LegWanted(symbol=YES, side="BUY", quantity_lots=1_000)
    tape.put(
        SignalRaised(
            signal_id="S1", strategy="momentum", legs=(leg,), reason="", time_in_force="IOC",
            all_or_none=False, then="none", expected_edge_micros=300_000,
        )
    )  # fmt: skip
    trips(tape, "momentum", [100, 100])
    found = page.data("/api/analytics")["edge"]
    assert found == {"edge_trips": 1, "edge_expected": 0.3, "edge_realized": 0.1}
    costs = {row["name"]: row for row in page.data("/api/analytics")["costs"]}
    assert costs["spread"]["value"] is None
    assert "other side of the book" in costs["spread"]["why"]


def test_exports_are_the_rows_of_the_page(page: Caller, tape: Tape) -> None:
    trips(tape, "momentum", [100] * 12)
    text = page.get("/api/export/leaderboard").get_data(as_text=True)
    rows = {row["strategy"]: row for row in csv.DictReader(io.StringIO(text))}
    assert (rows["momentum"]["rank"], rows["momentum"]["round_trips"]) == ("1", "12")
    assert rows["momentum"]["mode"] == "SIMULATED"
    text = page.get("/api/export/analytics?strategy=momentum").get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {"figure", "hour", "weekday", "day", "strategy", "cost"} <= {r["group"] for r in rows}
    figures = {row["key"]: row for row in rows if row["group"] == "figure"}
    assert float(figures["expectancy"]["value"]) == pytest.approx(0.1)
    assert figures["expectancy"]["strategy"] == "momentum"
    assert page.get("/api/export/analytics?format=parquet").get_data()[:4] == b"PAR1"
    assert page.get("/api/export/analytics?format=xlsx").status_code == 422


def test_the_drawdown_is_that_of_the_overview(page: Caller, tape: Tape) -> None:
    for value in (10_000, 10_100, 9_900, 10_000, 10_200, 10_100):
        tape.mark(value * 1_000_000)
    tape.flush()
    figures = {row["name"]: row for row in page.data("/api/analytics")["figures"]}
    summary = page.data("/api/portfolio")["summary"]
    assert figures["max_drawdown_pct"]["value"] == pytest.approx(summary["max_drawdown_pct"], 1e-3)
    assert (figures["drawdown_s"]["value"], figures["drawdown_s"]["lasting"]) == (2.0, False)
    assert figures["total_return_pct"]["value"] == summary["total_return_pct"] == 0.0


def test_falls_of_a_curve() -> None:
    assert fall_of([]) == (0.0, 0, False)
    assert fall_of([(0, 100), (5, 100), (9, 120)]) == (0.0, 0, False)
    assert fall_of([(0, 100), (1, 50), (3, 75), (4, 100), (5, 99), (9, 99)]) == (0.5, 4, True)
    assert fall_of([(0, 100), (1, 50), (8, 100), (9, 99)]) == (0.5, 7, False)
    assert fall_of([(0, 0), (1, -50), (3, -20)], 100) == (0.5, 2, True)


def test_one_name_means_one_thing_here_and_in_backtests() -> None:
    shared = [figure for figure in FIGURES if figure.name in BY_NAME]
    assert len(shared) >= 10
    assert [f.label for f in shared] == [BY_NAME[f.name].label for f in shared]
    same = ("fees", "win_rate_pct", "profit_factor", "expectancy", "drawdown_s", "holding_s",
            "traded")  # fmt: skip
    formulas = {figure.name: figure.formula for figure in FIGURES}
    for name in same:
        assert formulas[name].startswith(BY_NAME[name].formula), name


def test_verdicts() -> None:
    assert verdict(0, None) == "none"
    assert verdict(9, (1.0, 2.0)) == "few"
    assert verdict(10, (1.0, 2.0)) == "earns"
    assert verdict(10, (-2.0, -1.0)) == "loses"
    assert verdict(10, (-2.0, 1.0)) == "unclear"


def test_periods_begin_at_whole_hours_and_days() -> None:
    day_ns = 20_000 * 86_400 * NS_PER_S
    at_ns = day_ns + (5 * HOUR_S + 17) * NS_PER_S
    assert periods.begins_s("all", at_ns) == 0
    assert periods.begins_s("today", at_ns) == day_ns // NS_PER_S
    assert periods.begins_s("7d", at_ns) == day_ns // NS_PER_S - 6 * 86_400
    assert periods.begins_s("24h", at_ns) == day_ns // NS_PER_S - 18 * HOUR_S
    assert analytics.MARKETS_SHOWN < 100
