"""What a live feed knows of a book, and what of that the engine is told."""

from __future__ import annotations

from typing import Literal

from papertape.model.market_data import BookState

Condition = Literal["waiting", "live", "stale", "gap", "unverified", "resyncing"]
SHOWN: dict[Condition, BookState] = {
    "waiting": "gap",
    "live": "live",
    "stale": "stale",
    "gap": "gap",
    "unverified": "unverified",
    "resyncing": "resyncing",
}
