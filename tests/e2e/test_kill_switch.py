"""The kill switch works with nothing else alive: a file, a signal, the command line."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from tests.e2e.bots import bot, papertape, wait_for

from papertape.model.events import EngineStateChanged, OrderSubmitted
from papertape.tape.follow import LedgerReader
from papertape.tape.kill_switch import LOOK_EVERY_S, KillSwitch


def records(data_dir: Path) -> list[tuple[int, object]]:
    """Return (time, event) of the whole tape."""
    reader = LedgerReader(data_dir / "papertape.db")
    try:
        return [(record.ts_ns, record.event) for record in reader.read(0, 1_000_000)]
    finally:
        reader.close()


def halted(data_dir: Path) -> list[EngineStateChanged]:
    """Return the halts on the tape."""
    events = [event for _, event in records(data_dir) if isinstance(event, EngineStateChanged)]
    return [event for event in events if event.state == "halted"]


@pytest.mark.parametrize("how", ["file", "signal"])
def test_a_halt_without_dashboard_and_socket(tmp_path: Path, how: str) -> None:
    data_dir = tmp_path / "data"
    with bot("--speed", "20", "--seed", "7", data_dir=data_dir) as running:
        wait_for((data_dir / "papertape.db").exists)
        wait_for(lambda: any(isinstance(e, OrderSubmitted) for _, e in records(data_dir)))
        pressed_s = time.monotonic()
        if how == "file":
            (data_dir / "HALT").touch()
        else:
            os.kill(running.pid, signal.SIGUSR1)
        wait_for(lambda: halted(data_dir), timeout_s=5)
        took_s = time.monotonic() - pressed_s
        assert running.poll() is None
    assert took_s < 2  # seen from outside, on a busy machine; the switch itself is tested below
    assert ("HALT" if how == "file" else "SIGUSR1") in halted(data_dir)[0].reason
    events = [event for _, event in records(data_dir)]
    after = events[events.index(halted(data_dir)[0]) :]
    assert not [event for event in after if isinstance(event, OrderSubmitted)]
    assert papertape("verify", data_dir=data_dir).returncode == 0


def test_the_switch_is_looked_at_often_and_tells_once(tmp_path: Path) -> None:
    now_s = 0.0
    switch = KillSwitch(tmp_path, lambda: now_s)
    assert switch.look() == ""
    (tmp_path / "HALT").touch()
    assert switch.look() == ""  # not looked at again so soon
    now_s += 2 * LOOK_EVERY_S
    assert switch.look() == "the file HALT"
    now_s += 2 * LOOK_EVERY_S
    assert switch.look() == ""
    (tmp_path / "HALT").unlink()
    now_s += 2 * LOOK_EVERY_S
    assert switch.look() == ""
    (tmp_path / "HALT").touch()
    now_s += 2 * LOOK_EVERY_S
    assert switch.look() == "the file HALT"
    switch.press("SIGUSR1")
    assert (switch.look(), switch.look()) == ("SIGUSR1", "")
    assert 5 * LOOK_EVERY_S <= 0.1
