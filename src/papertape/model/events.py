"""The kinds of record on the tape. A kind's name and fields are kept readable for ever.

Every body is frozen and holds integers, strings and nested values only: no float, no wall time,
no run id outside `RunStarted`, so that equal inputs give equal bodies. Units stand in the names.
Ids are client-made and contiguous per run: in run 3 `r3.s12` is a signal, `r3.o34` an order,
`r3.f56` a fill.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from papertape.model.instrument import Instrument, Side
from papertape.model.market import EventGroup, Market, MarketState
from papertape.model.market_data import BookState
from papertape.model.signal import SetAction, TimeInForce

Mode = Literal["SIMULATED", "REPLAY", "PAPER"]
OrderType = Literal["market", "limit"]
Liquidity = Literal["taker", "maker"]
ClosedState = Literal["cancelled", "expired", "rejected"]
StrategyState = Literal["running", "paused", "disabled", "stopped"]
EngineState = Literal["trading", "paused", "halted"]
FeedState = Literal["live", "stale", "ended"]
Severity = Literal["info", "warning", "error"]


class _Body(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of every record body: its JSON says its kind."""


class RunStarted(_Body, frozen=True, kw_only=True, tag="run.started/1"):
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
    settings: dict[str, str] = {}


class RunStopped(_Body, frozen=True, kw_only=True, tag="run.stopped/1"):
    """The bot stopped in good order."""

    reason: str


class InstrumentListed(_Body, frozen=True, kw_only=True, tag="instrument.listed/1"):
    """An instrument, as the engine knows it from here on."""

    instrument: Instrument


class MarketListed(_Body, frozen=True, kw_only=True, tag="market.listed/1"):
    """A market; its instruments were listed just before."""

    market: Market


class EventListed(_Body, frozen=True, kw_only=True, tag="event.listed/1"):
    """A group of markets that belong together."""

    group: EventGroup


class MarketStateChanged(_Body, frozen=True, kw_only=True, tag="market.state/1"):
    """A market began or ceased to trade, or resolved."""

    market_id: str
    state: MarketState
    payouts_micros: tuple[int, ...] | None = None
    void: bool = False


class FeedStateChanged(_Body, frozen=True, kw_only=True, tag="feed.state/1"):
    """A data source came alive, fell silent or ended."""

    source: str
    state: FeedState
    reason: str = ""


class BookStateChanged(_Body, frozen=True, kw_only=True, tag="book.state/1"):
    """A book ceased to be trusted, changed why, or is live again; only live books are acted on.

    reason: what failed; with `live`, what had failed. doubted_ns: since the book was last live.
    """

    source: str
    symbol: str
    state: BookState
    reason: str = ""
    doubted_ns: int = 0


class VenueClockMeasured(_Body, frozen=True, kw_only=True, tag="venue.clock/1"):
    """How far our clock runs ahead of a venue's, give or take `error_ms`; negative is behind."""

    source: str
    ahead_ms: int
    error_ms: int


class LegWanted(msgspec.Struct, frozen=True, kw_only=True):
    """A leg of a signal in the engine's integers; no limit means market."""

    symbol: str
    side: Side
    quantity_lots: int
    limit_ticks: int | None = None


class SignalRaised(_Body, frozen=True, kw_only=True, tag="signal.raised/1"):
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


class SignalRefused(_Body, frozen=True, kw_only=True, tag="signal.refused/1"):
    """A signal that was invalid or that risk said no to. `code` groups, `reason` explains."""

    signal_id: str
    strategy: str
    code: str
    reason: str
    symbol: str = ""
    field: str = ""
    value: str = ""
    bound: str = ""


class OpportunitySkipped(_Body, frozen=True, kw_only=True, tag="opportunity.skipped/1"):
    """A candidate seen and not taken, with the test that failed and its figure."""

    strategy: str
    symbols: tuple[str, ...]
    test: str
    figure: str
    reason: str


class DataAlarm(_Body, frozen=True, kw_only=True, tag="data.alarm/1"):
    """Market data that contradicts itself; nothing was traded on it."""

    source: str
    symbols: tuple[str, ...]
    test: str
    figure: str
    reason: str


class OrderSubmitted(_Body, frozen=True, kw_only=True, tag="order.submitted/1"):
    """An order, on the tape before the paper venue sees it."""

    order_id: str
    signal_id: str
    strategy: str
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity_lots: int
    limit_ticks: int | None = None


class LevelUsed(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence of a fill: the level it took from, and how old that level was."""

    price_ticks: int
    seen_lots: int
    taken_before_lots: int
    book_ts_ns: int
    book_age_ns: int
    source: str


class OrderFilled(_Body, frozen=True, kw_only=True, tag="order.filled/1"):
    """One fill: one price level of one order.

    cost_micros: what the position's cost changed by (negative when it shrinks); realized_micros:
    gain against average cost before fees. Cash changed by -notional-fee (BUY) or +notional-fee.
    """

    fill_id: str
    order_id: str
    signal_id: str
    strategy: str
    symbol: str
    side: Side
    price_ticks: int
    quantity_lots: int
    notional_micros: int
    fee_micros: int
    cost_micros: int
    realized_micros: int
    liquidity: Liquidity
    remaining_lots: int
    evidence: LevelUsed | None = None


class OrderClosed(_Body, frozen=True, kw_only=True, tag="order.closed/1"):
    """An order ended without being filled in full."""

    order_id: str
    strategy: str
    symbol: str
    state: ClosedState
    remaining_lots: int
    reason: str


class SetPart(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument's share in a merge, split or conversion; signs as seen by the position."""

    symbol: str
    quantity_lots: int
    cost_micros: int


class SetsMerged(_Body, frozen=True, kw_only=True, tag="sets.merged/1"):
    """Complete YES+NO sets became cash at 1.00 each."""

    strategy: str
    market_id: str
    parts: tuple[SetPart, ...]
    cash_micros: int
    realized_micros: int


class SetsSplit(_Body, frozen=True, kw_only=True, tag="sets.split/1"):
    """Cash became complete sets; the cost is shared by the parts."""

    strategy: str
    market_id: str
    parts: tuple[SetPart, ...]
    cash_micros: int


class SetsConverted(_Body, frozen=True, kw_only=True, tag="sets.converted/1"):
    """NO tokens of a negRisk event became cash and the other outcomes' YES tokens."""

    strategy: str
    event_id: str
    parts: tuple[SetPart, ...]
    cash_micros: int
    realized_micros: int


class PositionSettled(_Body, frozen=True, kw_only=True, tag="position.settled/1"):
    """A position was paid at resolution; `payout_micros` per share, None for void (cost back)."""

    strategy: str
    symbol: str
    market_id: str
    quantity_lots: int
    payout_micros: int | None
    cash_micros: int
    cost_micros: int
    realized_micros: int


class EquityMarked(_Body, frozen=True, kw_only=True, tag="equity.marked/1"):
    """The account at mark, sampled on engine time: longs at the bid, never at the last price."""

    cash_micros: int
    value_micros: int
    unrealized_micros: int
    unpriced: int = 0


class StrategyStateChanged(_Body, frozen=True, kw_only=True, tag="strategy.state/1"):
    """A strategy was started, paused, resumed, disabled or stopped, and why."""

    strategy: str
    state: StrategyState
    reason: str = ""


class EngineStateChanged(_Body, frozen=True, kw_only=True, tag="engine.state/1"):
    """Trading as a whole was paused, resumed or halted, and why."""

    state: EngineState
    reason: str = ""


class CommandTaken(_Body, frozen=True, kw_only=True, tag="command.taken/1"):
    """A person's command and what came of it."""

    command_id: str
    action: str
    target: str
    source: str
    outcome: str


class AlertRaised(_Body, frozen=True, kw_only=True, tag="alert.raised/1"):
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
    | OrderFilled
    | OrderClosed
    | SetsMerged
    | SetsSplit
    | SetsConverted
    | PositionSettled
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
