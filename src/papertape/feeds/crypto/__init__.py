"""Crypto venues live, through ccxt: public data only, numbers exact, on paper by construction."""
