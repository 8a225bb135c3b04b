"""Sources of market data: simulated markets, recordings told again, and importers of recordings."""
