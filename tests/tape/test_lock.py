"""One bot per data folder; the next one is told who holds it, within a second."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from papertape.errors import RunningError
from papertape.tape.lock import InstanceLock, holder_pid

ROOT = Path(__file__).resolve().parents[2]
HOLD = (
    "import sys, time, pathlib; from papertape.tape.lock import InstanceLock; "
    "InstanceLock(pathlib.Path(sys.argv[1])).acquire(); print('held', flush=True); time.sleep(60)"
)


def test_the_second_is_told_who_is_first_and_a_kill_frees_the_lock(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert holder_pid(tmp_path) == holder.pid
    began_s = time.perf_counter()
    with pytest.raises(RunningError, match=f"pid {holder.pid}") as caught:
        InstanceLock(tmp_path).acquire()
    assert time.perf_counter() - began_s < 1
    assert caught.value.exit_code == 3
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    assert holder_pid(tmp_path) is None
    with InstanceLock(tmp_path):
        assert holder_pid(tmp_path) == os.getpid()


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    assert holder_pid(tmp_path) is None
    lock = InstanceLock(tmp_path)
    lock.acquire()
    with pytest.raises(RunningError):
        InstanceLock(tmp_path).acquire()
    lock.release()
    lock.release()
    assert holder_pid(tmp_path) is None
    with InstanceLock(tmp_path):
        pass
