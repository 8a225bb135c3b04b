"""What each outcome of an event would bring: the worlds, their P&L, the worst and the expected.

A market's tokens pay against each other, so the money at risk is not the sum of what they cost:
10 YES and 10 NO of one market lose nothing but their fees, whatever happens. Worlds of an event
that is exhaustive are its markets, one of which pays YES; of other events (nested dates, named
outcomes with an "Other") nothing is known but that each market pays by itself, so the worst of the
event is the sum of the worst of its markets. Void and 50/50 are left out of the worlds: void gives
the cost back, and half lies between the two ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from papertape.core.accounts import settlement_micros
from papertape.core.arithmetic import div_half_even
from papertape.model.market import PAYS_ONE_MICROS, EventGroup, Market
from papertape.services.tape_view import TapeView

YES = 0
PPM = 1_000_000


class Stake(NamedTuple):
    """What is held of one token, or would be: lots and what they cost, in micros."""

    lots: int
    cost_micros: int


class World(NamedTuple):
    """One way in which it may end, what it brings, and its chance by the market's own prices."""

    name: str
    pnl_micros: int
    chance_ppm: int | None


class OutcomeMatrix(NamedTuple):
    """All worlds of a market or an event; `expected_micros` only where all prices are known."""

    worlds: tuple[World, ...]
    cost_micros: int
    expected_micros: int | None

    @property
    def worst_micros(self) -> int:
        """Return the P&L of the worst world."""
        return min(world.pnl_micros for world in self.worlds)


Stakes = Mapping[str, Stake]
"""By symbol."""


def stakes_of(view: TapeView, symbols: Iterable[str]) -> dict[str, Stake]:
    """Return what the account holds of these tokens, over all strategies."""
    wanted = frozenset(symbols)
    found: dict[str, Stake] = {}
    for (_, symbol), position in view.portfolio.accounts.positions.items():
        if symbol in wanted:
            before = found.get(symbol, Stake(0, 0))
            cost = before.cost_micros + position.cost_micros
            found[symbol] = Stake(before.lots + position.quantity_lots, cost)
    return found


def market_matrix(view: TapeView, market: Market, stakes: Stakes) -> OutcomeMatrix:
    """Return what each outcome of one market would bring."""
    cost = _cost(market, stakes)
    chances = _chances([_mark_micros(view, symbol) for symbol in market.symbols])
    worlds = tuple(
        World(outcome, _pays(view, stakes, symbol) - cost, chance)
        for outcome, symbol, chance in zip(market.outcomes, market.symbols, chances, strict=True)
    )
    return OutcomeMatrix(worlds, cost, _expected(worlds))


def event_matrix(view: TapeView, group: EventGroup, stakes: Stakes) -> OutcomeMatrix:
    """Return what each end of an event would bring."""
    markets = [
        view.markets[market_id] for market_id in group.market_ids if market_id in view.markets
    ]
    whole = len(markets) == len(group.market_ids)
    cost = sum(_cost(market, stakes) for market in markets)
    if not group.exhaustive or not whole:
        return _apart(view, markets, stakes, cost)
    no_total = {m.market_id: sum(_pays(view, stakes, s) for s in m.symbols[1:]) for m in markets}
    every_no = sum(no_total.values())
    chances = _chances([_mark_micros(view, market.symbols[YES]) for market in markets])
    worlds = tuple(
        World(
            market.question,
            _pays(view, stakes, market.symbols[YES]) + every_no - no_total[market.market_id] - cost,
            chance,
        )
        for market, chance in zip(markets, chances, strict=True)
    )
    return OutcomeMatrix(worlds, cost, _expected(worlds))


def at_risk_micros(view: TapeView, market: Market, stakes: Stakes) -> int:
    """Return what a market alone may lose, 0 if no outcome loses."""
    return max(0, -market_matrix(view, market, stakes).worst_micros)


def event_at_risk_micros(view: TapeView, group: EventGroup, stakes: Stakes) -> int:
    """Return what an event may lose in its worst end, 0 if none loses."""
    return max(0, -event_matrix(view, group, stakes).worst_micros)


def _apart(view: TapeView, markets: list[Market], stakes: Stakes, cost: int) -> OutcomeMatrix:
    """Return the two ends of markets that are known only one by one."""
    alone = [market_matrix(view, market, stakes) for market in markets]
    expected = [one.expected_micros for one in alone]
    known = [one for one in expected if one is not None]
    worlds = (
        World("each market at its worst", sum(one.worst_micros for one in alone), None),
        World(
            "each market at its best",
            sum(max(world.pnl_micros for world in one.worlds) for one in alone),
            None,
        ),
    )
    return OutcomeMatrix(worlds, cost, sum(known) if len(known) == len(expected) else None)


def _cost(market: Market, stakes: Stakes) -> int:
    return sum(stakes[symbol].cost_micros for symbol in market.symbols if symbol in stakes)


def _pays(view: TapeView, stakes: Stakes, symbol: str) -> int:
    stake = stakes.get(symbol)
    if stake is None:
        return 0
    return settlement_micros(stake.lots, view.instruments[symbol].lot_nanos, PAYS_ONE_MICROS)


def _mark_micros(view: TapeView, symbol: str) -> int | None:
    instrument = view.instruments[symbol]
    ticks = view.portfolio.mark_ticks(symbol)
    return None if ticks is None else ticks * instrument.tick_nanos // 1_000


def _chances(prices_micros: list[int | None]) -> list[int | None]:
    """Return prices as chances that add up to 1: what the market says, without its margin."""
    known = [price for price in prices_micros if price is not None]
    total = sum(known)
    if len(known) < len(prices_micros) or total <= 0:
        return [None] * len(prices_micros)
    return [div_half_even(price * PPM, total) for price in known]


def _expected(worlds: tuple[World, ...]) -> int | None:
    chances = [world.chance_ppm for world in worlds if world.chance_ppm is not None]
    if len(chances) < len(worlds):
        return None
    products = [w.pnl_micros * c for w, c in zip(worlds, chances, strict=True)]
    return div_half_even(sum(products), PPM)
