"""Benchmarks: medians over repeated runs, with a baseline measured in the same process tree."""
