# cython: annotation_typing=False
"""The floor that the loop is measured against: a compiled loop that does nothing but call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def call_per_event(call: Callable[[Any], Any], seen: Any, count: int) -> None:
    """Call a Python method `count` times with the same object."""
    for _ in range(count):
        call(seen)
