"""dashboard of papertape."""
