"""Ids of ledger records."""

from __future__ import annotations


def event_id_of(run_id: str, seq: int) -> str:
    """Return the client-made id of a record: unique, because seq is."""
    return f"{run_id or 'ledger'}:{seq}"
