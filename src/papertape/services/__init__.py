"""services of papertape."""
