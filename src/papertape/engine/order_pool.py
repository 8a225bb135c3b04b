"""OrderPool: the open orders, by instrument and in the order in which they came."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from papertape.engine.working_order import WorkingOrder


class OrderPool:
    """Holds every order that is sent, waits or rests, and what is set aside for them."""

    def __init__(self, mark_ticks: Callable[[str], int | None]) -> None:
        """Begin empty; `mark_ticks` prices orders that have no price of their own."""
        self._mark_ticks = mark_ticks
        self._by_symbol: dict[str, dict[str, WorkingOrder]] = {}
        self._symbol_of: dict[str, str] = {}

    def __len__(self) -> int:
        """Return how many orders are open."""
        return len(self._symbol_of)

    def __iter__(self) -> Iterator[WorkingOrder]:
        """Yield every open order, instrument by instrument."""
        for orders in [list(kept.values()) for kept in self._by_symbol.values()]:
            yield from orders

    def symbols(self) -> tuple[str, ...]:
        """Return the instruments that have open orders."""
        return tuple(self._by_symbol)

    def of(self, symbol: str) -> list[WorkingOrder]:
        """Return an instrument's open orders, oldest first."""
        return list(self._by_symbol.get(symbol, {}).values())

    def get(self, order_id: str) -> WorkingOrder | None:
        """Return an open order."""
        symbol = self._symbol_of.get(order_id)
        return None if symbol is None else self._by_symbol[symbol][order_id]

    def add(self, working: WorkingOrder) -> None:
        """Take an order; one that is there keeps its place."""
        order = working.order
        self._by_symbol.setdefault(order.symbol, {})[order.order_id] = working
        self._symbol_of[order.order_id] = order.symbol

    def drop(self, working: WorkingOrder) -> None:
        """Let go of an order, if it is there."""
        order = working.order
        if self._symbol_of.pop(order.order_id, None) is None:
            return
        orders = self._by_symbol[order.symbol]
        del orders[order.order_id]
        if not orders:
            del self._by_symbol[order.symbol]

    def requeue(self, working: WorkingOrder) -> None:
        """Put an order behind the others of its instrument."""
        self.drop(working)
        self.add(working)

    # --- what is set aside ----------------------------------------------------------------------

    def reserved_cash_micros(self, *, but: WorkingOrder | None = None) -> int:
        """Return the cash that open buys may still need, fees at the taker's rate included."""
        return sum(self._cash(working) for working in self if working.buying and working is not but)

    def reserved_micros(self, strategy: str, symbol: str) -> int:
        """Return the cash that a strategy's open buys of one instrument may still need."""
        return sum(
            self._cash(working)
            for working in self._by_symbol.get(symbol, {}).values()
            if working.buying and working.order.strategy == strategy
        )

    def _cash(self, working: WorkingOrder) -> int:
        return working.reserved_micros(self._mark_ticks(working.order.symbol) or 0)

    def reserved_lots(self, strategy: str, symbol: str) -> int:
        """Return the lots of a holding that open sells have promised.

        Of sells that end each other only the largest counts: one of them will be filled.
        """
        total = 0
        of_group: dict[str, int] = {}
        for working in self._by_symbol.get(symbol, {}).values():
            if working.order.strategy != strategy or working.buying:
                continue
            group = working.terms.group
            if group:
                of_group[group] = max(of_group.get(group, 0), working.remaining_lots)
            else:
                total += working.remaining_lots
        return total + sum(of_group.values())
