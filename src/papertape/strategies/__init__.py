"""strategies of papertape."""
