"""OrderDesk: from a signal that may be traded to orders, and changes to the open ones."""

from __future__ import annotations

from functools import partial

from msgspec import UNSET
from msgspec.structs import replace

from papertape.engine.ids import Ids
from papertape.engine.leg_plan import terms_of
from papertape.engine.paper_trading_engine import PaperTradingEngine
from papertape.engine.risk_manager import Refusal, RiskManager
from papertape.engine.working_order import WorkingOrder
from papertape.errors import InvalidInputError
from papertape.model.events import (
    LegWanted,
    OrderChangeRefused,
    OrderFilled,
    OrderSubmitted,
    SignalRaised,
)
from papertape.model.orders import Amend, Cancel, OrderTerms, OrderType
from papertape.model.signal import Signal
from papertape.services import sets
from papertape.services.risk_view import account_risk, leg_risk
from papertape.services.scribe import Scribe
from papertape.services.tape_view import TapeView


class OrderDesk:
    """Puts orders on the tape and hands them to the engine, one by one or tied together."""

    def __init__(
        self,
        view: TapeView,
        engine: PaperTradingEngine,
        scribe: Scribe,
        ids: Ids,
        risk: RiskManager,
    ) -> None:
        """Take the parts."""
        self._view = view
        self._engine = engine
        self._scribe = scribe
        self._ids = ids
        self._risk = risk

    # --- signals --------------------------------------------------------------------------------

    def trade(
        self, strategy: str, signal_id: str, signal: Signal, legs: tuple[LegWanted, ...]
    ) -> list[str]:
        """Record a signal that risk let pass, send its orders, and return their ids."""
        tied = signal.together != "each"
        self._scribe.note(
            SignalRaised(
                signal_id=signal_id,
                strategy=strategy,
                legs=legs,
                reason=signal.reason,
                time_in_force=signal.time_in_force,
                all_or_none=signal.all_or_none,
                then=signal.then,
                confidence_pct=signal.confidence_pct,
                expected_edge_micros=signal.expected_edge_micros,
                together=signal.together if tied else UNSET,
                missed=signal.missed if signal.together == "in_order" else UNSET,
            )
        )
        group = signal_id if signal.together == "one_cancels_other" else ""
        turn = partial(self._turn, strategy, signal, legs)
        if signal.together == "in_order":
            return self._in_order(strategy, signal_id, signal, legs)
        rules = self._engine.rules
        if signal.all_or_none and (rules.timed or rules.wait_doubtful):
            orders = [self._order(strategy, signal_id, signal, leg, group) for leg in legs]
            for order in orders:
                self._scribe.note(order)
            self._engine.submit_together(orders, partial(turn, legs[0].quantity_lots))
            return [order.order_id for order in orders]
        made: list[str] = []
        first = self._scribe.pending()
        for leg in legs:
            order = self._order(strategy, signal_id, signal, leg, group)
            made.append(order.order_id)
            self._scribe.note(order)
            if group and any(isinstance(e, OrderFilled) for e in self._scribe.noted_since(first)):
                self._engine.refuse(order, "one cancels the other")
            else:
                self._engine.submit(order)
        turn(legs[0].quantity_lots)
        return made

    def _in_order(
        self, strategy: str, signal_id: str, signal: Signal, legs: tuple[LegWanted, ...]
    ) -> list[str]:
        first = self._ids.orders_given
        orders = [self._order(strategy, signal_id, signal, leg, "", given="") for leg in legs]
        self._engine.submit_in_order(
            orders, signal.missed, partial(self._turn, strategy, signal, legs)
        )
        return self._ids.orders_since(first)

    def _turn(self, strategy: str, signal: Signal, legs: tuple[LegWanted, ...], lots: int) -> None:
        """Merge or convert what was bought, if that is what the signal wants."""
        if signal.then != "none" and lots:
            symbols = tuple(leg.symbol for leg in legs)
            self._scribe.note(sets.turn(self._view, strategy, signal.then, symbols, lots))

    def _order(
        self, strategy: str, signal_id: str, signal: Signal, leg: LegWanted, group: str,
        *, given: str | None = None,
    ) -> OrderSubmitted:  # fmt: skip
        terms = terms_of(leg)
        if group:
            terms = replace(terms, group=group)
        waits = terms.stop_ticks is not None or terms.trail_ticks is not None
        lasting = leg.limit_ticks is not None or waits or signal.time_in_force == "FOK"
        return OrderSubmitted(
            order_id=self._ids.order() if given is None else given,
            signal_id=signal_id,
            strategy=strategy,
            symbol=leg.symbol,
            side=leg.side,
            order_type=_type_of(terms, leg.limit_ticks),
            time_in_force=signal.time_in_force if lasting else "IOC",
            quantity_lots=leg.quantity_lots,
            limit_ticks=leg.limit_ticks,
            terms=UNSET if terms == OrderTerms() else terms,
        )

    # --- open orders ----------------------------------------------------------------------------

    def cancel(self, strategy: str, wanted: Cancel) -> int:
        """Take back an order of a strategy, or all of them; return how many it was asked of."""
        if wanted.order_id:
            working = self._engine.pool.get(wanted.order_id)
            if working is None or working.order.strategy != strategy:
                self._refuse(strategy, wanted.order_id, "cancel", NOT_OPEN)
                return 0
            self._engine.ask_cancel(working, wanted.reason)
            return 1
        mine = [
            working
            for working in self._engine.pool
            if working.order.strategy == strategy and wanted.symbol in {"", working.order.symbol}
        ]
        for working in mine:
            if working.open:
                self._engine.ask_cancel(working, wanted.reason)
        return len(mine)

    def amend(self, strategy: str, wanted: Amend) -> bool:
        """Change an open order of a strategy if risk lets it; return whether it was sent."""
        working = self._engine.pool.get(wanted.order_id)
        if working is None or working.order.strategy != strategy:
            self._refuse(strategy, wanted.order_id, "amend", NOT_OPEN)
            return False
        try:
            changed = _amended(working, wanted)
        except InvalidInputError as error:
            refusal: Refusal | None = Refusal(
                code="invalid",
                reason=str(error),
                field=error.field,
                value=error.value,
                bound=error.expected,
            )
        else:
            refusal = self._over_limits(working, *changed)
        if refusal is not None:
            self._refuse(strategy, wanted.order_id, "amend", refusal)
            return False
        quantity, limit, stop = changed
        self._engine.ask_amend(
            working, quantity_lots=quantity, limit_ticks=limit, stop_ticks=stop,
            reason=wanted.reason,
        )  # fmt: skip
        return True

    def _over_limits(
        self, working: WorkingOrder, quantity: int, limit: int | None, stop: int | None
    ) -> Refusal | None:
        """Return why the changed order must not be, as if it were sent anew in place of the old."""
        now_ns = self._scribe.ts_ns
        order, engine = working.order, self._engine
        left = working.remaining_lots + quantity - working.quantity_lots
        leg = LegWanted(
            symbol=order.symbol, side=order.side, quantity_lots=left,
            limit_ticks=stop if limit is None else limit,
        )  # fmt: skip
        (plan,) = engine.plan([leg])
        look = leg_risk(
            self._view, engine.watch, engine, order.strategy, leg, plan, rests=True, now_ns=now_ns
        )
        mark = engine.watch.mark_ticks(order.symbol) or 0
        held_back = working.reserved_micros(mark) if working.buying else 0
        account = account_risk(self._view, engine, now_ns)
        return self._risk.refuse(
            [
                replace(
                    look,
                    promised_lots=max(0, look.promised_lots - working.remaining_lots),
                    position_micros=look.position_micros - held_back,
                )
            ],
            replace(
                account,
                exposure_micros=account.exposure_micros - held_back,
                free_cash_micros=account.free_cash_micros + held_back,
                open_orders=account.open_orders - 1,
            ),
            all_or_none=False,
        )

    def _refuse(self, strategy: str, order_id: str, change: str, refusal: Refusal) -> None:
        self._scribe.note(
            OrderChangeRefused(
                order_id=order_id,
                strategy=strategy,
                change="cancel" if change == "cancel" else "amend",
                code=refusal.code,
                reason=refusal.reason,
                field=refusal.field,
                value=refusal.value,
                bound=refusal.bound,
            )
        )


NOT_OPEN = Refusal(
    code="not_open", reason="this strategy has no open order with this id", field="order_id"
)


def _type_of(terms: OrderTerms, limit_ticks: int | None) -> OrderType:
    if terms.trail_ticks is not None:
        return "trailing_stop"
    if terms.stop_ticks is not None:
        return "stop" if limit_ticks is None else "stop_limit"
    return "market" if limit_ticks is None else "limit"


def _amended(working: WorkingOrder, wanted: Amend) -> tuple[int, int | None, int | None]:
    """Return (quantity, limit, stop) after the change; InvalidInputError says what cannot be."""
    quantity = working.quantity_lots if wanted.quantity_lots is None else wanted.quantity_lots
    filled = working.quantity_lots - working.remaining_lots
    if quantity <= filled:
        raise InvalidInputError("quantity", quantity, f"more than the {filled} lots filled")
    if wanted.limit_ticks is not None and working.limit_ticks is None:
        raise InvalidInputError("price", wanted.limit_ticks, "none: the order has no limit")
    if wanted.stop_ticks is not None and working.state != "waiting":
        raise InvalidInputError("stop", wanted.stop_ticks, "none: the order is no waiting stop")
    for field, ticks in (("price", wanted.limit_ticks), ("stop", wanted.stop_ticks)):
        if ticks is not None:
            working.instrument.check_ticks(ticks, field)
    limit = working.limit_ticks if wanted.limit_ticks is None else wanted.limit_ticks
    stop = working.stop_ticks if wanted.stop_ticks is None else wanted.stop_ticks
    return quantity, limit, stop
