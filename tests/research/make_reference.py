"""Writes reference.json: what other libraries compute from the same series.

Not a test. They weigh 200 MB, so they are not installed for `make test`; in a virtual environment
of its own: `pip install empyrical-reloaded && python tests/research/make_reference.py`.
"""

from __future__ import annotations

import json
import random
from importlib.metadata import version
from pathlib import Path

YEAR = 365


def series(kind: str, count: int) -> list[float]:
    """Return returns per day: calm, wild, skewed, or with a long loss in the middle."""
    chance = random.Random(f"{kind} {count}")
    rows = []
    for i in range(count):
        value = chance.gauss(0.0006, 0.012)
        if kind == "wild":
            value = chance.gauss(-0.001, 0.06)
        elif kind == "skewed":
            value = 0.002 if chance.random() < 0.95 else -0.04 * chance.random()
        elif kind == "crash" and count // 3 < i < count // 2:
            value -= 0.02
        rows.append(round(value, 10))
    return rows


def measured(returns: list[float]) -> dict[str, float]:
    """Return what the libraries say."""
    import empyrical
    import numpy
    from scipy import stats

    array = numpy.array(returns)
    more = {"period": "daily", "annualization": YEAR}
    return {
        "total_return": empyrical.cum_returns_final(array),
        "annual_return": empyrical.annual_return(array, **more),
        "volatility": empyrical.annual_volatility(array, **more),
        "sharpe": empyrical.sharpe_ratio(array, **more),
        "sortino": empyrical.sortino_ratio(array, **more),
        "calmar": empyrical.calmar_ratio(array, **more),
        "max_drawdown": empyrical.max_drawdown(array),
        "value_at_risk": empyrical.value_at_risk(array),
        "expected_shortfall": empyrical.conditional_value_at_risk(array),
        "skewness": stats.skew(array),
        "kurtosis": stats.kurtosis(array, fisher=False),
        "deviation": stats.tstd(array),
    }


def main() -> None:
    """Write the file beside this one."""
    names = ("empyrical-reloaded", "scipy", "numpy")
    cases = []
    for kind in ("calm", "wild", "skewed", "crash"):
        for count in (34, 365, 1_000):
            returns = series(kind, count)
            figures = {name: float(value) for name, value in measured(returns).items()}
            cases.append({"kind": kind, "count": count, "returns": returns, "expected": figures})
    document = {"libraries": {name: version(name) for name in names}, "cases": cases}
    path = Path(__file__).with_name("reference.json")
    path.write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
