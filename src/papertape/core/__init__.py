"""core of papertape."""
