"""Bot and dashboard watch each other: real processes, each killed in turn."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.dashboard.conftest import begin, end
from tests.e2e.bots import bot, papertape, wait_for

RULE = {"kind": "bot_dead", "severity": "error", "cooldown_s": 0}
PATIENCE_S = 12.0  # five seconds of silence, a look a second, a busy machine


def ask(url: str, body: object = None, token: str = "") -> Any:
    """Ask the dashboard, or write with the token of the folder."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers if data else {})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)["data"]


@contextmanager
def dashboard(data_dir: Path, log: Path) -> Iterator[Any]:
    """Run a dashboard that does not outlive the test."""
    running = begin(data_dir, log)
    try:
        yield running
    finally:
        end(running)


@pytest.mark.slow
def test_each_notices_that_the_other_died(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with bot("--speed", "5", data_dir=data_dir) as child:
        wait_for((data_dir / "board.db").exists)
        with dashboard(data_dir, tmp_path / "first.log") as first:
            [beat] = wait_for(lambda: list(data_dir.glob("dashboard-*.beat")))
            born_s = beat.stat().st_mtime
            token = papertape("token", data_dir=data_dir).stdout.strip()
            wait_for(lambda: ask(first.url + "/api/status")["bot"]["state"] == "running")
            assert ask(first.url + "/api/alerts/rules", RULE, token)["id"] == "R1"
            wait_for(lambda: beat.stat().st_mtime - born_s > 3)  # so that the bot knows it
            os.kill(first.process.pid, signal.SIGSTOP)  # alive, and of no use
            wait_for(lambda: not beat.exists(), timeout_s=PATIENCE_S)
            first.process.kill()
        with dashboard(data_dir, tmp_path / "second.log") as second:
            told = "/api/alerts?source=tape"
            wait_for(lambda: "The dashboard is dead" in str(ask(second.url + told)))
            assert ask(second.url + "/api/alerts?source=rule") == []
            child.kill()
            child.wait()
            told = "/api/alerts?source=rule"
            [alert] = wait_for(lambda: ask(second.url + told), timeout_s=PATIENCE_S)
            assert (alert["title"], alert["rule_id"]) == ("The bot is dead", "R1")
        with dashboard(data_dir, tmp_path / "third.log") as third:
            wait_for(lambda: ask(third.url + "/api/status")["bot"]["state"] == "silent")
            assert [row["id"] for row in ask(third.url + told)] == [alert["id"]]
