"""Recordings that the tests of backtests share: simulated, candles, Polymarket's books."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.research.market import wavy_bars

from papertape.config import load_config
from papertape.feeds.importers.imported import import_data
from papertape.runner import run_bot


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a place for recordings and runs."""
    return tmp_path_factory.mktemp("loaded")


@pytest.fixture(scope="session")
def simulated(folder: Path) -> Path:
    """Return a recording of the simulated feed, with markets that resolve in it."""
    overrides: dict[str, object] = {
        "data_dir": str(folder / "bot"), "feed.speed": "max", "feed.duration_s": 700.0,
    }  # fmt: skip
    run_bot(load_config(overrides=overrides), strategies=["momentum"])
    return next(path.parent for path in (folder / "bot" / "market").glob("*/manifest.json"))


@pytest.fixture(scope="session")
def bars(folder: Path) -> Path:
    """Return a recording of candles."""
    return import_data(wavy_bars(folder / "BTCUSDT_1m.csv"), folder / "market")
