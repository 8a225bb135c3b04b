"""Ten times kill -9 at random moments under load: nothing acknowledged is missing."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
from tests.e2e.bots import bot, papertape, wait_for

from papertape.services.tape_view import TapeView
from papertape.tape.follow import LedgerReader

OFTEN = {"PAPERTAPE__STORAGE__SNAPSHOT_EVERY_EVENTS": "100"}  # restarts begin at snapshots
KILLS = int(os.environ.get("PAPERTAPE_TEST_KILLS", "10"))


@pytest.mark.slow
def test_a_killed_bot_restarts_with_everything_it_acknowledged(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    dice = random.Random(seed)
    data_dir = tmp_path / "data"
    seen, view = 0, TapeView()
    reader = LedgerReader(data_dir / "papertape.db")
    for kill in range(KILLS):
        where = f"seed {seed}, kill {kill}"
        with bot("--speed", "max", data_dir=data_dir, **OFTEN) as child:
            begin = seen
            wait_for(lambda begin=begin: reader.head_seq() > begin)
            end = time.monotonic() + dice.uniform(0.0, 0.8)
            while time.monotonic() < end:
                for record in reader.read(view.seq):  # what a dashboard has shown is acknowledged
                    view.apply(record)
                seen = view.seq
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
        assert reader.head_seq() >= seen, where
        whole = TapeView()
        while records := reader.read(whole.seq, 5_000):
            for record in records:
                whole.apply(record)
        while records := reader.read(view.seq, 5_000):
            for record in records:
                view.apply(record)
        assert view.digest() == whole.digest(), where
        seen = view.seq
        if kill % 4 == 0 or kill == KILLS - 1:
            done = papertape("verify", data_dir=data_dir)
            assert done.returncode == 0, (where, done.stdout, done.stderr)
    assert view.runs == KILLS, f"seed {seed}"
    assert view.trades.fills > 0, f"seed {seed}"
    assert reader.latest_snapshot() is not None, f"seed {seed}"
    reader.close()
    told = papertape("replay", "last", data_dir=data_dir)
    assert told.returncode == 0, (seed, told.stdout)
