"""Telling a run again: its market data through the engine once more, every decision compared."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from papertape import wiring
from papertape.clock import NS_PER_S, ManualClock
from papertape.config import Config, load_config
from papertape.errors import ConfigError, WorldError, nearest_match
from papertape.model.events import (
    CommandTaken,
    Event,
    Record,
    RunStarted,
    RunStopped,
    encode_event,
    kind_of,
)
from papertape.services.commands import CommandDesk
from papertape.services.data_flow_manager import DataFlowManager
from papertape.services.decision_hash import DECISIONS
from papertape.services.door_parts import door_parts
from papertape.services.exit_rules import SETTING, rules_from_settings
from papertape.services.tape_view import TapeView
from papertape.services.trading_loop import TradingLoop
from papertape.services.verification import VerificationReport
from papertape.strategies.strategy_manager import StrategyManager
from papertape.tape.follow import LedgerReader
from papertape.tape.memory import MemoryLedger
from papertape.tape.recorder import CountingSink
from papertape.tape.recording import Recording

READ_RECORDS = 5_000

Commands = deque[tuple[int, CommandTaken]]
"""(mseq, command) in order"""


def replay_run(config: Config, run: str) -> VerificationReport:
    """Feed a recorded run's market data to the engine again; nothing is written.

    run: a run's id, or `last`. Compares every decision and fill, in order, as far as both the
    ledger and the recording reach (a killed bot may have recorded a little more of one of them).
    """
    path = config.data_dir / "papertape.db"
    if not path.exists():
        raise WorldError(f"{path}: there is no ledger")
    reader = LedgerReader(path)
    try:
        return _replay(config, reader, run)
    finally:
        reader.close()


def _replay(config: Config, reader: LedgerReader, run: str) -> VerificationReport:
    start, view, runs = _before(reader, run)
    if start is None:
        near = nearest_match(run, runs)
        hint = f"; did you mean {near!r}?" if near else f"; there are {', '.join(runs[-5:])}"
        raise ConfigError(f"run {run!r} is not on this ledger{hint}")
    started = start.event
    assert isinstance(started, RunStarted)
    folder = config.data_dir / "market" / started.market_data
    if not (folder / "manifest.json").exists():
        raise WorldError(f"{folder}: the run's market data is gone (its quota removed it?)")
    told, last_mseq, at_end = _tell(
        config, view, start, Recording(folder), _commands(reader, start.seq)
    )
    whole = any(isinstance(record.event, RunStopped) for record in _of_run(reader, start.seq))
    if not whole:  # a killed bot never came to the end of its run
        del told[at_end:]
    report = VerificationReport(
        ledger=str(config.data_dir / "papertape.db"), account=started.account
    )
    kept = _decisions(reader, start.seq)
    for then, now in zip_longest(_until(kept, last_mseq), told):
        if then is None and not whole:
            break  # it had recorded more market data than decisions
        _compare(report, then, now)
        if not report.ok:
            break
    report.events = last_mseq
    report.trades = view.trades.fills
    report.state_hash = view.state_hash()
    return report


def _before(reader: LedgerReader, run: str) -> tuple[Record | None, TapeView, list[str]]:
    """Return the run's first record and the state just before it."""
    runs: list[str] = []
    start: Record | None = None
    seq = 0
    while records := reader.read(seq, READ_RECORDS):
        for record in records:
            if isinstance(record.event, RunStarted):
                runs.append(record.event.run_id)
                if run in {"last", record.event.run_id}:
                    start = record
        seq = records[-1].seq
    view = TapeView()
    while start is not None and view.seq < start.seq - 1:
        limit = min(READ_RECORDS, start.seq - 1 - view.seq)
        for record in reader.read(view.seq, limit):
            view.apply(record)
    return start, view, runs


def _tell(
    config: Config, view: TapeView, start: Record, recording: Recording, commands: Commands
) -> tuple[list[tuple[int, Event]], int, int]:
    """Run the engine over the recording.

    Returns its decisions by mseq, the last mseq, and how many decisions there were by then: what
    follows came of the end of the run.
    """
    started = start.event
    assert isinstance(started, RunStarted)
    settings = _config_of(config, started)
    clock = ManualClock(start.ts_ns)
    ledger = _Keeper(view.seq)
    parts = door_parts(
        settings, ledger, view, clock, source=started.feed, run_number=started.number
    )
    parts.exits = rules_from_settings(started.settings)
    parts.scribe.at(start.ts_ns, 0)
    parts.scribe.note(started)
    parts.scribe.commit()
    strategies = wiring.build_strategies(settings, list(started.strategies))
    manager = StrategyManager(
        strategies,
        on_disabled=lambda tag, reason: loop.strategy_disabled(tag, reason),  # noqa: PLW0108 made below
        on_slow=lambda tag, took_ms: None,
    )
    loop = TradingLoop(
        parts=parts,
        door=DataFlowManager(parts=parts),
        manager=manager,
        sink=CountingSink(),
        clock=clock,
        equity_every_ns=round(settings.engine.equity_every_s * NS_PER_S),
        on_idle=lambda: _repeat(commands, loop.events, desk),
    )
    desk = CommandDesk(parts, manager, loop)
    parts.engine.restore(view.orders.open.values())
    retold = _Retold(started.feed, recording, ledger)
    loop.run(retold)
    return ledger.decisions, loop.events, retold.at_end


def _repeat(commands: Commands, mseq: int, desk: CommandDesk) -> None:
    """Carry out the person's commands where they fell."""
    while commands and commands[0][0] <= mseq:
        _, said = commands.popleft()
        desk.carry_out(said.command_id, said.action, said.target, said.source)


class _Retold:
    """A recording as a feed, which notes how much was decided when it ended."""

    def __init__(self, source: str, recording: Recording, keeper: _Keeper) -> None:
        self.source = source
        self.at_end = 0
        self._recording = recording
        self._keeper = keeper

    def items(self) -> Iterator[Any]:
        for _, item in self._recording.items():
            yield item
        self.at_end = len(self._keeper.decisions)

    def stop(self) -> None:
        """Do nothing: it ends by itself."""


class _Keeper(MemoryLedger):
    """A ledger in memory that goes on from a number and keeps only the decisions."""

    def __init__(self, seq: int) -> None:
        super().__init__()
        self._head = seq
        self.decisions: list[tuple[int, Event]] = []

    def head_seq(self) -> int:
        return self._head

    def append(self, events: Any, *, ts_ns: int, mseq: int) -> list[Record]:
        records = []
        for event in events:
            self._head += 1
            records.append(Record(self._head, "", ts_ns, mseq, event))
            if type(event) in DECISIONS:
                self.decisions.append((mseq, event))
        return records


def _config_of(config: Config, started: RunStarted) -> Config:
    """Return the settings that the run had: limits and parameters stand in its first record."""
    overrides: dict[str, object] = {"data_dir": str(config.data_dir)}
    for key, value in started.settings.items():
        section, _, name = key.partition(".")
        if section in {"risk", "engine", "execution"}:
            overrides[key] = wiring.plain_setting(value)
        elif section in started.strategies and name != SETTING:
            overrides[f"strategies.{section}.params.{name}"] = wiring.plain_setting(value)
    return load_config(overrides=overrides)


def _of_run(reader: LedgerReader, seq: int) -> Iterator[Record]:
    """Yield the run's records after `seq`, up to the next run."""
    while records := reader.read(seq, READ_RECORDS):
        for record in records:
            if isinstance(record.event, RunStarted):
                return
            yield record
        seq = records[-1].seq


def _commands(reader: LedgerReader, seq: int) -> Commands:
    return deque(
        (record.mseq, record.event)
        for record in _of_run(reader, seq)
        if isinstance(record.event, CommandTaken)
    )


def _decisions(reader: LedgerReader, seq: int) -> Iterator[tuple[int, Event]]:
    """Yield the run's decisions with their mseq."""
    for record in _of_run(reader, seq):
        if type(record.event) in DECISIONS:
            yield record.mseq, record.event


def _until(kept: Iterator[tuple[int, Event]], last_mseq: int) -> Iterator[tuple[int, Event]]:
    for mseq, event in kept:
        if mseq > last_mseq:
            return
        yield mseq, event


def _compare(
    report: VerificationReport,
    then: tuple[int, Event] | None,
    now: tuple[int, Event] | None,
) -> None:
    if then is None or now is None:
        side = then or now
        assert side is not None
        where = "only on the tape" if now is None else "only in the retelling"
        report.add(f"mseq {side[0]}: {kind_of(side[1])} {where}")
    elif encode_event(then[1]) != encode_event(now[1]):
        tape, told = encode_event(then[1]).decode(), encode_event(now[1]).decode()
        report.add(f"mseq {then[0]}: tape has {tape}, the retelling {told}")
