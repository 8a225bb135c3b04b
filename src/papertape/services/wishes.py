"""What a strategy wants, carried out through the one door."""

from __future__ import annotations

from collections.abc import Sequence

from papertape.model.events import OrderFilled
from papertape.model.orders import Amend, Cancel
from papertape.model.signal import Signal
from papertape.services.data_flow_manager import DataFlowManager


def carry_out(
    door: DataFlowManager, tag: str, wanted: Signal | Cancel | Amend
) -> Sequence[OrderFilled]:
    """Send a signal, a cancel or a change through the door; return the fills that came at once."""
    if isinstance(wanted, Cancel):
        door.cancel_orders(tag, wanted)
        return ()
    if isinstance(wanted, Amend):
        return door.amend_order(tag, wanted)
    return door.process_signal(tag, wanted).fills
