"""Fixtures: a data folder with a tape, an application on it, a real server process."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from tests.dashboard.tapes import Tape
from tests.served import Served, free_port, served

from papertape.dashboard.app import create_app
from papertape.dashboard.settings import DashboardSettings

PORT = 5001
HOST = f"127.0.0.1:{PORT}"
ORIGIN = f"http://{HOST}"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Return an empty data folder."""
    return tmp_path / "data"


@pytest.fixture
def tape(data_dir: Path) -> Iterator[Tape]:
    """Return a tape whose run has begun."""
    made = Tape(data_dir)
    yield made
    made.close()


@pytest.fixture
def app(data_dir: Path) -> Iterator[Flask]:
    """Return the application on the data folder, without a server."""
    made = create_app(DashboardSettings(data_dir=data_dir, port=PORT))
    yield made
    made.extensions["papertape"].follower.close()
    made.extensions["papertape"].desk.close()
    made.extensions["papertape"].diary.close()


class Caller:
    """Asks the application as our own page would."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()
        self.csrf = app.extensions["papertape"].csrf.text

    def get(self, path: str, **headers: str):
        return self.client.get(path, base_url=ORIGIN, headers=headers)

    def send(self, method: str, path: str, body: object = None, data: bytes | None = None):
        headers = {"Origin": ORIGIN, "X-CSRF-Token": self.csrf}
        more = {"json": body} if data is None and body is not None else {"data": data}
        if data is not None:
            more["content_type"] = "application/json"
        return self.client.open(path, method=method, base_url=ORIGIN, headers=headers, **more)

    def data(self, path: str):
        answer = self.get(path)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        body = answer.get_json()
        assert body["ok"] is True
        return body["data"]


@pytest.fixture
def page(app: Flask) -> Caller:
    """Return a caller with everything that our page has."""
    return Caller(app)


@dataclass
class Running:
    """A dashboard process."""

    process: Served
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def stop(self) -> float:
        began = time.monotonic()
        self.process.terminate()
        self.process.wait(10)
        return time.monotonic() - began


def begin(data_dir: Path, log: Path) -> Running:
    """Start a dashboard process on a data folder and wait until it listens."""
    port = free_port()
    return Running(served(port, data_dir, log), port, log)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[Path], Running]]:
    """Return a function that starts a dashboard process on a data folder."""
    begun: list[Running] = []

    def run(data_dir: Path) -> Running:
        begun.append(begin(data_dir, tmp_path / f"dashboard-{len(begun)}.log"))
        return begun[-1]

    yield run
    for running in begun:
        end(running)


def end(running: Running) -> None:
    """End a dashboard process that is still there."""
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()
