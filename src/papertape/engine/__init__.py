"""Engine: execution on paper, risk, and what has been seen of the markets."""
