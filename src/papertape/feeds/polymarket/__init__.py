"""Polymarket live: public reads only, on paper by construction."""
