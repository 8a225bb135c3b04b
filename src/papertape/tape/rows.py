"""From events to rows of the projection tables: the one place, for the writer and for `verify`."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from papertape.model.events import (
    DataAlarm,
    EquityMarked,
    Event,
    InstrumentListed,
    OpportunitySkipped,
    OrderAccepted,
    OrderAmended,
    OrderCancelAsked,
    OrderChangeRefused,
    OrderClosed,
    OrderFilled,
    OrderSubmitted,
    OrderTriggered,
    PositionSettled,
    RunStarted,
    SetsConverted,
    SetsMerged,
    SignalRaised,
    SignalRefused,
)

Value = int | str | bytes | None
Row = tuple[Value, ...]
Derived = tuple[str, Row]
OrderStep = OrderAccepted | OrderTriggered | OrderAmended | OrderCancelAsked | OrderChangeRefused

_PAYOUT_NANOS = 1_000  # nanos per micro
INT64_MAX = 2**63 - 1
_symbols_text = msgspec.json.Encoder().encode


class _Facts(msgspec.Struct, frozen=True):
    """What the trades table needs to know of an instrument."""

    venue: str
    market_id: str
    outcome: str
    tick_nanos: int
    lot_nanos: int


def _nanos(units: int, unit_nanos: int) -> int | None:
    """Return a product that fits the column, nothing for one that does not: never a wrong one."""
    product = units * unit_nanos
    return product if -INT64_MAX <= product <= INT64_MAX else None


_UNKNOWN = _Facts("", "", "", 0, 0)  # a symbol that was never listed: shown, never guessed


class Projector:
    """Derives at most one row per event; knows the account and the instruments so far."""

    def __init__(self) -> None:
        """Begin before the first run."""
        self.account = ""
        self.run_id = ""
        self._facts: dict[str, _Facts] = {}
        self._derive = {
            RunStarted: self._run,
            InstrumentListed: self._instrument,
            SignalRaised: self._raised,
            SignalRefused: self._refused,
            OpportunitySkipped: self._skipped,
            DataAlarm: self._alarm,
            OrderSubmitted: self._submitted,
            OrderAccepted: self._step("accepted"),
            OrderTriggered: self._step("triggered"),
            OrderAmended: self._step("amended"),
            OrderCancelAsked: self._step("cancel asked"),
            OrderChangeRefused: self._step("change refused"),
            OrderClosed: self._closed,
            OrderFilled: self._filled,
            PositionSettled: self._settled,
            SetsMerged: self._merged,
            SetsConverted: self._converted,
            EquityMarked: self._equity,
        }

    def resume(self, run_id: str, account: str, instruments: list[Row]) -> None:
        """Go on from what the tables hold: rows of `instruments` in order of seq."""
        self.run_id, self.account = run_id, account
        for _, symbol, venue, market_id, outcome, tick_nanos, lot_nanos in instruments:
            self._facts[str(symbol)] = _Facts(
                str(venue), str(market_id), str(outcome), int(tick_nanos or 0), int(lot_nanos or 0)
            )

    def derive(self, seq: int, ts_ns: int, event: Event) -> Derived | None:
        """Return (table, row) for this event, None if it has no row."""
        derive = self._derive.get(type(event))
        return None if derive is None else derive(seq, ts_ns, event)  # type: ignore[operator]

    def _run(self, seq: int, ts_ns: int, e: RunStarted) -> Derived:
        self.account, self.run_id = e.account, e.run_id
        row = (
            seq, e.run_id, e.account, e.mode, e.feed, ts_ns, int(e.fresh), e.initial_cash_micros,
            e.seed, e.market_data, e.software,
        )  # fmt: skip
        return "runs", row

    def _instrument(self, seq: int, ts_ns: int, e: InstrumentListed) -> Derived:
        i = e.instrument
        facts = _Facts(i.venue, i.market_id, i.outcome, i.tick_nanos, i.lot_nanos)
        self._facts[i.symbol] = facts
        row = (seq, i.symbol, i.venue, i.market_id, i.outcome, i.tick_nanos, i.lot_nanos)
        return "instruments", row

    def _signal(
        self, seq: int, ts_ns: int, signal_id: str, strategy: str, state: str, code: str,
        figure: str, reason: str, symbols: tuple[str, ...],
    ) -> Derived:  # fmt: skip
        row = (
            seq, signal_id, self.account, ts_ns, strategy, state, code, figure, reason,
            _symbols_text(symbols).decode(),
        )  # fmt: skip
        return "signals", row

    def _raised(self, seq: int, ts_ns: int, e: SignalRaised) -> Derived:
        symbols = tuple([leg.symbol for leg in e.legs])
        return self._signal(
            seq, ts_ns, e.signal_id, e.strategy, "raised", "", "", e.reason, symbols
        )

    def _refused(self, seq: int, ts_ns: int, e: SignalRefused) -> Derived:
        symbols = (e.symbol,) if e.symbol else ()
        return self._signal(
            seq, ts_ns, e.signal_id, e.strategy, "refused", e.code, e.value, e.reason, symbols
        )

    def _skipped(self, seq: int, ts_ns: int, e: OpportunitySkipped) -> Derived:
        return self._signal(
            seq, ts_ns, "", e.strategy, "skipped", e.test, e.figure, e.reason, e.symbols
        )

    def _alarm(self, seq: int, ts_ns: int, e: DataAlarm) -> Derived:
        return self._signal(
            seq, ts_ns, "", e.source, "alarm", e.test, e.figure, e.reason, e.symbols
        )

    def _submitted(self, seq: int, ts_ns: int, e: OrderSubmitted) -> Derived:
        return "orders", (seq, self.account, e.order_id, e.signal_id, "submitted")

    def _step(self, state: str) -> Callable[[int, int, OrderStep], Derived]:
        return lambda seq, _, e: ("orders", (seq, self.account, e.order_id, "", state))

    def _closed(self, seq: int, ts_ns: int, e: OrderClosed) -> Derived:
        return "orders", (seq, self.account, e.order_id, "", e.state)

    def _filled(self, seq: int, ts_ns: int, e: OrderFilled) -> Derived:
        facts = self._facts.get(e.symbol, _UNKNOWN)
        row = (
            seq, e.fill_id, "fill", self.account, ts_ns, e.strategy, e.symbol, facts.venue,
            facts.market_id, facts.outcome, e.side, _nanos(e.price_ticks, facts.tick_nanos),
            _nanos(e.quantity_lots, facts.lot_nanos), e.notional_micros, e.fee_micros,
            e.realized_micros, e.liquidity, e.order_id, e.signal_id,
        )  # fmt: skip
        return "trades", row

    def _settled(self, seq: int, ts_ns: int, e: PositionSettled) -> Derived:
        facts = self._facts.get(e.symbol, _UNKNOWN)
        price = None if e.payout_micros is None else e.payout_micros * _PAYOUT_NANOS
        row = (
            seq, f"settled-{seq}", "settlement", self.account, ts_ns, e.strategy, e.symbol,
            facts.venue, e.market_id, facts.outcome, "SETTLE", price,
            _nanos(e.quantity_lots, facts.lot_nanos), e.cash_micros, 0, e.realized_micros,
            "", "", "",
        )  # fmt: skip
        return "trades", row

    def _merged(self, seq: int, ts_ns: int, e: SetsMerged) -> Derived:
        return self._sets(seq, ts_ns, e, "merge")

    def _converted(self, seq: int, ts_ns: int, e: SetsConverted) -> Derived:
        return self._sets(seq, ts_ns, e, "convert")

    def _sets(self, seq: int, ts_ns: int, e: SetsMerged | SetsConverted, kind: str) -> Derived:
        symbol = e.parts[0].symbol
        facts = self._facts.get(symbol, _UNKNOWN)
        outcome = " + ".join([self._facts.get(p.symbol, _UNKNOWN).outcome for p in e.parts])
        lots = max([-part.quantity_lots for part in e.parts])
        row = (
            seq, f"set-{seq}", kind, self.account, ts_ns, e.strategy, symbol, facts.venue,
            facts.market_id, outcome, kind.upper(), None, _nanos(lots, facts.lot_nanos),
            e.cash_micros, 0, e.realized_micros, "", "", "",
        )  # fmt: skip
        return "trades", row

    def _equity(self, seq: int, ts_ns: int, e: EquityMarked) -> Derived:
        row = (
            seq, self.account, ts_ns, e.cash_micros, e.value_micros, e.unrealized_micros,
            e.unpriced,
        )  # fmt: skip
        return "equity", row
