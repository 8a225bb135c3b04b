"""The topics of the live line: which records change what, and how often each may speak."""

from __future__ import annotations

from papertape.model.events import (
    AlertRaised,
    CommandTaken,
    DataAlarm,
    EngineStateChanged,
    EquityMarked,
    InstrumentListed,
    MarketListed,
    MarketStateChanged,
    OpportunitySkipped,
    OrderClosed,
    OrderFilled,
    OrderSubmitted,
    PositionSettled,
    RunStopped,
    SetsConverted,
    SetsMerged,
    SetsSplit,
    SignalRaised,
    SignalRefused,
    StrategyStateChanged,
)

TOPICS = (
    "portfolio", "trades", "alerts", "strategies", "activity", "charts", "market", "status",
)  # fmt: skip
TRADES_PER_MESSAGE = 200  # about 80 KB
MONEY = frozenset({OrderFilled, PositionSettled, SetsMerged, SetsSplit, SetsConverted})
ALERTS = frozenset(
    {AlertRaised, DataAlarm, StrategyStateChanged, EngineStateChanged, CommandTaken, OrderClosed}
)
ACTIVITY = frozenset({SignalRaised, SignalRefused, OpportunitySkipped, OrderSubmitted})
MARKETS = frozenset({InstrumentListed, MarketListed, MarketStateChanged})
CHANGES: dict[str, frozenset[type]] = {
    "portfolio": MONEY | {EquityMarked},
    "strategies": MONEY | {SignalRaised, SignalRefused, OpportunitySkipped, StrategyStateChanged,
                           RunStopped},
    "activity": ACTIVITY,
    "charts": MONEY | {EquityMarked},
    "market": MARKETS,
}  # fmt: skip

# How often a topic may speak, in ms between messages. Trades and alerts always speak at once.
GAP_MS = {"portfolio": 50, "strategies": 250, "activity": 500, "charts": 1_000, "market": 100,
          "status": 50}  # fmt: skip
MARKS_GAP_MS = 250  # portfolio for prices alone
HEARTBEAT_MS = 5_000
BEAT_MS = 1_000  # status while the bot's heart beats, so that its age on the page is the true one
BOARD_MS = 100
ALARMS_MS = 250  # between two looks at the alert rules
LOOP_MS = 100  # how long the loop sleeps at most while pages are open
IDLE_MS = 250  # and while none is: the poll behind the doorbell
