"""feeds of papertape."""
