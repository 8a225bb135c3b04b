"""Session: the live engine assembled around a stretch of recorded data, for one strategy."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec

from papertape import __version__
from papertape.clock import NS_PER_S, ManualClock, iso_utc
from papertape.config import Config
from papertape.model.events import RunStarted, RunStopped
from papertape.model.money import to_micros
from papertape.model.ports import Ledger
from papertape.research.market_slice import MarketSlice, parse_fees
from papertape.research.watchdog import WATCHDOG_FILE, StrategyOverran, TimedManager, time_limit
from papertape.services.column_loop import ColumnLoop
from papertape.services.data_flow_manager import DataFlowManager
from papertape.services.door_parts import DoorParts, door_parts, execution_settings
from papertape.services.exit_rules import exit_rules, rules_settings
from papertape.services.tape_view import TapeView
from papertape.strategies.base import Strategy
from papertape.tape.recorder import CountingSink
from papertape.tape.recording import Recording

CALL_S_MAX = 10.0  # one call of a strategy: beyond it, it loops for ever
EngineName = Literal["loop", "live"]
SEED = 7  # of the bootstrap: the same figures every time


class Order(msgspec.Struct, kw_only=True):
    """What was asked for, checked: a strategy that exists, data that is there, a range in it.

    engine: "loop" runs ahead over columns with the live engine behind it, "live" tells it every
    record; both come to the same tape.
    """

    strategy: Strategy
    config: Config
    market: Path
    data: str
    start_ns: int | None = None
    end_ns: int | None = None
    fees: str = "default"
    seed: int = SEED
    engine: EngineName = "loop"

    @property
    def cash_micros(self) -> int:
        """Return what the account begins with."""
        return to_micros(self.config.account.initial_cash_usd, "initial_cash")

    def feed(self, stop_after: int | None = None) -> MarketSlice:
        """Return the market data; stop_after cuts off the future."""
        return MarketSlice(
            Recording(self.market),
            from_ns=self.start_ns,
            to_ns=self.end_ns,
            fees=parse_fees(self.fees),
            stop_after=stop_after,
        )


def columns_cannot(config: Config) -> str:
    """Return why a run must tell the live engine every record, "" if it need not."""
    return "exit rules look at every price" if exit_rules(config) else ""


class Session:
    """One run: from RunStarted to RunStopped on a ledger that begins with it."""

    def __init__(
        self,
        order: Order,
        feed: MarketSlice,
        ledger: Ledger,
        run_id: str,
        on_idle: Callable[[], None],
        *,
        door: type[DataFlowManager] = DataFlowManager,
        manager: type[TimedManager] = TimedManager,
    ) -> None:
        """Connect the parts; nothing is recorded yet."""
        config = order.config
        self.order = order
        self.feed = feed
        self.run_id = run_id
        self.tag = order.strategy.name
        self.failure = ""
        self.ended = "the recording ended"
        self.clock = ManualClock(feed.first_ns)
        self.view = TapeView()
        self.parts: DoorParts = door_parts(
            config, ledger, self.view, self.clock, source=feed.source, run_number=1
        )
        self.manager = manager(
            {self.tag: order.strategy},
            on_disabled=self._on_disabled,
            on_slow=self._on_slow,
            slow_call_ms=config.engine.strategy_call_ms_max,
        )
        self.door = door(parts=self.parts)
        self.why = columns_cannot(config)
        if manager is not TimedManager:
            self.why = "the signals are those of another run"
        self.engine: EngineName = "live" if self.why else order.engine
        self._sink = CountingSink()
        self.loop = ColumnLoop(
            parts=self.parts,
            door=self.door,
            manager=self.manager,
            sink=self._sink,
            clock=self.clock,
            equity_every_ns=round(config.engine.equity_every_s * NS_PER_S),
            on_idle=on_idle,
        )

    def run(self) -> None:
        """Trade from the first record to the last, or until somebody stops the feed."""
        scribe = self.parts.scribe
        scribe.at(self.feed.first_ns, 0)
        scribe.note(self._started())
        scribe.commit()
        with time_limit(self.manager, CALL_S_MAX):
            if self.engine == "loop":
                caught = (Exception, SystemExit, StrategyOverran)
                self.manager.ahead = self.loop.look_ahead(self.feed, self._sink, caught)
                self.loop.run_columns()
            else:
                self.loop.run(self.feed)
        scribe.note(RunStopped(reason=self.failure or self.ended))
        scribe.commit()

    def stop(self, reason: str) -> None:
        """Let the run end before the next record."""
        self.ended = reason
        self.feed.stop()

    def _started(self) -> RunStarted:
        order = self.order
        return RunStarted(
            run_id=self.run_id,
            number=1,
            account=f"backtest-{self.run_id}",
            mode="REPLAY",
            feed=self.feed.source,
            fresh=True,
            initial_cash_micros=order.cash_micros,
            strategies=(self.tag,),
            market_data=order.market.name,
            software=__version__,
            settings=self._settings(),
        )

    def _settings(self) -> dict[str, str]:
        order = self.order
        settings: dict[str, Any] = {
            "purpose": "backtest",
            "data": order.data,
            "fees": order.fees,
        }
        for section, values in (("risk", order.config.risk), ("engine", order.config.engine)):
            for name, value in values.model_dump(mode="json", exclude_none=True).items():
                settings[f"{section}.{name}"] = value
        for name, number in order.strategy.values().items():
            settings[f"{self.tag}.{name}"] = number
        settings |= execution_settings(order.config)
        texts = {name: str(value) for name, value in settings.items()}
        return texts | rules_settings(exit_rules(order.config), [self.tag])

    def _on_disabled(self, tag: str, reason: str) -> None:
        """Keep why and where the strategy failed; with nobody left to ask, the run ends."""
        place = _place(sys.exc_info()[1])
        when = f"market record {self.loop.events:,}, {iso_utc(self.clock.now_ns())}"
        self.failure = f"{tag} failed at {when}{place}: {reason}"
        self.loop.strategy_disabled(tag, f"{reason}{place}")
        self.feed.stop()

    def _on_slow(self, tag: str, took_ms: int) -> None:
        self.loop.strategy_slow(tag, took_ms)


def _place(error: BaseException | None) -> str:
    """Return where a strategy failed: file, line and function of the innermost frame."""
    trace = error.__traceback__ if error is not None else None
    place = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename != WATCHDOG_FILE:  # the timer stands above what it interrupted
            place = f" ({Path(code.co_filename).name}:{trace.tb_lineno} in {code.co_name})"
        trace = trace.tb_next
    return place
