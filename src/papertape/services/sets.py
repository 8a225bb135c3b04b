"""Complete sets: merging, converting and settling what is held, as events with exact costs.

Sources: Polymarket's conditional tokens (1 YES + 1 NO = 1.00) and its negRisk adapter: k different
NO tokens become k - 1 in cash and one YES of every other outcome (docs/venues.md).
"""

from __future__ import annotations

from papertape.core.accounts import settlement_micros
from papertape.core.arithmetic import div_half_even
from papertape.model.events import (
    PositionSettled,
    SetPart,
    SetsConverted,
    SetsMerged,
    SetsSplit,
)
from papertape.model.instrument import Instrument
from papertape.model.market import PAYS_ONE_MICROS, EventGroup, Market
from papertape.model.signal import SetAction
from papertape.services.tape_view import TapeView

YES, NO = 0, 1  # positions in Market.outcomes and Market.symbols


def merge(view: TapeView, strategy: str, market: Market, lots: int) -> SetsMerged:
    """Return the merge of complete sets; every outcome must be held."""
    parts = tuple(_leaving(view, strategy, symbol, lots) for symbol in market.symbols)
    cash = settlement_micros(lots, _instrument(view, market).lot_nanos, PAYS_ONE_MICROS)
    return SetsMerged(
        strategy=strategy,
        market_id=market.market_id,
        parts=parts,
        cash_micros=cash,
        realized_micros=cash + sum(part.cost_micros for part in parts),
    )


def split(view: TapeView, strategy: str, market: Market, lots: int) -> SetsSplit:
    """Return the split of cash into complete sets; the parts share the cost equally."""
    cash = settlement_micros(lots, _instrument(view, market).lot_nanos, PAYS_ONE_MICROS)
    count = len(market.symbols)
    costs = [cash * (i + 1) // count - cash * i // count for i in range(count)]
    parts = tuple(
        SetPart(symbol=symbol, quantity_lots=lots, cost_micros=cost)
        for symbol, cost in zip(market.symbols, costs, strict=True)
    )
    return SetsSplit(strategy=strategy, market_id=market.market_id, parts=parts, cash_micros=-cash)


def convert(
    view: TapeView, strategy: str, group: EventGroup, no_symbols: tuple[str, ...], lots: int
) -> SetsConverted:
    """Return the conversion of k NO tokens: k - 1 in cash and a YES of each other outcome.

    The cash pays back cost first; cost that is left goes to the YES tokens in equal shares. With
    every NO of the event there is no YES left, and what the cash exceeds the cost by is the gain.
    """
    markets = [view.markets[market_id] for market_id in group.market_ids]
    others = [market.symbols[YES] for market in markets if market.symbols[NO] not in no_symbols]
    leaving = [_leaving(view, strategy, symbol, lots) for symbol in no_symbols]
    lot_nanos = _instrument(view, markets[0]).lot_nanos
    cash = settlement_micros(lots, lot_nanos, PAYS_ONE_MICROS * (len(no_symbols) - 1))
    cost = -sum(part.cost_micros for part in leaving)
    left = max(0, cost - cash) if others else 0
    shares = [left * (i + 1) // len(others) - left * i // len(others) for i in range(len(others))]
    coming = [
        SetPart(symbol=symbol, quantity_lots=lots, cost_micros=share)
        for symbol, share in zip(others, shares, strict=True)
    ]
    return SetsConverted(
        strategy=strategy,
        event_id=group.event_id,
        parts=tuple(leaving + coming),
        cash_micros=cash,
        realized_micros=cash - cost + left,
    )


def settle(
    view: TapeView, market: Market, payouts_micros: tuple[int, ...] | None
) -> list[PositionSettled]:
    """Return what every position in the market is paid; None pays its cost back (void)."""
    out = []
    for index, symbol in enumerate(market.symbols):
        payout = None if payouts_micros is None else payouts_micros[index]
        lot_nanos = view.instruments[symbol].lot_nanos
        for (strategy, held), position in sorted(view.portfolio.accounts.positions.items()):
            if held != symbol:
                continue
            lots, cost = position.quantity_lots, position.cost_micros
            cash = cost if payout is None else settlement_micros(lots, lot_nanos, payout)
            out.append(
                PositionSettled(
                    strategy=strategy,
                    symbol=symbol,
                    market_id=market.market_id,
                    quantity_lots=lots,
                    payout_micros=payout,
                    cash_micros=cash,
                    cost_micros=-cost,
                    realized_micros=cash - cost,
                )
            )
    return out


Made = SetsMerged | SetsConverted


def target_of(
    view: TapeView, action: SetAction, symbols: tuple[str, ...]
) -> Market | EventGroup | None:
    """Return the market or event whose set these instruments make, None if they make none."""
    first = view.instruments.get(symbols[0])
    market = None if first is None else view.markets.get(first.market_id)
    if market is None:
        return None
    if action == "merge":
        return market if sorted(symbols) == sorted(market.symbols) else None
    group = view.groups.get(market.event_id)
    if group is None or not group.neg_risk or len(set(symbols)) != len(symbols):
        return None
    markets = [view.markets.get(market_id) for market_id in group.market_ids]
    nos = {one.symbols[NO] for one in markets if one is not None and len(one.symbols) == 2}
    if len(nos) < len(markets):
        return None  # an outcome that is not listed yet: its YES could not be given
    return group if set(symbols) <= nos else None


def turn(
    view: TapeView, strategy: str, action: SetAction, symbols: tuple[str, ...], lots: int
) -> Made:
    """Return the merge or conversion of a set that was just bought."""
    target = target_of(view, action, symbols)
    if isinstance(target, Market):
        return merge(view, strategy, target, lots)
    assert target is not None, "checked before the set was bought"
    return convert(view, strategy, target, symbols, lots)


def _leaving(view: TapeView, strategy: str, symbol: str, lots: int) -> SetPart:
    position = view.portfolio.accounts.positions[strategy, symbol]
    released = (
        position.cost_micros
        if lots == position.quantity_lots
        else div_half_even(position.cost_micros * lots, position.quantity_lots)
    )
    return SetPart(symbol=symbol, quantity_lots=-lots, cost_micros=-released)


def _instrument(view: TapeView, market: Market) -> Instrument:
    return view.instruments[market.symbols[0]]
