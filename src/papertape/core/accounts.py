"""Exact accounts: cash, positions at average cost, realised gains and fees, all integers.

Conservation holds after every entry, exactly:

    cash + cost of open positions = initial + realised - fees

Positions are long only; selling more than is held is an error here and a refusal at the door.
"""

from papertape.core.arithmetic import checked, div_half_even
from papertape.errors import AccountsBrokenError

NANOS = 1_000_000_000


class Position:
    """What one strategy holds of one instrument, and what that has cost and earned since flat."""

    __slots__ = ("cost_micros", "fees_micros", "opened_ts_ns", "quantity_lots", "realized_micros")

    def __init__(
        self,
        quantity_lots: int = 0,
        cost_micros: int = 0,
        realized_micros: int = 0,
        fees_micros: int = 0,
        opened_ts_ns: int = 0,
    ) -> None:
        """Start flat, or where a snapshot left off."""
        self.quantity_lots = quantity_lots
        self.cost_micros = cost_micros
        self.realized_micros = realized_micros
        self.fees_micros = fees_micros
        self.opened_ts_ns = opened_ts_ns

    def released_cost(self, lots: int) -> int:
        """Return the cost that leaves with `lots`: pro rata, half-even, all of it at the end."""
        if not 0 < lots <= self.quantity_lots:
            raise AccountsBrokenError(f"{lots} lots leave a position of {self.quantity_lots}")
        return div_half_even(self.cost_micros * lots, self.quantity_lots)

    def values(self) -> list[int]:
        """Return the state as a list, in constructor order."""
        return [
            self.quantity_lots,
            self.cost_micros,
            self.realized_micros,
            self.fees_micros,
            self.opened_ts_ns,
        ]


Key = tuple[str, str]
"""(strategy, symbol)"""


class Accounts:
    """The books of one account."""

    __slots__ = (
        "cash_micros",
        "cost_micros",
        "fees_micros",
        "initial_micros",
        "positions",
        "realized_micros",
    )

    def __init__(self, initial_micros: int) -> None:
        """Open the books with cash and nothing else."""
        self.initial_micros = initial_micros
        self.cash_micros = initial_micros
        self.cost_micros = 0
        self.realized_micros = 0
        self.fees_micros = 0
        self.positions: dict[Key, Position] = {}

    def held_lots(self, key: Key) -> int:
        """Return how many lots are held, 0 if none."""
        position = self.positions.get(key)
        return 0 if position is None else position.quantity_lots

    def effect(self, key: Key, buying: bool, lots: int, notional_micros: int) -> tuple[int, int]:
        """Return (change of cost, realised gain) that a fill would have; changes nothing."""
        if buying:
            return notional_micros, 0
        position = self.positions.get(key)
        if position is None:
            raise AccountsBrokenError(f"{key[1]}: nothing is held by {key[0]}")
        released = position.released_cost(lots)
        return -released, notional_micros - released

    def fill(
        self, key: Key, buying: bool, lots: int, notional_micros: int, fee_micros: int, ts_ns: int
    ) -> tuple[int, int]:
        """Book a fill and return (change of cost, realised gain before fees)."""
        cost, realized = self.effect(key, buying, lots, notional_micros)
        moved = (-notional_micros if buying else notional_micros) - fee_micros
        cash = checked(self.cash_micros + moved)
        self.enter(key, lots if buying else -lots, cost, realized, fee_micros, ts_ns)
        self.cash_micros = cash
        self.check()
        return cost, realized

    def leave(self, key: Key, lots: int, cash_micros: int, ts_ns: int) -> tuple[int, int]:
        """Book lots that turn into cash without a fill; return (cost released, realised)."""
        released = self.positions[key].released_cost(lots)
        realized = cash_micros - released
        self.enter(key, -lots, -released, realized, 0, ts_ns)
        self.cash_micros = checked(self.cash_micros + cash_micros)
        self.check()
        return released, realized

    def exchange(
        self, strategy: str, parts: list[tuple[str, int, int]], cash_micros: int, ts_ns: int
    ) -> int:
        """Book a merge, split or conversion; return the realised gain.

        parts: (symbol, change of lots, change of cost) of each instrument. What the cost falls by
        beyond the cash that came in is a loss, what it falls short of it a gain.
        """
        moved = sum(cost for _, _, cost in parts)
        realized = cash_micros + moved
        first = True
        for symbol, lots, cost in parts:
            self.enter((strategy, symbol), lots, cost, realized if first else 0, 0, ts_ns)
            first = False
        self.cash_micros = checked(self.cash_micros + cash_micros)
        self.check()
        return realized

    def enter(
        self, key: Key, lots: int, cost_micros: int, realized_micros: int, fee_micros: int, ts: int
    ) -> None:
        """Change one position and the totals, or nothing if that fails; cash is the caller's."""
        old = self.positions.get(key) or Position(opened_ts_ns=ts)
        new = Position(
            checked(old.quantity_lots + lots),
            checked(old.cost_micros + cost_micros),
            checked(old.realized_micros + realized_micros),
            checked(old.fees_micros + fee_micros),
            old.opened_ts_ns,
        )
        if new.quantity_lots < 0 or (new.quantity_lots == 0 and new.cost_micros):
            raise AccountsBrokenError(f"{key}: {new.quantity_lots} lots at a cost")
        cost = checked(self.cost_micros + cost_micros)
        realized = checked(self.realized_micros + realized_micros)
        self.fees_micros = checked(self.fees_micros + fee_micros)
        self.cost_micros, self.realized_micros = cost, realized
        self.positions[key] = new

    def close_if_flat(self, key: Key) -> int | None:
        """Remove a flat position; return its round trip's gain after fees, None if still open."""
        position = self.positions.get(key)
        if position is None or position.quantity_lots:
            return None
        del self.positions[key]
        return position.realized_micros - position.fees_micros

    def check(self) -> None:
        """Raise AccountsBrokenError unless the books conserve exactly."""
        have = self.cash_micros + self.cost_micros
        want = self.initial_micros + self.realized_micros - self.fees_micros
        if have != want:
            raise AccountsBrokenError(f"books do not conserve: {have} micros where {want} must be")


def settlement_micros(lots: int, lot_nanos: int, payout_micros: int) -> int:
    """Return what lots pay at resolution: payout per whole share, half-even once."""
    return div_half_even(lots * lot_nanos * payout_micros, NANOS)
