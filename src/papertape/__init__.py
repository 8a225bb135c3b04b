"""papertape: trading strategies on paper, with honest fills and exact books."""

__version__ = "0.1.0"
