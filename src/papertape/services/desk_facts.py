"""What the desk's limits look at, gathered from the books for the legs that open risk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from papertape.engine.desk_limits import DeskFacts, DeskLimits
from papertape.engine.market_watch import MarketWatch
from papertape.engine.risk_manager import LegRisk
from papertape.model.money import PPM
from papertape.services.outcomes import (
    Stake,
    at_risk_micros,
    event_at_risk_micros,
    stakes_of,
)
from papertape.services.tape_view import TapeView


def desk_facts(
    limits: DeskLimits,
    view: TapeView,
    watch: MarketWatch,
    strategy: str,
    opening: Sequence[LegRisk],
    now_ns: int,
) -> DeskFacts:
    """Return the facts that the limits in force ask for; the others stay at nothing."""
    equity = peak = 0
    if limits.drawdown_ppm_max is not None:
        equity = view.portfolio.marked()[0]
        peak = max(view.equity.peak_micros, equity)
    score = view.strategies.scores.get(strategy)
    return DeskFacts(
        strategy=strategy,
        market_at_risk=_markets(view, opening) if limits.market_micros_max is not None else (),
        event_at_risk=_events(view, opening) if limits.event_micros_max is not None else (),
        strategy_micros=(
            _cost(view, lambda owner, _: owner == strategy) + _ordered(opening)
            if limits.strategy_micros_max is not None
            else 0
        ),
        venue_micros=_venues(view, opening) if limits.venue_micros_max is not None else (),
        equity_micros=equity,
        peak_micros=peak,
        losing_streak=0 if score is None else score.losing_streak,
        lost_ago_ns=now_ns if score is None else now_ns - score.lost_ns,
        orders_last_minute=view.orders.within_minute(now_ns),
        away_ppm=_away(view, watch, opening) if limits.collar_ppm is not None else (),
        time_to_end_ns=(
            _ends(view, opening, now_ns) if limits.time_to_end_ns_min is not None else ()
        ),
    )


def _ordered(opening: Iterable[LegRisk]) -> int:
    return sum(leg.notional_micros + leg.fee_micros for leg in opening)


def _cost(view: TapeView, counts: Callable[[str, str], bool]) -> int:
    """Return what open positions and resting buys cost that count."""
    held = sum(
        position.cost_micros
        for (owner, symbol), position in view.portfolio.accounts.positions.items()
        if counts(owner, symbol)
    )
    resting = sum(
        view.notional(kept.order.symbol, kept.price_ticks, kept.remaining_lots)
        for kept in view.orders.open.values()
        if kept.order.side == "BUY" and counts(kept.order.strategy, kept.order.symbol)
    )
    return held + resting


def _with_legs(
    stakes: dict[str, Stake], opening: Iterable[LegRisk], symbols: Iterable[str]
) -> dict[str, Stake]:
    """Return the stakes as they will be once the legs are filled whole."""
    wanted = frozenset(symbols)
    for leg in opening:
        if leg.symbol in wanted:
            before = stakes.get(leg.symbol, Stake(0, 0))
            cost = before.cost_micros + leg.notional_micros + leg.fee_micros
            stakes[leg.symbol] = Stake(before.lots + leg.lots, cost)
    return stakes


def _markets(view: TapeView, opening: Sequence[LegRisk]) -> tuple[tuple[str, int], ...]:
    ids = dict.fromkeys(view.instruments[leg.symbol].market_id for leg in opening)
    found = []
    for market in (view.markets[one] for one in ids if one in view.markets):
        stakes = _with_legs(stakes_of(view, market.symbols), opening, market.symbols)
        found.append((market.market_id, at_risk_micros(view, market, stakes)))
    return tuple(found)


def _events(view: TapeView, opening: Sequence[LegRisk]) -> tuple[tuple[str, int], ...]:
    ids = dict.fromkeys(view.instruments[leg.symbol].market_id for leg in opening)
    markets = [view.markets[one] for one in ids if one in view.markets]
    found = []
    for group in (
        view.groups[event_id]
        for event_id in dict.fromkeys(market.event_id for market in markets)
        if event_id in view.groups
    ):
        symbols = [
            s for one in group.market_ids if one in view.markets for s in view.markets[one].symbols
        ]
        stakes = _with_legs(stakes_of(view, symbols), opening, symbols)
        found.append((group.event_id, event_at_risk_micros(view, group, stakes)))
    return tuple(found)


def _at(view: TapeView, venue: str) -> Callable[[str, str], bool]:
    return lambda _, symbol: view.instruments[symbol].venue == venue


def _venues(view: TapeView, opening: Sequence[LegRisk]) -> tuple[tuple[str, int], ...]:
    found = []
    for venue in dict.fromkeys(view.instruments[leg.symbol].venue for leg in opening):
        ordered = [leg for leg in opening if view.instruments[leg.symbol].venue == venue]
        found.append((venue, _cost(view, _at(view, venue)) + _ordered(ordered)))
    return tuple(found)


def _away(
    view: TapeView, watch: MarketWatch, opening: Sequence[LegRisk]
) -> tuple[tuple[str, int], ...]:
    """Return how far above the middle of its book each leg may pay: of 1, or of the price."""
    found = []
    for leg in opening:
        book = watch.books.get(leg.symbol)
        mid = None if book is None else book.mid_half_ticks()
        if mid is None or leg.worst_ticks is None:
            continue
        instrument = view.instruments[leg.symbol]
        whole = 2 * instrument.one_ticks if instrument.kind == "outcome" else max(mid, 1)
        found.append((leg.symbol, max(2 * leg.worst_ticks - mid, 0) * PPM // whole))
    return tuple(found)


def _ends(view: TapeView, opening: Sequence[LegRisk], now_ns: int) -> tuple[tuple[str, int], ...]:
    found = []
    for leg in opening:
        market = view.markets.get(view.instruments[leg.symbol].market_id)
        if market is not None:
            found.append((leg.symbol, market.end_ns - now_ns))
    return tuple(found)
