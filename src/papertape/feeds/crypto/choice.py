"""What is watched of a crypto venue, and how long things may take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class CryptoTiming(msgspec.Struct, frozen=True, kw_only=True):
    """How long things may take, in seconds; rest_pause_ms None is what the venue allows."""

    first_book_s: float = 15.0
    silence_s: float = 45.0
    audit_s: float = 10.0
    again_s: float = 1.0
    backoff_first_s: float = 0.5
    backoff_max_s: float = 30.0
    steady_s: float = 60.0
    beat_s: float = 1.0
    tick_s: float = 0.1
    rest_pause_ms: float | None = None


class CryptoChoice(msgspec.Struct, frozen=True, kw_only=True):
    """What is watched of one venue; `urls` replace the venue's own addresses, in ccxt's form."""

    name: str
    pairs: tuple[str, ...]
    urls: Mapping[str, Any] | None = None
    depth_levels: int = 50
    bar_interval: str = "1m"
    trust_unproven: bool = False
