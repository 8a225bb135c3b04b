"""Recordings of others become recordings of papertape."""

from papertape.feeds.importers.imported import convert_data, import_data

__all__ = ["convert_data", "import_data"]
