"""What risk looks at: a signal's legs and the account, gathered from the books and the market."""

from __future__ import annotations

from papertape.engine.leg_plan import LegPlan, terms_of
from papertape.engine.market_watch import MarketWatch, doubt_of
from papertape.engine.paper_trading_engine import PaperTradingEngine
from papertape.engine.risk_manager import AccountRisk, LegRisk
from papertape.model.events import LegWanted
from papertape.services.tape_view import TapeView


def leg_risk(
    view: TapeView,
    watch: MarketWatch,
    engine: PaperTradingEngine,
    strategy: str,
    leg: LegWanted,
    plan: LegPlan,
    *,
    rests: bool,
    now_ns: int,
) -> LegRisk:
    """Return what risk looks at for one leg; what rests is counted at its limit."""
    instrument = view.instruments[leg.symbol]
    held = view.portfolio.held_lots(strategy, leg.symbol)
    left = leg.quantity_lots - plan.filled_lots
    cost = plan.notional_micros
    if (rests or plan.waits) and left:
        ticks = leg.limit_ticks
        if ticks is None:
            ticks = max(watch.mark_ticks(leg.symbol) or 0, terms_of(leg).stop_ticks or 0)
        cost += view.notional(leg.symbol, ticks, left)
    limit = leg.limit_ticks
    ordered = cost if limit is None else view.notional(leg.symbol, limit, leg.quantity_lots)
    seen_ns = watch.seen_ts_ns(leg.symbol)
    book = watch.books.get(leg.symbol)
    position = view.portfolio.accounts.positions.get((strategy, leg.symbol))
    cost_micros = 0 if position is None else position.cost_micros
    doubt = "" if book is None or engine.rules.wait_doubtful else doubt_of(book)
    return LegRisk(
        symbol=leg.symbol,
        buying=leg.side == "BUY",
        lots=leg.quantity_lots,
        held_lots=held,
        promised_lots=engine.reserved_lots(strategy, leg.symbol),
        min_lots=instrument.min_lots,
        quantity_text=instrument.quantity_text(leg.quantity_lots),
        held_text=instrument.quantity_text(held),
        notional_micros=cost,
        ordered_micros=ordered,
        fee_micros=plan.fee_micros,
        position_micros=cost_micros + engine.reserved_micros(strategy, leg.symbol),
        min_notional_micros=instrument.min_notional_micros,
        price_age_ns=None if seen_ns is None else now_ns - seen_ns,
        book_state=doubt or "live",
        market_state=view.market_states.get(instrument.market_id, ""),
        filled_lots=plan.filled_lots,
        waits=plan.waits,
        rests=rests,
        worst_ticks=leg.limit_ticks if plan.worst_ticks is None else plan.worst_ticks,
    )


def account_risk(view: TapeView, engine: PaperTradingEngine, now_ns: int) -> AccountRisk:
    """Return what risk looks at of the account; resting buys count as spent."""
    equity, _, exposure, _ = view.portfolio.marked()
    reserved = engine.reserved_cash_micros()
    return AccountRisk(
        equity_micros=equity,
        exposure_micros=exposure + reserved,
        free_cash_micros=view.portfolio.accounts.cash_micros - reserved,
        today_micros=view.equity.today_micros(equity, now_ns),
        open_orders=engine.resting_count,
    )
