"""The doorbell wakes who listens, and never holds up who rings."""

from __future__ import annotations

import os
import socket
import stat
import time
from pathlib import Path

from papertape.tape.doorbell import (
    RESCAN_S,
    Doorbell,
    DoorbellListener,
    doorbell_folder,
    socket_folder,
)


def test_a_ring_wakes_every_listener_once(tmp_path: Path) -> None:
    listeners = [DoorbellListener(tmp_path), DoorbellListener(tmp_path)]
    bell = Doorbell(tmp_path)
    for _ in range(3):
        bell.ring()
    for listener in listeners:
        assert listener.fileno() >= 0
        assert listener.wait(1)
        assert not listener.wait(0)  # three rings are one reason to look
        listener.close()
    bell.close()
    assert list(tmp_path.iterdir()) == []


def test_sockets_are_private(tmp_path: Path) -> None:
    listener = DoorbellListener(tmp_path)
    (path,) = tmp_path.glob("doorbell-*.sock")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(os.getpid()) in path.name
    listener.close()


def test_nobody_listening_and_no_folder_is_fine(tmp_path: Path) -> None:
    Doorbell(tmp_path).ring()
    Doorbell(tmp_path / "not" / "there").ring()


def test_a_listener_that_hangs_costs_nothing(tmp_path: Path) -> None:
    listener = DoorbellListener(tmp_path)
    bell = Doorbell(tmp_path)
    began_s = time.perf_counter()
    for _ in range(2_000):  # its queue takes about ten
        bell.ring()
    assert time.perf_counter() - began_s < 1
    assert listener.wait(0)
    listener.close()
    bell.close()


def test_a_dead_listener_is_forgotten_and_a_new_one_found(tmp_path: Path) -> None:
    now_s = [0.0]
    bell = Doorbell(tmp_path, monotonic=lambda: now_s[0])
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    name = socket_folder(tmp_path) / "doorbell-1-1.sock"
    dead.bind(str(name))
    dead.close()  # as a kill leaves it: the name stays
    bell.ring()
    assert not name.exists()
    listener = DoorbellListener(tmp_path)
    bell.ring()
    assert not listener.wait(0)
    now_s[0] += RESCAN_S
    bell.ring()
    assert listener.wait(0)
    listener.close()
    bell.ring()
    bell.close()


def test_a_deep_data_folder_works_too(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90) / ("e" * 90)
    deep.mkdir(parents=True)
    listener = DoorbellListener(deep)
    bell = Doorbell(deep)
    bell.ring()
    assert listener.wait(1)
    listener.close()
    bell.close()
    assert doorbell_folder(deep) != deep
    doorbell_folder(deep).rmdir()
