"""cli of papertape."""
