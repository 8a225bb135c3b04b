"""The dashboard's sign of life: a death is told once, a goodbye is none, sleep is none."""

from __future__ import annotations

import os
from pathlib import Path

from papertape.tape.dashboard_beat import DashboardBeat, DashboardWatch


class Stage:
    """A dashboard and a bot in one folder, with a clock of the test's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_s = 100.0
        self.mtime_s = 1_000_000
        self.watch = DashboardWatch(folder, lambda: self.now_s)
        self.life = DashboardBeat(folder)

    def beat(self) -> None:
        self.life.beat()
        self.mtime_s += 1
        [path] = self.folder.glob("*.beat")
        os.utime(path, (self.mtime_s, self.mtime_s))

    def run(self, seconds: int, *, alive: bool) -> list[float]:
        told = []
        for _ in range(seconds):
            self.now_s += 1
            if alive:
                self.beat()
            if self.watch.look():
                told.append(self.now_s)
        return told


def test_a_death_is_told_once_within_seven_seconds(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    assert stage.run(10, alive=True) == []
    assert stage.run(30, alive=False) == [116.0]
    assert not list(tmp_path.glob("*.beat"))


def test_another_life_another_death(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.run(3, alive=True)
    assert len(stage.run(10, alive=False)) == 1
    assert stage.run(5, alive=True) == []
    assert len(stage.run(10, alive=False)) == 1


def test_a_goodbye_is_no_death(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.run(5, alive=True)
    stage.life.goodbye()
    assert stage.run(20, alive=False) == []


def test_what_was_dead_before_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "dashboard-1.beat").touch()
    assert Stage(tmp_path).run(20, alive=False) == []


def test_a_bot_that_slept_counts_anew(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.run(5, alive=True)
    stage.now_s += 3_600
    assert stage.run(3, alive=False) == []
    assert stage.run(5, alive=True) == []


def test_while_another_dashboard_lives_nobody_is_told(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    other = tmp_path / "dashboard-7.beat"
    for second in range(1, 20):
        stage.now_s += 1
        other.touch()
        os.utime(other, (second, second))
        if second < 5:
            stage.life.beat()
            mine = tmp_path / f"dashboard-{os.getpid()}.beat"
            os.utime(mine, (second, second))
        assert not stage.watch.look()
