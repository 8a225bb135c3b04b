"""Two hundred pages at ten updates a second, and one among them that reads nothing.

The pages are sockets in a process of their own, so that what they cost is not the server's.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles

import psutil

from benchmarks.dashboard import Served, answer, serving
from benchmarks.page_scene import scene, trading

CLIENTS = 200
PER_S = 10
CALM_S, STALLED_S = 15, 15
TRADES = 1_000
READ_BUFFER_BYTES = 4_096  # of the page that reads nothing: its kernel shall not hide it
UPGRADE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\n"
    "Origin: http://{host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def run() -> dict[str, object]:
    """Return ms from durable to arrived over all pages, calm and with one of them stalled."""
    with (
        tempfile.TemporaryDirectory(prefix="papertape-bench-") as folder,
        scene(Path(folder), TRADES) as bot,
        serving(Path(folder)) as served,
    ):
        line = [sys.executable, "-m", "benchmarks.listeners", str(served.port), str(CLIENTS)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(line, **pipes) as listeners, trading(bot, PER_S) as durable:
            assert listeners.stdout is not None
            server = psutil.Process(served.pid)
            alone = server.memory_info().rss
            listeners.stdout.readline()  # all have their snapshot
            time.sleep(1)
            first = len(durable)
            busy_s, began_s = _cpu_s(server), time.monotonic()
            time.sleep(CALM_S)
            busy_pct = (_cpu_s(server) - busy_s) / (time.monotonic() - began_s) * 100
            second, calm = len(durable), server.memory_info().rss
            cut_s, peak = _stall(served, server)
            time.sleep(1)
            arrived = json.loads(listeners.communicate(b"end\n", timeout=60)[0])
        calm_ids, stalled_ids = list(durable)[first:second], list(durable)[second:-PER_S]
        return {
            "clients": CLIENTS,
            "updates_per_s": PER_S,
            "calm_ms": _summary(durable, arrived, calm_ids),
            "server_busy_pct": round(busy_pct),
            "one_stalled_ms": _summary(durable, arrived, stalled_ids),
            "stalled_page_cut_after_s": cut_s,
            "server_mb": {
                "per_page": round((calm - alone) / 1e6 / CLIENTS, 2),
                "stalled_page": round((peak - calm) / 1e6, 1),
            },
        }


def _stall(served: Served, server: psutil.Process) -> tuple[float | None, int]:
    """Open a page that reads nothing; return after how long it was cut, and the peak memory."""
    before = answer(served, "/api/status")["sockets"]
    with socket.socket() as page:
        page.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, READ_BUFFER_BYTES)
        page.connect(("127.0.0.1", served.port))
        page.sendall(UPGRADE.format(host=f"127.0.0.1:{served.port}").encode())
        page.recv(1_024)
        page.sendall(b"\x81\x82\0\0\0\x0040")  # a masked frame: connect
        began, peak, cut_s, joined = time.monotonic(), 0, None, False
        while time.monotonic() - began < STALLED_S:
            time.sleep(0.1)
            peak = max(peak, server.memory_info().rss)
            sockets = answer(served, "/api/status")["sockets"]
            joined = joined or sockets > before
            if joined and cut_s is None and sockets == before:
                cut_s = round(time.monotonic() - began, 1)
    return cut_s, peak


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _summary(
    durable: dict[str, int], arrived: dict[str, list[int]], ids: list[str]
) -> dict[str, float]:
    took = [(at - durable[each]) / 1e6 for each in ids for at in arrived.get(each, [])]
    cuts = quantiles(took, n=100)
    missed = len(ids) * CLIENTS - len(took)
    return {"p50": round(cuts[49], 1), "p99": round(cuts[98], 1), "max": round(max(took), 1),
            "missed": missed}  # fmt: skip
