"""engine of papertape."""
