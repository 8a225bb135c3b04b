"""What all tests share: recorded data, strictness under CI, Hypothesis profiles."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from papertape.feeds.importers import import_data

ROOT = Path(__file__).resolve().parent.parent
UNDER_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")

settings.register_profile(
    "ci",
    max_examples=60,
    derandomize=True,  # a submission fails for what it changed, never by luck
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "dev", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", max_examples=2_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if UNDER_CI else "dev"))


@pytest.fixture(autouse=True)
def logs_of_one_test() -> Generator[None]:
    """Take back what a command made of the log: its stream is closed when its test is over."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of recorded market data: $PAPERTAPE_SHARED_DATA, or ../shared/data."""
    named = os.environ.get("PAPERTAPE_SHARED_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no recorded market data at {folder} (set PAPERTAPE_SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def btc5m(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the recorded BTC 5-minute markets, imported once for all workers of this run."""
    capture = shared_data / "polymarket_l2_btc5m"
    if not list(capture.glob("*.jsonl.xz")):
        pytest.skip(f"no capture of book messages in {capture}")
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # of which each worker has a part
    with (folder / "btc5m.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return import_data(capture, folder / "btc5m")


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the repository."""
    return ROOT


# Under CI a skipped test is a failed one: there, everything that a test needs is to be installed.


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure under CI, with its reason."""
    report = yield
    if UNDER_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped under CI: {_reason(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a skipped module into a failure under CI, with its reason."""
    report = yield
    if UNDER_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped under CI: {_reason(report.longrepr)}"
    return report


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)
