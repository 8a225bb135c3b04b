"""The same sweep on Ray: a local cluster of two workers, one of them killed in the middle."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.research.market import Swing, wavy_bars

from papertape.errors import ConfigError, WorldError
from papertape.research.ray_workshop import RayCluster
from papertape.research.sweep import Standing, make_plan, run_sweep

MARKET = Path(__file__).with_name("market.py")
SPACE = {"low": "95..97:1", "high": "102..104:1"}

ray = pytest.importorskip("ray", reason="no Ray (extra `ray`)")
pytestmark = pytest.mark.slow


def busy_worker() -> int:
    """Return a process of Ray below this one that is running tries, 0 if none is just now."""
    for one in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "ray::_remote" in " ".join(one.cmdline()[:1]):
                return one.pid
    return 0


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Begin a cluster of two workers on this machine, and end every process of it."""
    before = {one.pid for one in psutil.Process().children(recursive=True)}
    with tempfile.TemporaryDirectory(prefix="ray-") as folder:  # short: sockets live in it
        ray.init(
            num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR",
            object_store_memory=80_000_000, _temp_dir=folder, _node_ip_address="127.0.0.1",
            runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(sys.path)}},
        )  # fmt: skip
        mine = psutil.Process().children(recursive=True)
        yield
        mine += psutil.Process().children(recursive=True)
        ray.shutdown()
        theirs = [one for one in mine if one.pid not in before]
        _, alive = psutil.wait_procs(theirs, timeout=10)
        for one in alive:
            one.kill()
        psutil.wait_procs(alive, timeout=5)
        assert not [one for one in theirs if one.is_running() and one.status() != "zombie"]


def test_what_ray_cannot_do_is_said(tmp_path: Path) -> None:
    """A class that no file gives, an address with nobody there."""
    bars = wavy_bars(tmp_path / "BTCUSDT_1m.csv", 300)

    plan = make_plan(f"{MARKET}:Swing", bars, data_dir=tmp_path)

    class Here(Swing):
        name = "here"

    with pytest.raises(ConfigError, match="stands in no file"):
        make_plan(Here, bars, data_dir=tmp_path, ray="auto")
    with pytest.raises(ConfigError, match="head:6379"):
        RayCluster(plan.setting, "nowhere")
    with pytest.raises(WorldError, match=r"--ray 127\.0\.0\.1:1:"):
        run_sweep(f"{MARKET}:Swing", bars, {"low": "95,96"}, data_dir=tmp_path, ray="127.0.0.1:1")


def test_a_killed_worker_changes_nothing(cluster: None, tmp_path: Path) -> None:
    """Complete, and identical to the local search: figures, equity, order, verdict."""
    bars = wavy_bars(tmp_path / "BTCUSDT_1m.csv", 2_400)
    local = run_sweep(f"{MARKET}:Swing", bars, SPACE, data_dir=tmp_path / "local", jobs=1)
    killed: list[int] = []

    def kill(standing: Standing) -> None:
        if standing.done >= 1 and not killed and (pid := busy_worker()):
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)

    found = run_sweep(
        f"{MARKET}:Swing", bars, SPACE, data_dir=tmp_path / "ray", ray="auto", progress=kill
    )
    assert killed
    assert found.facts["done"] == 9
    assert found.facts["failures"] == 0
    assert [one.params for one in found.trials] == [one.params for one in local.trials]
    assert [one.outcome for one in found.trials] == [one.outcome for one in local.trials]
    assert found.verdict == local.verdict
    assert found.facts["study"] == local.facts["study"]
    again: Any = run_sweep(
        f"{MARKET}:Swing", bars, SPACE, data_dir=tmp_path / "ray", jobs=1
    )  # and what Ray found is known to a search without it
    assert again.facts["from_store"] == 9
