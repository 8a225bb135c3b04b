"""Servers that speak the venues' protocols on loopback, for people who write and test feeds."""
