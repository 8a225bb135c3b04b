"""Decision: what became of a signal, in the words of the one who sent it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from papertape.model.events import OrderFilled
from papertape.model.instrument import Instrument
from papertape.model.money import MICROS, NANOS


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `process_signal`: readable as attributes or, like a dictionary, by key.

    status: refused, filled (all of it), partial, resting, or unfilled. `success` is whether
    anything was filled or rests. On a refusal `code`, `reason` and `field` say why.
    """

    status: str
    signal_id: str
    strategy: str
    code: str = ""
    reason: str = ""
    field: str = ""
    orders: tuple[str, ...] = ()
    fills: tuple[OrderFilled, ...] = ()
    trades: tuple[dict[str, Any], ...] = ()

    @property
    def accepted(self) -> bool:
        """Return whether risk let the signal pass."""
        return self.status != "refused"

    @property
    def success(self) -> bool:
        """Return whether something was filled or rests."""
        return self.status in {"filled", "partial", "resting"}

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as JSON-able values."""
        return {
            "success": self.success,
            "accepted": self.accepted,
            "status": self.status,
            "signal_id": self.signal_id,
            "strategy": self.strategy,
            "code": self.code,
            "reason": self.reason,
            "error": self.reason if not self.accepted else "",
            "field": self.field,
            "orders": list(self.orders),
            "trades": [dict(trade) for trade in self.trades],
        }

    def __getitem__(self, key: str) -> Any:
        """Return a value of `to_dict` by key."""
        return self.to_dict()[key]

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value of `to_dict` by key, or the default."""
        return self.to_dict().get(key, default)

    def __contains__(self, key: object) -> bool:
        """Return whether `to_dict` has the key."""
        return key in self.to_dict()

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys of `to_dict`."""
        return iter(self.to_dict())

    def keys(self) -> list[str]:
        """Return the keys of `to_dict`, so that `dict(decision)` works."""
        return list(self.to_dict())


def trade_of(fill: OrderFilled, instruments: Mapping[str, Instrument]) -> dict[str, Any]:
    """Return a fill as a plain trade: what `update` and `log` take, with its id."""
    instrument = instruments[fill.symbol]
    return {
        "id": fill.fill_id,
        "strategy": fill.strategy,
        "symbol": fill.symbol,
        "side": fill.side,
        "quantity": fill.quantity_lots * instrument.lot_nanos / NANOS,
        "price": fill.price_ticks * instrument.tick_nanos / NANOS,
        "fee": fill.fee_micros / MICROS,
        "realized_pnl": fill.realized_micros / MICROS,
        "order_id": fill.order_id,
    }
