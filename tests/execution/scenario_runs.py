"""A scenario through the live parts, and through a backtest of recorded data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.engine.desk import T0_NS, Desk
from tests.execution.scenario_file import Scenario, told
from tests.execution.scenario_steps import (
    LISTING,
    MARKET_WORDS,
    PRICED,
    is_pair,
    market_item,
    opening,
    wish_of,
)

from papertape.config import load_config
from papertape.model.orders import Amend, Cancel
from papertape.research.backtest import run_backtest
from papertape.strategies.base import Strategy
from papertape.tape.follow import LedgerReader
from papertape.tape.recorder import MarketRecorder


def settings(scenario: Scenario) -> dict[str, object]:
    """Return the config overrides of a scenario."""
    found: dict[str, object] = {"risk.book_age_s_max": 3_600}
    for key, value in scenario.config.items():
        if key in LISTING:
            continue
        own = key.partition(".")[0] in {"risk", "account"}
        dotted = key if own else f"execution.{key}"
        found[dotted] = int(value) if value.isdecimal() else value
    return found


def live(scenario: Scenario) -> tuple[Desk, list[str]]:
    """Run a scenario record by record with the live parts; return the desk and the lines."""
    desk = Desk(settings=settings(scenario))
    for item in opening(scenario):
        desk.step(item)
    for step in scenario.steps:
        if step.split()[0] in MARKET_WORDS:
            item, pause_ns = market_item(step)
            desk.step(item, after_s=pause_ns / 10**9)
            continue
        owner, wish = wish_of(step, desk.clock.now_ns(), is_pair(scenario))
        if isinstance(wish, Cancel):
            desk.door.cancel_orders(owner, wish)
        elif isinstance(wish, Amend):
            desk.door.amend_order(owner, wish)
        else:
            desk.door.process_signal(owner, wish)
    return desk, lines_of(desk.events(), scenario)


def lines_of(events: list[Any], scenario: Scenario) -> list[str]:
    """Return what the tape says of orders, as lines."""
    lines = (told(event, is_pair(scenario)) for event in events)
    return [line for line in lines if line is not None]


class Scripted(Strategy):
    """Answers the n-th priced market record with what a script says."""

    name = "hand"

    def script(self, answers: dict[int, list[Any]]) -> None:
        """Take the answers by number of the priced record, from 1."""
        self.answers = answers
        self.seen = 0

    def _next(self, _: object) -> Any:
        self.seen += 1
        return self.answers.get(self.seen)

    on_book = on_bar = on_print = _next


class Answering(Scripted):
    """A scripted strategy; a backtest makes it anew by its class."""

    answers_now: dict[int, list[Any]]

    def on_start(self) -> None:
        self.script(dict(type(self).answers_now))


def backtest(scenario: Scenario, folder: Path) -> list[str]:
    """Record a scenario's market, run its orders over it as a strategy, and return the lines."""
    recorder = MarketRecorder(folder / "recording", source="test", rows_per_segment=10_000)
    now_ns = T0_NS
    for item in opening(scenario):
        item.ts_ns = now_ns
        recorder.record(item)
    answers: dict[int, list[Any]] = {}
    priced = 0
    fresh = False  # whether nothing but orders came since the last priced record
    for step in scenario.steps:
        if step.split()[0] in MARKET_WORDS:
            item, pause_ns = market_item(step)
            now_ns += pause_ns
            item.ts_ns = now_ns
            recorder.record(item)
            fresh = step.split()[0] in PRICED
            priced += fresh
        else:
            owner, wish = wish_of(step, now_ns, is_pair(scenario))
            assert owner == "hand", "a backtest runs one strategy"
            assert fresh, f"{scenario.name}: an order must follow a priced record"
            answers.setdefault(priced, []).append(wish)
    recorder.close()
    kind = type("Hand", (Answering,), {"answers_now": answers, "name": "hand"})
    config = load_config(overrides=settings(scenario) | {"data_dir": str(folder)})
    result = run_backtest(kind, folder / "recording", config=config)
    assert not result.failure, result.failure
    reader = LedgerReader(result.folder / "papertape.db")
    try:
        events = [record.event for record in reader.read(0, 100_000)]
    finally:
        reader.close()
    return lines_of(events, scenario)
