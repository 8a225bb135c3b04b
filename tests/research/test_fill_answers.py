"""The same signals under several fill models: figures side by side, from Python and the CLI."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.engine.desk import T0_NS, YES, market_of, outcome

from papertape import Amend, Cancel, Leg, Signal, Strategy
from papertape.config import load_config
from papertape.errors import InvalidInputError
from papertape.model.market_data import BookSeen, MarketResolvedSeen, MarketSeen, PrintSeen
from papertape.research.backtest import run_backtest
from papertape.research.fill_answers import fill_models
from papertape.strategies.base import Answer
from papertape.tape.recorder import MarketRecorder

S_NS = 10**9


class Maker(Strategy):
    """Rests a bid at 0.49, moves it once, takes one order back, and sells what it got at 0.51."""

    name = "maker"

    def on_start(self) -> None:
        self.books = 0

    def on_book(self, book: BookSeen) -> Answer:
        self.books += 1
        open_orders = self.open_orders()
        if self.books == 1:
            leg = Leg(symbol=YES, side="BUY", quantity="10", limit="0.49")
            return Signal(legs=(leg,), time_in_force="GTC")
        if self.books == 2:
            leg = Leg(symbol=YES, side="BUY", quantity="10", limit="0.48")
            return Signal(legs=(leg,), time_in_force="GTC")
        if self.books == 3 and open_orders:
            return Cancel(order_id=open_orders[-1].order.order_id)
        if self.books == 4 and open_orders:
            return Amend(order_id=open_orders[0].order.order_id, quantity_lots=800)
        if self.books == 8:
            return Signal(legs=(Leg(symbol=YES, side="BUY", quantity="5"),))
        return None


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Return a market in which the queue at 0.49 shrinks by cancels and by prints."""
    recorder = MarketRecorder(tmp_path / "rec", source="test", rows_per_segment=1_000)
    tokens = tuple(outcome(symbol) for symbol in market_of("rain").symbols)
    recorder.record(MarketSeen(ts_ns=T0_NS, market=market_of("rain"), instruments=tokens))
    sizes = [10_000, 20_000, 8_000, 8_000, 8_000, 6_000, 5_000, 5_000]
    for n, size in enumerate(sizes, start=1):
        now = T0_NS + n * S_NS
        recorder.record(
            BookSeen(
                symbol=YES, ts_ns=now, bid_ticks=[4_900], bid_lots=[size], ask_ticks=[5_100],
                ask_lots=[300],
            )
        )  # fmt: skip
        recorder.record(
            PrintSeen(
                symbol=YES, ts_ns=now + 1, price_ticks=4_900, quantity_lots=1_100, side="SELL"
            )
        )
    paid = MarketResolvedSeen(
        ts_ns=T0_NS + 99 * S_NS, market_id="test:rain", payouts_micros=(1_000_000, 0)
    )
    recorder.record(paid)
    recorder.close()
    return tmp_path / "rec"


def answers(recording: Path, tmp_path: Path, fills: str) -> tuple[Any, dict[str, Any]]:
    """Run the maker and return (result, answers by model)."""
    config = load_config(overrides={"data_dir": str(tmp_path), "execution.prints": True})
    result = run_backtest(Maker, recording, config=config, fills=fills)
    assert not result.failure
    return result, {one["model"]: one for one in result.facts["fill_answers"]}


def test_the_kinder_the_model_the_more_a_maker_earns(recording: Path, tmp_path: Path) -> None:
    result, by_model = answers(recording, tmp_path, "pessimistic,likely,optimistic,naive")
    earned = [by_model[name]["total_return"] for name in by_model]
    assert list(by_model) == ["pessimistic", "likely", "optimistic", "naive"]
    assert earned == sorted(earned)
    assert earned[0] < earned[2] < earned[3]
    first = by_model["pessimistic"]
    assert first["state_hash"] == result.facts["state_hash"]
    assert first["total_return"] == result.facts["total_return"]
    assert (first["fills"], first["difference"]) == (result.facts["trades"], 0.0)
    assert by_model["naive"]["difference"] == pytest.approx(earned[3] - earned[0])
    for low, high in result.facts["fill_band"]:
        assert low <= high
    last = result.facts["fill_band"][-1]
    assert last == pytest.approx([10_000 + earned[0], 10_000 + earned[3]])


def test_cancels_and_changes_find_the_orders_of_their_own_run(
    recording: Path, tmp_path: Path
) -> None:
    """Under naive fills nothing rests: what is to be changed is gone, and says so."""
    result, by_model = answers(recording, tmp_path, "pessimistic,naive,pessimistic")
    assert list(by_model) == ["pessimistic", "naive"]
    assert by_model["naive"]["fills"] == 3
    again, _ = answers(recording, tmp_path, "pessimistic,naive")
    assert again.facts["fill_answers"] == result.facts["fill_answers"]


def test_models_by_name() -> None:
    assert fill_models(None) == ()
    assert fill_models("band") == ("pessimistic", "likely", "optimistic")
    assert fill_models("likely,all")[0] == "likely"
    with pytest.raises(InvalidInputError, match="pessimistic") as error:
        fill_models("pesimistic")
    assert error.value.field == "fills"


def test_the_table_comes_from_the_command_line(recording: Path, tmp_path: Path) -> None:
    strategy = f"{Path(__file__)}:Maker"
    line = [
        sys.executable, "-m", "papertape.cli", "backtest", "--strategy", strategy, "--data",
        str(recording), "--data-dir", str(tmp_path), "--fills", "naive,optimistic",
    ]  # fmt: skip
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "The same signals under other fills" in done.stdout
    rows = [text.split()[0] for text in done.stdout.splitlines() if "+" in text or "-" in text]
    assert {"naive", "optimistic"} <= set(rows)
    told = subprocess.run([*line, "--json"], capture_output=True, text=True, check=True)
    document = json.loads(told.stdout)
    assert [one["model"] for one in document["fill_answers"]] == ["naive", "optimistic"]
    wrong = subprocess.run([*line[:-1], "kind"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "naive" in wrong.stderr
