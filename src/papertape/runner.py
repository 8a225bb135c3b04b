"""The bot's life: open the tape, fold it, run strategies on a feed, stop in good order."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

from papertape import __version__, wiring
from papertape.clock import NS_PER_S, Clock, ManualClock, SystemClock
from papertape.config import Config
from papertape.engine.market_watch import DepthSeen
from papertape.errors import WorldError
from papertape.model.events import EngineStateChanged, RunStarted, RunStopped
from papertape.model.money import MICROS, to_micros
from papertape.model.ports import BoardQuote, Heartbeat
from papertape.services.bulletin import Bulletin, State
from papertape.services.commands import CommandDesk
from papertape.services.data_flow_manager import DataFlowManager
from papertape.services.door_parts import DoorParts, door_parts
from papertape.services.feed_parts import whole_state
from papertape.services.tape_view import TapeView
from papertape.services.trading_loop import TradingLoop
from papertape.stop_signals import Answers, answering
from papertape.strategies.strategy_manager import StrategyManager
from papertape.tape.board import SqliteBoard
from papertape.tape.command_channel import CommandServer
from papertape.tape.dashboard_beat import DashboardWatch
from papertape.tape.doorbell import Doorbell
from papertape.tape.kill_switch import KillSwitch
from papertape.tape.ledger import SqliteLedger
from papertape.tape.lock import InstanceLock
from papertape.tape.quota import enforce_quota
from papertape.tape.state_files import StateFiles

MB = 1_000_000
FLUSH_TIMEOUT_S = 30.0
DASHBOARD_DEAD = "It gave no sign of life for 5 s and said no goodbye; its alert rules sleep"

log = structlog.get_logger()


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did; money in the quote currency."""

    run_id: str
    mode: str
    state_hash: str
    events: int
    events_per_s: int
    signals: int
    refused: dict[str, int]
    skipped: dict[str, int]
    trades: int
    settled: int
    open_positions: int
    fees: float
    realized_pnl: float
    total_return: float
    total_return_pct: float
    max_drawdown_pct: float
    seq: int

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON values."""
        return msgspec.structs.asdict(self)


def run_bot(
    config: Config, *, strategies: Sequence[str] | None = None, clock: Clock | None = None
) -> RunSummary:
    """Run strategies on a feed until it ends, the duration is over, or SIGINT or SIGTERM comes."""
    built = wiring.build_strategies(config, strategies)
    data_dir = config.data_dir
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorldError(f"data folder {data_dir}: {error.strerror}") from error
    with InstanceLock(data_dir):
        ledger = wiring.open_ledger(data_dir, Doorbell(data_dir))
        try:
            return Bot(config, built, ledger, clock or SystemClock()).run()
        finally:
            ledger.close()


class Bot:
    """One run: from RunStarted to RunStopped on an open ledger."""

    def __init__(
        self,
        config: Config,
        strategies: dict[str, Any],
        ledger: SqliteLedger,
        wall: Clock,
    ) -> None:
        """Fold the tape and connect the parts; nothing is recorded yet."""
        self._config = config
        self._ledger = ledger
        self._wall = wall
        self._started_ns = wall.now_ns()
        self.run_id = _run_id(wall)
        self._view: TapeView = wiring.fold_ledger(ledger)
        self._source = wiring.build_source(config, self._view, self.run_id, wall)
        self._clock: ManualClock = wiring.event_clock(self._view, self._source)
        self._number = self._view.runs + 1
        self._parts: DoorParts = door_parts(
            config,
            ledger,
            self._view,
            self._clock,
            source=self._source.feed.source,
            run_number=self._number,
        )
        door = DataFlowManager(parts=self._parts)
        self._manager = StrategyManager(
            strategies,
            on_disabled=self._on_disabled,
            on_slow=self._on_slow,
            slow_call_ms=config.engine.strategy_call_ms_max,
        )
        self._loop = TradingLoop(
            parts=self._parts,
            door=door,
            manager=self._manager,
            sink=self._source.sink,
            clock=self._clock,
            equity_every_ns=round(config.engine.equity_every_s * NS_PER_S),
            on_idle=self._look_after,
        )
        self._settings = wiring.run_settings(config, strategies, self._source)
        self._snapshot_seq = self._view.seq
        self._stop_reason = "the feed ended"
        self._stopped = False
        self._command_desk = CommandDesk(self._parts, self._manager, self._loop)
        self._commands = CommandServer(config.data_dir)
        self._switch = KillSwitch(config.data_dir)
        self._dashboards = DashboardWatch(config.data_dir, time.monotonic)
        self._bulletin = Bulletin(
            SqliteBoard(config.data_dir / "board.db"), StateFiles(config.data_dir), self._beat
        )

    def run(self) -> RunSummary:
        """Record the start, run the feed, record the stop, and sum up."""
        config = self._config
        quota = config.storage.market_quota_mb * MB
        kept = {self._source.market_data}
        removed = enforce_quota(config.data_dir / "market", quota, kept, now_ns=self._wall.now_ns())
        if removed:
            log.info("market data over its quota was removed", runs=removed)
        self._record_start()
        self._bulletin.start()
        log.info("the bot runs", run_id=self.run_id, mode=self._source.mode)
        duration_s = config.feed.duration_s
        try:
            with answering(self._answers()):
                self._loop.run(
                    self._source.feed,
                    duration_ns=None if duration_s is None else round(duration_s * NS_PER_S),
                )
            self._stopped = True
            self._parts.scribe.note(RunStopped(reason=self._stop_reason))
            self._parts.scribe.commit()
            self._ledger.flush(FLUSH_TIMEOUT_S)
            self._snapshot()
        finally:
            self._stopped = True
            self._commands.close()
            self._source.sink.close()
            self._bulletin.stop(self._quotes(), self._depths(), self._state())
        return self._summary()

    def _record_start(self) -> None:
        scribe = self._parts.scribe
        started_ns = max(self._clock.now_ns(), 0)
        scribe.at(started_ns, 0)
        stopped = None if self._source.fresh else self._stop_before()
        scribe.note(
            RunStarted(
                run_id=self.run_id,
                number=self._number,
                account=self._source.account,
                mode=self._source.mode,
                feed=self._source.feed.source,
                fresh=self._source.fresh,
                initial_cash_micros=to_micros(
                    self._config.account.initial_cash_usd, "account.initial_cash_usd"
                ),
                strategies=self._manager.tags,
                market_data=self._source.market_data,
                software=__version__,
                settings=self._settings,
            )
        )
        if stopped is not None:
            scribe.note(stopped)
        for tag, score in self._view.strategies.scores.items():
            if score.status == "paused":
                self._manager.pause(tag, True)
        scribe.commit()
        self._parts.engine.restore(self._view.orders.open.values())

    def _stop_before(self) -> EngineStateChanged | None:
        """Return the halt or pause of the run before: a restart does not lift it."""
        view = self._view
        if view.engine_state == "trading" or view.account != self._source.account:
            return None
        return EngineStateChanged(state=view.engine_state, reason=view.engine_reason)

    # --- beside trading -------------------------------------------------------------------------

    def _on_disabled(self, tag: str, reason: str) -> None:
        self._loop.strategy_disabled(tag, reason)
        log.warning("a strategy was disabled", strategy=tag, reason=reason)

    def _on_slow(self, tag: str, took_ms: int) -> None:
        self._loop.strategy_slow(tag, took_ms)

    def _look_after(self) -> None:
        self._bulletin.look(self._quotes, self._depths, self._state)
        if self._dashboards.look():
            self._loop.alert("warning", "The dashboard is dead", DASHBOARD_DEAD, "dashboard")
            self._parts.scribe.commit()
        source = self._switch.look()
        if source:
            command_id = f"kill-{self._wall.now_ns()}"
            self._command_desk.carry_out(command_id, "halt", "", source)
            log.warning("trading was halted", source=source)
        pending = self._commands.waiting()
        if pending is not None:
            said = pending.command
            pending.answer(
                *self._command_desk.carry_out(
                    said.command_id, said.action, said.target, said.source
                )
            )
        if self._view.seq - self._snapshot_seq >= self._config.storage.snapshot_every_events:
            self._snapshot()

    def _snapshot(self) -> None:
        self._snapshot_seq = self._view.seq
        self._ledger.save_snapshot(self._view.seq, self._view.snapshot_bytes())

    def _quotes(self) -> list[BoardQuote]:
        return self._parts.watch.changed_quotes()

    def _depths(self) -> list[DepthSeen]:
        return self._parts.watch.changed_depths()

    def _state(self) -> State:
        view = self._view
        portfolio = {
            "as_of_seq": view.seq,
            "run_id": self.run_id,
            "summary": view.portfolio.get_summary(),
            "positions": view.portfolio.get_positions(),
        }
        return portfolio, view.trades.get_recent_trades(10_000)

    def _beat(self) -> Heartbeat:
        feed = self._source.feed.source
        state, _ = whole_state(self._view.feed_states, feed)
        return Heartbeat(
            run_id=self.run_id,
            pid=os.getpid(),
            wall_ns=self._wall.now_ns(),
            started_wall_ns=self._started_ns,
            engine_ts_ns=self._clock.now_ns(),
            seq=self._ledger.durable_seq(),
            mseq=self._parts.scribe.mseq,
            events=self._loop.events,
            feed=feed,
            feed_state=state or "starting",
            engine_state=self._view.engine_state,
            stopped=self._stopped,
        )

    def _answers(self) -> Answers:
        """Return what each signal does."""
        stop, halt = self._stop, self._switch.press
        return {signal.SIGINT: stop, signal.SIGTERM: stop, signal.SIGUSR1: halt}

    def _stop(self, reason: str) -> None:
        """End the feed; runs inside a signal handler."""
        self._stop_reason = f"{reason} received"
        self._source.feed.stop()

    def _summary(self) -> RunSummary:
        view = self._view
        figures = view.portfolio.get_summary()
        stats = view.trades.get_trade_stats()
        return RunSummary(
            run_id=self.run_id,
            mode=self._source.mode,
            state_hash=view.state_hash(),
            events=self._loop.events,
            events_per_s=round(self._loop.events / self._loop.busy_s) if self._loop.busy_s else 0,
            signals=view.activity.signals_count,
            refused=dict(sorted(view.activity.refusals_by_reason.items())),
            skipped=dict(sorted(view.activity.skips_by_test.items())),
            trades=stats["trades"],
            settled=stats["settled"],
            open_positions=figures["positions_count"],
            fees=view.portfolio.accounts.fees_micros / MICROS,
            realized_pnl=figures["realized_pnl"],
            total_return=figures["total_return"],
            total_return_pct=figures["total_return_pct"],
            max_drawdown_pct=figures["max_drawdown_pct"],
            seq=view.seq,
        )


def _run_id(wall: Clock) -> str:
    """Return a name that sorts by start time and never meets another one."""
    stamp = datetime.fromtimestamp(wall.now_ns() // NS_PER_S, tz=UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{stamp}-{secrets.token_hex(3)}"
