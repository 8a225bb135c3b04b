"""Strategies: opinions about markets, each in its own file."""
