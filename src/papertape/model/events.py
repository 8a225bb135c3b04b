"""The kinds of record on the tape. A kind's name and fields are kept readable for ever.

Every body is frozen and holds integers, strings and nested values only: no float, no wall time,
no run id outside `RunStarted`, so that equal inputs give equal bodies. Units stand in the names.
Ids are client-made and contiguous per run: in run 3 `r3.s12` is a signal, `r3.o34` an order,
`r3.f56` a fill.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from papertape.model.body import Body
from papertape.model.instrument import Instrument
from papertape.model.market import EventGroup, Market, MarketState
from papertape.model.market_data import BookState
from papertape.model.order_events import (
    ClosedState,
    FillDetail,
    LegWanted,
    LevelUsed,
    Liquidity,
    OrderAccepted,
    OrderAmended,
    OrderCancelAsked,
    OrderChangeRefused,
    OrderClosed,
    OrderFilled,
    OrderSubmitted,
    OrderTriggered,
    PrintUsed,
)
from papertape.model.orders import Missed, TimeInForce, Together
from papertape.model.signal import SetAction

__all__ = [
    "AlertRaised",
    "BookStateChanged",
    "ClosedState",
    "CommandTaken",
    "DataAlarm",
    "EngineState",
    "EngineStateChanged",
    "EquityMarked",
    "Event",
    "EventListed",
    "FeedState",
    "FeedStateChanged",
    "FillDetail",
    "InstrumentListed",
    "LegWanted",
    "LevelUsed",
    "Liquidity",
    "MarketListed",
    "MarketStateChanged",
    "Mode",
    "OpportunitySkipped",
    "OrderAccepted",
    "OrderAmended",
    "OrderCancelAsked",
    "OrderChangeRefused",
    "OrderClosed",
    "OrderFilled",
    "OrderSubmitted",
    "OrderTriggered",
    "PositionSettled",
    "PrintUsed",
    "Record",
    "RunStarted",
    "RunStopped",
    "SetPart",
    "SetsConverted",
    "SetsMerged",
    "SetsSplit",
    "Severity",
    "SignalRaised",
    "SignalRefused",
    "StrategyState",
    "StrategyStateChanged",
    "VenueClockMeasured",
    "decode_event",
    "encode_event",
    "kind_of",
]

Mode = Literal["SIMULATED", "REPLAY", "PAPER"]
StrategyState = Literal["running", "paused", "disabled", "stopped"]
EngineState = Literal["trading", "paused", "halted"]
FeedState = Literal["live", "stale", "ended"]
Severity = Literal["info", "warning", "error"]


class RunStarted(Body, frozen=True, kw_only=True, tag="run.started/1"):
    """A start of the bot; records up to the next one belong to this run and its account.

    number: counts the runs of this ledger from 1; the run's ids begin with it ("r3.o12").
    fresh: the account begins here with `initial_cash_micros`; otherwise it goes on where it was.
    market_data: the folder name under data/market/ that holds what the engine sees in this run.
    """

    run_id: str
    number: int
    account: str
    mode: Mode
    feed: str
    fresh: bool
    initial_cash_micros: int
    strategies: tuple[str, ...]
    seed: int | None = None
    market_data: str = ""
    software: str = ""
    settings: dict[str, str] = msgspec.field(default_factory=dict)


class RunStopped(Body, frozen=True, kw_only=True, tag="run.stopped/1"):
    """The bot stopped in good order."""

    reason: str


class InstrumentListed(Body, frozen=True, kw_only=True, tag="instrument.listed/1"):
    """An instrument, as the engine knows it from here on."""

    instrument: Instrument


class MarketListed(Body, frozen=True, kw_only=True, tag="market.listed/1"):
    """A market; its instruments were listed just before."""

    market: Market


class EventListed(Body, frozen=True, kw_only=True, tag="event.listed/1"):
    """A group of markets that belong together."""

    group: EventGroup


class MarketStateChanged(Body, frozen=True, kw_only=True, tag="market.state/1"):
    """A market began or ceased to trade, or resolved."""

    market_id: str
    state: MarketState
    payouts_micros: tuple[int, ...] | None = None
    void: bool = False


class FeedStateChanged(Body, frozen=True, kw_only=True, tag="feed.state/1"):
    """A data source came alive, fell silent or ended."""

    source: str
    state: FeedState
    reason: str = ""


class BookStateChanged(Body, frozen=True, kw_only=True, tag="book.state/1"):
    """A book ceased to be trusted, changed why, or is live again; only live books are acted on.

    reason: what failed; with `live`, what had failed. doubted_ns: since the book was last live.
    """

    source: str
    symbol: str
    state: BookState
    reason: str = ""
    doubted_ns: int = 0


class VenueClockMeasured(Body, frozen=True, kw_only=True, tag="venue.clock/1"):
    """How far our clock runs ahead of a venue's, give or take `error_ms`; negative is behind."""

    source: str
    ahead_ms: int
    error_ms: int


class SignalRaised(Body, frozen=True, kw_only=True, tag="signal.raised/1"):
    """A valid signal that risk let pass; its orders follow."""

    signal_id: str
    strategy: str
    legs: tuple[LegWanted, ...]
    reason: str
    time_in_force: TimeInForce
    all_or_none: bool
    then: SetAction
    confidence_pct: int | None = None
    expected_edge_micros: int | None = None
    together: Together | UnsetType = UNSET
    missed: Missed | UnsetType = UNSET


class SignalRefused(Body, frozen=True, kw_only=True, tag="signal.refused/1"):
    """A signal that was invalid or that risk said no to. `code` groups, `reason` explains."""

    signal_id: str
    strategy: str
    code: str
    reason: str
    symbol: str = ""
    field: str = ""
    value: str = ""
    bound: str = ""


class OpportunitySkipped(Body, frozen=True, kw_only=True, tag="opportunity.skipped/1"):
    """A candidate seen and not taken, with the test that failed and its figure."""

    strategy: str
    symbols: tuple[str, ...]
    test: str
    figure: str
    reason: str


class DataAlarm(Body, frozen=True, kw_only=True, tag="data.alarm/1"):
    """Market data that contradicts itself; nothing was traded on it."""

    source: str
    symbols: tuple[str, ...]
    test: str
    figure: str
    reason: str


class SetPart(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument's share in a merge, split or conversion; signs as seen by the position."""

    symbol: str
    quantity_lots: int
    cost_micros: int


class SetsMerged(Body, frozen=True, kw_only=True, tag="sets.merged/1"):
    """Complete YES+NO sets became cash at 1.00 each."""

    strategy: str
    market_id: str
    parts: tuple[SetPart, ...]
    cash_micros: int
    realized_micros: int


class SetsSplit(Body, frozen=True, kw_only=True, tag="sets.split/1"):
    """Cash became complete sets; the cost is shared by the parts."""

    strategy: str
    market_id: str
    parts: tuple[SetPart, ...]
    cash_micros: int


class SetsConverted(Body, frozen=True, kw_only=True, tag="sets.converted/1"):
    """NO tokens of a negRisk event became cash and the other outcomes' YES tokens."""

    strategy: str
    event_id: str
    parts: tuple[SetPart, ...]
    cash_micros: int
    realized_micros: int


class PositionSettled(Body, frozen=True, kw_only=True, tag="position.settled/1"):
    """A position was paid at resolution; `payout_micros` per share, None for void (cost back)."""

    strategy: str
    symbol: str
    market_id: str
    quantity_lots: int
    payout_micros: int | None
    cash_micros: int
    cost_micros: int
    realized_micros: int


class ExitMarked(Body, frozen=True, kw_only=True, tag="exit.marked/1"):
    """An exit rule was met, or a trailing stop moved (rule ""); gains of a sale at the best bid."""

    strategy: str
    symbol: str
    gain_ppm: int
    best_ppm: int
    rule: str = ""
    reason: str = ""


class EquityMarked(Body, frozen=True, kw_only=True, tag="equity.marked/1"):
    """The account at mark, sampled on engine time: longs at the bid, never at the last price."""

    cash_micros: int
    value_micros: int
    unrealized_micros: int
    unpriced: int = 0


class StrategyStateChanged(Body, frozen=True, kw_only=True, tag="strategy.state/1"):
    """A strategy was started, paused, resumed, disabled or stopped, and why."""

    strategy: str
    state: StrategyState
    reason: str = ""


class EngineStateChanged(Body, frozen=True, kw_only=True, tag="engine.state/1"):
    """Trading as a whole was paused, resumed or halted, and why."""

    state: EngineState
    reason: str = ""


class CommandTaken(Body, frozen=True, kw_only=True, tag="command.taken/1"):
    """A person's command and what came of it."""

    command_id: str
    action: str
    target: str
    source: str
    outcome: str


class AlertRaised(Body, frozen=True, kw_only=True, tag="alert.raised/1"):
    """Something a person should know."""

    severity: Severity
    title: str
    message: str
    about: str = ""


Event = (
    RunStarted
    | RunStopped
    | InstrumentListed
    | MarketListed
    | EventListed
    | MarketStateChanged
    | FeedStateChanged
    | BookStateChanged
    | VenueClockMeasured
    | SignalRaised
    | SignalRefused
    | OpportunitySkipped
    | DataAlarm
    | OrderSubmitted
    | OrderAccepted
    | OrderTriggered
    | OrderAmended
    | OrderCancelAsked
    | OrderChangeRefused
    | OrderFilled
    | OrderClosed
    | SetsMerged
    | SetsSplit
    | SetsConverted
    | PositionSettled
    | ExitMarked
    | EquityMarked
    | StrategyStateChanged
    | EngineStateChanged
    | CommandTaken
    | AlertRaised
)


class Record(msgspec.Struct, frozen=True):
    """A numbered line of the tape.

    seq: contiguous per ledger, from 1. event_id: client-made, unique. ts_ns: engine time. mseq: the
    last market record of the run that the engine had seen.
    """

    seq: int
    event_id: str
    ts_ns: int
    mseq: int
    event: Event


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode_event(event: Event) -> bytes:
    """Return the canonical JSON of an event: the bytes that the hash chain covers."""
    return _encoder.encode(event)


def decode_event(body: bytes | str) -> Event:
    """Return the event of a canonical JSON body; unknown kinds and wrong shapes are errors."""
    return _decoder.decode(body)


def kind_of(event: Event) -> str:
    """Return the kind's name with its version, as on the tape."""
    return str(event.__struct_config__.tag)
