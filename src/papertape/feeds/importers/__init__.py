"""Recordings of others become recordings of papertape."""

from papertape.feeds.importers.imported import import_data

__all__ = ["import_data"]
