"""Backtest: one strategy over recorded data, by the engine that trades live, on a tape of its own.

Orders walk the recorded books, bars fill at the next bar, fees and risk limits are those of a live
run: the same decisions and fills as `papertape run --feed replay`, and the same state hash.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from papertape.clock import NS_PER_S, Clock, SystemClock, iso_utc
from papertape.config import Account, Config, Execution, load_config
from papertape.errors import ConfigError, InvalidInputError, WorldError
from papertape.feeds.importers.imported import import_data
from papertape.model.money import MICROS, Number, parse_number, to_micros
from papertape.research.charts import chart_data
from papertape.research.collector import Collector, WatchedLedger
from papertape.research.fill_answers import band, fill_answers, fill_models, under_model
from papertape.research.interrupts import interrupts
from papertape.research.lookahead import check_lookahead
from papertape.research.market_slice import MarketSlice
from papertape.research.metrics import measure, measure_intervals
from papertape.research.result import Result
from papertape.research.session import SEED, EngineName, Order, Session
from papertape.research.vectorised import bar_frames, decide_all
from papertape.strategies.base import Strategy
from papertape.strategies.registry import strategy_class
from papertape.strategies.vectorised import VectorStrategy
from papertape.tape.files import write_atomic

PROGRESS_EVERY_EVENTS = 2_048  # between two looks at the progress: a few milliseconds
FLUSH_TIMEOUT_S = 60.0
BACKTESTS_FOLDER = "backtests"
RESULT_FILE = "result.json"

StrategyLike = str | type[Strategy] | Strategy
Progress = Callable[[str, int, int], None]
"""Told the stage, how much of it is done (bytes, records, cuts), and how much there is."""


def run_backtest(
    strategy: StrategyLike,
    data: str | Path,
    *,
    params: Mapping[str, object] | None = None,
    initial_cash: Number | None = None,
    start: str | int | None = None,
    end: str | int | None = None,
    fees: str | int = "default",
    seed: int = SEED,
    data_dir: str | Path | None = None,
    config: Config | None = None,
    latency_ms: int | None = None,
    engine: EngineName = "loop",
    check_future: bool = False,
    fills: str | None = None,
    progress: Progress | None = None,
) -> Result:
    """Run a strategy over recorded data and return what came of it.

    strategy: a Strategy class, an instance, a shipped name, or `file.py:Class`. data: a recording
    of papertape or of others. start, end: ISO 8601 (UTC if it says no zone) or nanoseconds. fees:
    "default" (the venue's), "none", or parts per million. engine: "loop" runs ahead over columns
    with the live engine behind it, "live" tells it every record; same decisions, same hash.
    check_future: run again with the future cut off, and raise LookAheadError if the past changes.
    latency_ms: a late order meets the later book. fills: the fill model, or several with commas, or
    "band" or "all": the run is the first, the others are told the same signals, and
    `facts["fill_answers"]` has them side by side (docs/execution.md). The run's tape stays in
    `<data_dir>/backtests/<run_id>`. Raises ConfigError, InvalidInputError, WorldError or, where a
    vectorised strategy fails, CheckFailedError. SIGINT ends the run early, keeping what there is.
    """
    models = fill_models(fills)
    chosen = _late(chosen_config(config, data_dir, initial_cash), latency_ms)
    chosen = under_model(chosen, models[:1])
    order = Order(
        strategy=build_strategy(strategy, params, chosen),
        config=chosen,
        market=imported(Path(data), chosen.data_dir / "market", progress),
        data=Path(data).name,
        start_ns=parse_time(start, "from"),
        end_ns=parse_time(end, "to"),
        fees=str(fees),
        seed=seed,
        engine=engine,
    )
    return _run(order, models, check_future, progress or _silent)


def _run(order: Order, models: tuple[str, ...], check_future: bool, progress: Progress) -> Result:
    cuts: list[int] | None = None
    if isinstance(order.strategy, VectorStrategy):
        if len(models) > 1:
            raise InvalidInputError("fills", ",".join(models), "one for a vectorised strategy")
        seed_of_cuts = order.seed if check_future else None
        cuts = decide_all(order.strategy, bar_frames(order.feed()), check_seed=seed_of_cuts)
    result = _Backtest(order, SystemClock()).run(progress)
    if check_future and not result.failure:
        cuts = _cut_off(order, result, progress) if cuts is None else cuts
        result.facts["lookahead"] = {"found": False, "cut_after": cuts}
    if len(models) > 1 and not result.failure:
        answers = fill_answers(
            order, models, lambda done, total: progress("other fills", done, total)
        )
        assert answers[0].state_hash == result.facts["state_hash"], "the same run, told again"
        result.facts["fill_answers"] = [msgspec.to_builtins(answer) for answer in answers]
        result.facts["fill_band"] = band(answers)
    return result


def _cut_off(order: Order, result: Result, progress: Progress) -> list[int]:
    return check_lookahead(
        order,
        result.folder / "papertape.db",
        result.facts["events"],
        lambda done, total: progress("cutting off the future", done, total),
    )


def _silent(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


def imported(data: Path, market_dir: Path, progress: Progress | None) -> Path:
    """Return the folder of a recording that holds `data`, converting it if that is new."""
    if progress is None:
        return import_data(data, market_dir)
    tell = progress
    return import_data(
        data, market_dir, progress=lambda done, total: tell("importing", done, total)
    )


def build_strategy(
    strategy: StrategyLike, params: Mapping[str, object] | None, config: Config
) -> Strategy:
    """Return a fresh instance; unknown names and parameters are refused with the nearest one.

    Parameters come from `params`, else from the instance, else from the config as in a live run.
    """
    given = dict(params or {})
    if isinstance(strategy, Strategy):
        given = {**strategy.values(), **given}
        strategy = type(strategy)
    kind = strategy_class(strategy) if isinstance(strategy, str) else strategy
    if not isinstance(kind, type) or not issubclass(kind, Strategy):
        raise InvalidInputError("strategy", strategy, "a Strategy, its name or file.py:Class")
    if not kind.name:
        kind.name = kind.__name__
    if kind.name in config.strategies:
        given = {**config.strategies[kind.name].params, **given}
    try:
        return kind(**given)
    except ConfigError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise ConfigError(f"strategy {kind.name}: cannot be made: {said}") from error


def parse_time(value: str | int | None, field: str) -> int | None:
    """Return a time in nanoseconds since the epoch; a text without zone is UTC."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    try:
        when = datetime.fromisoformat(str(value))
    except ValueError as error:
        expected = "a time such as 2025-01-01 or 2025-01-01T12:30:00Z"
        raise InvalidInputError(field, value, expected) from error
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return round(when.timestamp() * 1_000_000) * 1_000


def chosen_config(
    config: Config | None, data_dir: str | Path | None, initial_cash: Number | None
) -> Config:
    """Return the settings of a backtest, checked."""
    chosen = config or load_config()
    if data_dir is not None:
        chosen = chosen.model_copy(update={"data_dir": Path(data_dir)})
    if initial_cash is not None:
        cash = parse_number(initial_cash, "initial_cash")
        if cash <= 0 or to_micros(cash, "initial_cash") <= 0:
            raise InvalidInputError("initial_cash", initial_cash, "more than 0")
        chosen = chosen.model_copy(update={"account": Account(initial_cash_usd=cash)})
    return chosen


def _late(config: Config, latency_ms: int | None) -> Config:
    if latency_ms is None:
        return config
    try:
        changed = config.execution.model_dump() | {"latency_ms": latency_ms}
        execution = Execution.model_validate(changed)
    except ValueError as error:
        raise InvalidInputError("latency_ms", latency_ms, "0 to 60,000 ms") from error
    return config.model_copy(update={"execution": execution})


class _Backtest:
    """A session on a ledger of its own, with a collector beside it."""

    def __init__(self, order: Order, wall: Clock) -> None:
        self._order = order
        self._feed = order.feed()
        stamp = datetime.fromtimestamp(wall.now_ns() // NS_PER_S, tz=UTC).strftime("%Y%m%dT%H%M%SZ")
        self._run_id = f"{stamp}-{secrets.token_hex(3)}"
        self._folder = order.config.data_dir / BACKTESTS_FOLDER / self._run_id
        span_ns = self._feed.last_ns - self._feed.first_ns
        self._collector = Collector(order.cash_micros, self._feed.first_ns, span_ns)

    def run(self, progress: Progress | None) -> Result:
        try:
            self._folder.mkdir(parents=True)
        except OSError as error:
            raise WorldError(f"{self._folder}: cannot be made: {error.strerror}") from error
        ledger = WatchedLedger(self._folder / "papertape.db", self._collector)
        try:
            session = Session(
                self._order, self._feed, ledger, self._run_id, _reporter(self._feed, progress)
            )
            self._collector.look_at(session.parts.watch, session.view.instruments)
            with interrupts(lambda: session.stop("stopped by SIGINT")):
                session.run()
            self._collector.finish(session.clock.now_ns())
            ledger.flush(FLUSH_TIMEOUT_S)
            ledger.save_snapshot(session.view.seq, session.view.snapshot_bytes())
        finally:
            ledger.close()
        result = self._result(session)
        document = result.to_dict() | {"charts": result.charts}
        write_atomic(self._folder / RESULT_FILE, msgspec.json.encode(document))
        return result

    def _result(self, session: Session) -> Result:
        metrics = measure(self._collector)
        return Result(
            order=self._order,
            run_id=self._run_id,
            folder=self._folder,
            account=session.view.account,
            facts=_facts(session, self._collector),
            metrics=metrics,
            intervals=measure_intervals(self._collector, self._order.seed),
            charts=chart_data(self._collector, metrics),
            failure=session.failure,
        )


def _facts(session: Session, run: Collector) -> dict[str, Any]:
    order, view, loop = session.order, session.view, session.loop
    figures = view.portfolio.get_summary()
    return {
        "mode": "BACKTEST",
        "strategy": session.tag,
        "params": order.strategy.values(),
        "data": order.data,
        "from": iso_utc(run.start_ns),
        "to": iso_utc(run.last_ns),
        "ended": session.failure or session.ended,
        "fees_schedule": order.fees,
        "seed": order.seed,
        "engine": session.engine,
        "engine_reason": session.why,
        "latency_ms": order.config.execution.latency_ms,
        "period_s": run.period_ns // NS_PER_S,
        "initial_cash": order.cash_micros / MICROS,
        "state_hash": view.state_hash(),
        "events": loop.events,
        "events_per_s": round(loop.events / loop.busy_s) if loop.busy_s else 0,
        "signals": view.activity.signals_count,
        "refused": dict(sorted(view.activity.refusals_by_reason.items())),
        "skipped": dict(sorted(view.activity.skips_by_test.items())),
        "trades": run.fills,
        "settled": run.settled,
        "open_positions": figures["positions_count"],
        "fees": run.fees_micros / MICROS,
        "realized_pnl": figures["realized_pnl"],
        "total_return": figures["total_return"],
        "total_return_pct": figures["total_return_pct"],
        "max_drawdown_pct": figures["max_drawdown_pct"],
    }


def _reporter(feed: MarketSlice, progress: Progress | None) -> Callable[[], None]:
    told = 0

    def look() -> None:
        nonlocal told
        if feed.read - told >= PROGRESS_EVERY_EVENTS and progress is not None:
            told = feed.read
            progress("backtest", feed.read, feed.rows)

    return look
