"""Bots in processes of their own, as people start them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
START_S_MAX = 30.0


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a child: no settings of ours, our source."""
    ours = ("PAPERTAPE", "DASHBOARD_", "FLASK_")
    env = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {**env, "PYTHONPATH": str(ROOT / "src"), **more}


def papertape(
    *words: str, data_dir: Path, timeout_s: float = 120, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "papertape.cli", *words, "--data-dir", str(data_dir)],
        cwd=data_dir.parent,
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def summary_of(*words: str, data_dir: Path, **env: str) -> dict[str, Any]:
    """Run the bot to its end and return its --json summary."""
    done = papertape("run", "--json", *words, data_dir=data_dir, **env)
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


@contextmanager
def bot(*words: str, data_dir: Path, **env: str) -> Iterator[subprocess.Popen[str]]:
    """Start a bot; whatever happens, it does not outlive the test."""
    log = data_dir.parent / f"bot-{time.monotonic_ns()}.log"
    with log.open("w") as stderr:
        child = subprocess.Popen(
            [sys.executable, "-m", "papertape.cli", "run", "--data-dir", str(data_dir), *words],
            cwd=data_dir.parent,
            env=environment(**env),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        try:
            yield child
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGKILL)
            child.communicate(timeout=30)


def wait_for(what: Callable[[], Any], *, timeout_s: float = START_S_MAX) -> Any:
    """Return the first true answer."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.01)
    raise AssertionError(f"nothing within {timeout_s:g} s")
