"""Ten times kill -9 at random moments: nothing acknowledged is missing, nothing is torn."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from papertape.tape.follow import LedgerReader
from papertape.tape.verify import verify_ledger

KILLS = int(os.environ.get("PAPERTAPE_TEST_KILLS", "10"))
ROOT = Path(__file__).resolve().parents[2]
BATCH = 4


def kill_one(folder: Path, after_s: float) -> int:
    """Run the appender, kill it after its first promise and some time; return the last promise."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.tape.appender", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"},
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    promised = child.stdout.readline()
    time.sleep(after_s)
    os.kill(child.pid, signal.SIGKILL)
    promised += child.stdout.read()
    child.wait()
    child.stdout.close()
    return int(promised.split(b"\n")[-2])


@pytest.mark.slow
def test_a_killed_bot_loses_nothing_it_promised(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    dice = random.Random(seed)
    path = tmp_path / "papertape.db"
    for kill in range(KILLS):
        last = kill_one(tmp_path, dice.uniform(0.002, 0.12))
        where = f"seed {seed}, kill {kill}"
        if kill % 3 == 0:
            (tmp_path / "papertape.db-shm").unlink(missing_ok=True)
        reader = LedgerReader(path)  # a dashboard that looks while the bot is dead
        head = reader.head_seq()
        reader.close()
        assert head >= last, where
        assert head % BATCH == 0, where
        if kill % 3 == 0 or kill == KILLS - 1:
            report = verify_ledger(path)
            assert report.ok, (where, report.differences)
            assert report.events == head, where
