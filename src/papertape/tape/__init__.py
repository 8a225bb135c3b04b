"""tape of papertape."""
