"""Markets that do not exist: every figure is a pure function of (seed, time)."""
