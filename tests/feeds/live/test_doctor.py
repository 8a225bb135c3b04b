"""`papertape doctor --live`: what works is said in words, from what was asked just now."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.bots import papertape
from tests.feeds.live.desk import frames_of, market_of
from tests.feeds.live.test_run import addresses

from papertape.clock import SystemClock
from papertape.feeds.reachable import Finding, Probe, Reads
from papertape.testing.polymarket_script import Faults, Frame
from papertape.testing.polymarket_server import PolymarketServer

SLUG = "btc-updown-5m-1776323400"


@pytest.fixture(scope="module")
def frames(shared_data: Path) -> list[Frame]:
    """Return the first books of one market."""
    return frames_of(shared_data, SLUG, 3)


def ready(server: PolymarketServer, frames: list[Frame]) -> PolymarketServer:
    """Let the server know the books that its script would bring."""
    server.books[frames[0].token] = frames[0].body
    return server


def looked(server: PolymarketServer, wait_s: float = 8.0, **other: str) -> dict[str, Finding]:
    """Return the findings by name."""
    places = {"gamma_url": server.gamma_url, "clob_url": server.clob_url, "ws_url": server.ws_url}
    found = Probe(Reads(**{**places, **other}), SystemClock(), wait_s).look()
    return {finding.check: finding for finding in found}


def free_port() -> int:
    """Return a port of the loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_all_is_well(frames: list[Frame], tmp_path: Path) -> None:
    """Markets, a proven book, a stream that answers, clocks; the command says so, exit 0 or not."""
    with PolymarketServer([market_of(frames)], frames) as server:
        found = looked(ready(server, frames))
        done = papertape("doctor", "--live", "--json", data_dir=tmp_path / "d", **addresses(server))
    assert {one.state for one in found.values()} == {"ok"}, found
    assert "hash comes out" in found["polymarket books"].what
    assert found["polymarket"].what == "real markets can be watched"
    assert "agrees with" in found["clock of polymarket markets"].what
    told: dict[str, Any] = {row["check"]: row for row in json.loads(done.stdout)["findings"]}
    assert told["polymarket"]["state"] == "ok"
    assert told["core"]["check"] == "core", "the machine is looked at as well"


def test_half_of_it_works(frames: list[Frame]) -> None:
    """A dead stream, a refusing list, a wrong book, a mute socket: each is named by itself."""
    dead = f"ws://127.0.0.1:{free_port()}/ws/market"
    with PolymarketServer([market_of(frames)], frames) as server:
        found = looked(ready(server, frames), ws_url=dead)
        assert found["polymarket books"].state == "ok"
        assert found["polymarket stream"].state == "error"
        assert "do not expect trades" in found["polymarket"].what
        body = frames[0].body
        server.books[frames[0].token] = {**body, "bids": body["bids"][1:]}
        found = looked(server)
        assert "hash does not come out" in found["polymarket books"].what
        assert "cannot be repaired" in found["polymarket"].what
        server.faults.too_many = 99
        found = looked(server)
        assert "HTTP 429" in found["polymarket markets"].what


def test_a_clock_that_is_off_is_said(frames: list[Frame]) -> None:
    """By how much, and on which side."""
    faults = Faults(clock_ahead_s=3_600.0)
    with PolymarketServer([market_of(frames)], frames, faults=faults) as server:
        found = looked(ready(server, frames))
    clock = found["clock of polymarket markets"]
    assert clock.state == "warning"
    assert "3600" in clock.what or "3599" in clock.what
    assert "behind" in clock.what


def test_a_mute_socket_and_no_network(frames: list[Frame], tmp_path: Path) -> None:
    """A connection without an answer, TLS that is none, and nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with PolymarketServer([market_of(frames)], frames) as server:
            found = looked(ready(server, frames), 0.5, ws_url=f"ws://127.0.0.1:{port}/")
        assert found["polymarket stream"].state == "error"
        found = looked(server, 0.5, gamma_url=f"https://127.0.0.1:{port}")
        assert found[f"connect 127.0.0.1:{port}"].state == "error"
    gone = f"http://127.0.0.1:{free_port()}"
    env = {f"PAPERTAPE__LIVE__{name}": gone for name in ("GAMMA_URL", "CLOB_URL")}
    env["PAPERTAPE__LIVE__WS_URL"] = gone.replace("http", "ws")
    done = papertape("doctor", "--live", data_dir=tmp_path / "data", **env)
    assert done.returncode == 1
    assert "no host of a live venue can be reached" in done.stdout
    assert "Traceback" not in done.stderr
