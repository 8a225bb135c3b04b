"""DataFlowManager: the one door for signals. Nothing is traded that did not come through here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from papertape.engine.desk_limits import NO_LIMITS, refuse
from papertape.engine.leg_plan import terms_of
from papertape.engine.paper_trading_engine import GTD_EARLY_NS
from papertape.engine.risk_manager import LegRisk, Refusal
from papertape.errors import InvalidInputError, nearest_match
from papertape.model.events import (
    DataAlarm,
    LegWanted,
    OpportunitySkipped,
    OrderFilled,
    SignalRefused,
)
from papertape.model.instrument import Instrument
from papertape.model.orders import Amend, Cancel
from papertape.model.signal import Opportunity, Signal
from papertape.services import sets
from papertape.services.decision import Decision, trade_of
from papertape.services.desk_facts import desk_facts
from papertape.services.door_parts import DoorParts, build_standalone
from papertape.services.feed_parts import refuse_silent
from papertape.services.order_desk import OrderDesk
from papertape.services.plain import plain_form, plain_signal, plain_text
from papertape.services.risk_view import account_risk, leg_risk
from papertape.services.signal_form import check_opportunity, check_signal, wanted_legs

RECENT_KEPT = 100_000  # wishes remembered to refuse the same again: about 10 MB
STRATEGY_CHARS_MAX = 100


class DataFlowManager:
    """Validates a signal, asks risk, puts the order on the tape, and lets the paper engine fill it.

    `process_signal` never raises for what a strategy or a script hands in: it refuses, names the
    field, and leaves the state as it was. Each call is one unit on the tape.

    With nothing but a config it is a desk of its own, in memory: the caller is the feed, and the
    price in a plain signal is the caller's own quote.
    """

    _instance: ClassVar[DataFlowManager | None] = None

    def __init__(self, config: Any = None, *, parts: DoorParts | None = None) -> None:
        """Take the parts from the wiring, or build the stand-alone desk from a config."""
        parts = parts if parts is not None else build_standalone(config)
        self.view = parts.view
        self.watch = parts.watch
        self.engine = parts.engine
        self._scribe = parts.scribe
        self._risk = parts.risk
        self._limits = parts.limits
        self._ids = parts.ids
        self._clock = parts.clock
        self._caller = parts.caller
        self._desk = OrderDesk(parts.view, parts.engine, parts.scribe, parts.ids, parts.risk)
        self._window_ns = parts.duplicate_window_ns
        self._last: dict[tuple[str, tuple[LegWanted, ...]], tuple[int, int]] = {}
        self._last_mseq = -1

    @classmethod
    def instance(cls) -> DataFlowManager:
        """Return the process-wide one, built stand-alone at first use."""
        if cls._instance is None:
            cls._instance = cls()
        return cls._instance

    # --- the door -------------------------------------------------------------------------------

    def process_signal(
        self, strategy_name: str, signal: Any, *, by_person: bool = False
    ) -> Decision:
        """Decide on a signal (a Signal, or the plain dictionary) and trade it if it may be.

        by_person: a paused strategy sends nothing, but a person may close what it holds.
        """
        try:
            strategy = plain_text(strategy_name, "strategy_name", chars_max=STRATEGY_CHARS_MAX)
            if not strategy:
                raise InvalidInputError("strategy_name", strategy_name, "the name of a strategy")
        except InvalidInputError as error:
            return self._refuse("unknown", "", _invalid(error))
        self._stamp()
        try:
            wanted = check_signal(plain_signal(signal) if isinstance(signal, Mapping) else signal)
            if self._caller is not None:
                self._caller.quote(wanted, self.view, self._scribe)
            legs = wanted_legs(wanted, self._instrument)
            decision = self._decide(strategy, wanted, legs, by_person)
        except InvalidInputError as error:
            decision = self._refuse(strategy, "", _invalid(error))
        except OverflowError:
            too_large = Refusal(code="invalid", reason="amount too large", field="quantity")
            decision = self._refuse(strategy, "", too_large)
        self._scribe.commit()
        return decision

    def execute_signal(self, signal: Any) -> Decision:
        """Decide on a plain signal that names its own `strategy` ("manual" if it does not)."""
        name: Any = "manual"
        if isinstance(signal, Mapping):
            try:
                signal = plain_form(signal)
            except InvalidInputError as error:
                return self._refuse("manual", "", _invalid(error))
            name = signal.get("strategy", "manual")
        return self.process_signal(name, signal)

    def note_opportunity(self, strategy: str, opportunity: Opportunity) -> None:
        """Put an opportunity that was seen and not taken on the tape, or a data alarm."""
        self._stamp()
        try:
            seen = check_opportunity(opportunity)
        except InvalidInputError as error:
            self._refuse(strategy, "", _invalid(error))
            return
        if seen.alarm:
            self._scribe.note(
                DataAlarm(
                    source=self.watch.source,
                    symbols=seen.symbols,
                    test=seen.test,
                    figure=seen.figure,
                    reason=seen.reason,
                )
            )
        else:
            self._scribe.note(
                OpportunitySkipped(
                    strategy=strategy,
                    symbols=seen.symbols,
                    test=seen.test,
                    figure=seen.figure,
                    reason=seen.reason,
                )
            )
        self._scribe.commit()

    def update_dashboard_cache(self, strategy_name: str, trade: Mapping[str, Any]) -> bool:
        """Make a trade known to the dashboard; return whether it was new.

        Trades of `process_signal` are on the tape already and are recognised by their id. Any other
        is a trade that the caller made elsewhere: it is booked as a signal at its own price.
        """
        try:
            told = plain_form(trade)
        except InvalidInputError as error:
            self._refuse("unknown", "", _invalid(error))
            return False
        names = [told[key] for key in ("id", "fill_id") if isinstance(told.get(key), str)]
        known = {row["id"] for row in self.view.trades.get_recent_trades(1000)}
        if any(name in known for name in names):
            return False
        form = {
            "action": told.get("side", told.get("action")),
            "symbol": told.get("symbol"),
            "quantity": told.get("quantity"),
            "price": told.get("price"),
            "reason": "reported by the caller",
            "signal_id": names[0] if names else "",
        }
        return self.process_signal(strategy_name, form).success

    def get_portfolio_summary(self) -> dict[str, Any]:
        """Return the figures of the account."""
        return self.view.portfolio.get_summary()

    # --- deciding -------------------------------------------------------------------------------

    def _stamp(self) -> None:
        self._scribe.commit()
        self._scribe.at(self._clock.now_ns(), self._scribe.mseq)

    def _instrument(self, symbol: str) -> Instrument:
        known = self.view.instruments.get(symbol)
        if known is None:
            near = nearest_match(symbol, self.view.instruments)
            raise InvalidInputError("symbol", symbol, "a listed instrument", nearest=near)
        return known

    def _decide(
        self, strategy: str, signal: Signal, legs: tuple[LegWanted, ...], by_person: bool
    ) -> Decision:
        signal_id = signal.signal_id or self._ids.signal()
        refusal = (
            self._stopped(strategy, by_person)
            or refuse_silent(self.watch, self.view.instruments, legs)
            or self._duplicate(strategy, signal.signal_id, legs)
            or self._sellable_set(signal, legs)
            or self._too_short(signal, legs)
        )
        if refusal is None:
            legs = tuple(self._sized(strategy, leg) for leg in legs)
            plans = self.engine.plan(legs)
            looks = [
                leg_risk(
                    self.view,
                    self.watch,
                    self.engine,
                    strategy,
                    leg,
                    plan,
                    rests=signal.time_in_force in {"GTC", "GTD"} and leg.limit_ticks is not None,
                    now_ns=self._scribe.ts_ns,
                )
                for leg, plan in zip(legs, plans, strict=True)
            ]
            account = account_risk(self.view, self.engine, self._scribe.ts_ns)
            refusal = self._risk.refuse(looks, account, all_or_none=signal.all_or_none)
            refusal = refusal or self._beyond_limits(strategy, looks)
        if refusal is not None:
            return self._refuse(strategy, signal_id, refusal)
        return self._trade(strategy, signal_id, signal, legs)

    def _beyond_limits(self, strategy: str, looks: list[LegRisk]) -> Refusal | None:
        opening = [leg for leg in looks if leg.buying]
        if self._limits == NO_LIMITS or not opening:
            return None
        facts = desk_facts(
            self._limits, self.view, self.watch, strategy, opening, self._scribe.ts_ns
        )
        return refuse(self._limits, facts, opening[0].symbol)

    def _stopped(self, strategy: str, by_person: bool) -> Refusal | None:
        if self.view.engine_state != "trading":
            reason = self.view.engine_reason or f"trading is {self.view.engine_state}"
            return Refusal(code=self.view.engine_state, reason=reason)
        score = self.view.strategies.scores.get(strategy)
        if score is not None and score.status == "paused" and not by_person:
            return Refusal(code="paused", reason=f"{strategy} is paused: {score.status_reason}")
        return None

    def _duplicate(
        self, strategy: str, chosen_id: str, legs: tuple[LegWanted, ...]
    ) -> Refusal | None:
        """Refuse a second use of an id, and the same wish again on the same market record."""
        now_ns, mseq = self._scribe.ts_ns, self._scribe.mseq
        if chosen_id and self.view.orders.knows(chosen_id):
            return Refusal(
                code="duplicate",
                reason="a signal with this id was traded before",
                field="signal_id",
                value=chosen_id,
            )
        if self._window_ns == 0 and mseq != self._last_mseq:
            self._last.clear()
            self._last_mseq = mseq
        earlier = self._last.get((strategy, legs))
        self._last[strategy, legs] = (mseq, now_ns)
        if earlier and (earlier[0] == mseq or now_ns - earlier[1] < self._window_ns):
            return Refusal(
                code="duplicate",
                reason="the same signal was decided on this very market record",
                symbol=legs[0].symbol,
            )
        if len(self._last) > RECENT_KEPT:
            self._last.clear()
        return None

    def _sellable_set(self, signal: Signal, legs: tuple[LegWanted, ...]) -> Refusal | None:
        if signal.then == "none":
            return None
        whole = signal.all_or_none or signal.together == "in_order"
        if not whole or any(leg.side == "SELL" for leg in legs):
            return Refusal(code="invalid", reason="a set is bought all or none", field="then")
        if len({leg.quantity_lots for leg in legs}) > 1:
            return Refusal(
                code="invalid", reason="the legs of a set have one size", field="quantity"
            )
        if sets.target_of(self.view, signal.then, tuple(leg.symbol for leg in legs)) is None:
            return Refusal(
                code="invalid", reason=f"these legs are no set to {signal.then}", field="then"
            )
        return None

    def _too_short(self, signal: Signal, legs: tuple[LegWanted, ...]) -> Refusal | None:
        """Refuse a GTD order that the venue would expire at once."""
        if signal.expires_ns is None:
            return None
        for leg in legs:
            early_ns = GTD_EARLY_NS.get(self.view.instruments[leg.symbol].venue, 0)
            left_ns = signal.expires_ns - early_ns - self._scribe.ts_ns
            if left_ns <= 0:
                return Refusal(
                    code="venue_rule",
                    reason="the order would be expired at once",
                    symbol=leg.symbol,
                    field="expires_ns",
                    value=str(signal.expires_ns),
                    bound=str(self._scribe.ts_ns + early_ns),
                )
        return None

    def _sized(self, strategy: str, leg: LegWanted) -> LegWanted:
        """Return the leg in lots: an amount of money at what is seen, a reduction of what is held.

        What cannot be sized keeps a size that risk refuses with its own words.
        """
        terms = terms_of(leg)
        if terms.spend_micros is not None:
            return msgspec.structs.replace(leg, quantity_lots=self.engine.lots_for_amount(leg))
        if terms.reduce_only:
            held = self.view.portfolio.held_lots(strategy, leg.symbol)
            free = held - self.engine.reserved_lots(strategy, leg.symbol)
            if 0 < free < leg.quantity_lots:
                return msgspec.structs.replace(leg, quantity_lots=free)
        return leg

    # --- trading --------------------------------------------------------------------------------

    def _trade(
        self, strategy: str, signal_id: str, signal: Signal, legs: tuple[LegWanted, ...]
    ) -> Decision:
        first = self._scribe.pending()
        orders = self._desk.trade(strategy, signal_id, signal, legs)
        fills = tuple(
            event for event in self._scribe.noted_since(first) if isinstance(event, OrderFilled)
        )
        return Decision(
            status=self._status(legs, orders, fills),
            signal_id=signal_id,
            strategy=strategy,
            orders=tuple(orders),
            fills=fills,
            trades=tuple(trade_of(fill, self.view.instruments) for fill in fills),
        )

    def cancel_orders(self, strategy: str, wanted: Cancel) -> int:
        """Take back an open order of a strategy, or all of them; return how many."""
        self._stamp()
        count = self._desk.cancel(strategy, wanted)
        self._scribe.commit()
        return count

    def amend_order(self, strategy: str, wanted: Amend) -> tuple[OrderFilled, ...]:
        """Change an open order of a strategy, if risk lets it; return what it filled at once.

        What was refused is on the tape as such.
        """
        self._stamp()
        self._desk.amend(strategy, wanted)
        noted = self._scribe.noted_since(0)
        self._scribe.commit()
        return tuple(event for event in noted if isinstance(event, OrderFilled))

    def _status(
        self, legs: tuple[LegWanted, ...], orders: list[str], fills: tuple[OrderFilled, ...]
    ) -> str:
        filled = sum(fill.quantity_lots for fill in fills)
        if filled == sum(leg.quantity_lots for leg in legs):
            return "filled"
        if any(order_id in self.view.orders.open for order_id in orders):
            return "resting" if not filled else "partial"
        return "partial" if filled else "unfilled"

    def _refuse(self, strategy: str, signal_id: str, refusal: Refusal) -> Decision:
        signal_id = signal_id or self._ids.signal()
        if not strategy.isprintable():
            strategy = "unknown"
        self._scribe.note(
            SignalRefused(
                signal_id=signal_id[:STRATEGY_CHARS_MAX],
                strategy=strategy,
                code=refusal.code,
                reason=refusal.reason,
                symbol=refusal.symbol,
                field=refusal.field,
                value=refusal.value,
                bound=refusal.bound,
            )
        )
        self._scribe.commit()
        return Decision(
            status="refused",
            signal_id=signal_id,
            strategy=strategy,
            code=refusal.code,
            reason=refusal.reason,
            field=refusal.field,
        )


def _invalid(error: InvalidInputError) -> Refusal:
    return Refusal(
        code="invalid",
        reason=str(error),
        field=error.field,
        value=error.value,
        bound=error.expected,
    )
