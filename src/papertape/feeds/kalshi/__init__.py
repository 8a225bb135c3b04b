"""Kalshi live: public REST reads, polled; its stream would need a key and stays out."""
