"""research of papertape."""
