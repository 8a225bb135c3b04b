"""Commit to browser: how long after a fill is durable a page's socket has it.

The dashboard runs as its own process, as for users; clients speak Socket.IO over WebSocket, as the
page does. The clock starts before the append (decision) and when the commit is known (durable).
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from statistics import quantiles

import websocket

from benchmarks.dashboard import serving
from benchmarks.scene import SYMBOL, opening
from papertape.clock import SystemClock
from papertape.model.events import OrderFilled, OrderSubmitted
from papertape.tape.doorbell import Doorbell
from papertape.tape.ledger import SqliteLedger

CLIENTS = 5
FILLS = 1_000
PER_S = 50


def run() -> dict[str, object]:
    """Return latencies in milliseconds over every (fill, client) pair."""
    with tempfile.TemporaryDirectory(prefix="papertape-bench-") as folder:
        data_dir = Path(folder)
        ledger = SqliteLedger(data_dir / "papertape.db", doorbell=Doorbell(data_dir))
        ledger.append(opening(), ts_ns=SystemClock().now_ns(), mseq=0)
        ledger.flush()
        with closing(ledger), serving(data_dir) as served:
            clients = [_Client(served.port) for _ in range(CLIENTS)]
            appended, durable = _append_fills(ledger)
            time.sleep(1.0)
            got = [client.close() for client in clients]
    from_append = [
        (seen[fill] - at) / 1e6 for seen in got for fill, at in appended.items() if fill in seen
    ]
    from_commit = [
        (seen[fill] - at) / 1e6 for seen in got for fill, at in durable.items() if fill in seen
    ]
    missed = CLIENTS * FILLS - len(from_append)
    return {
        "clients": CLIENTS,
        "fills": FILLS,
        "fills_per_s": PER_S,
        "missed": missed,
        "commit_to_browser_ms": _summary(from_commit),
        "decision_to_browser_ms": _summary(from_append),
    }


def _summary(values: list[float]) -> dict[str, float]:
    cuts = quantiles(values, n=100)
    return {
        "p50": round(cuts[49], 2),
        "p99": round(cuts[98], 2),
        "max": round(max(values), 2),
    }


def _append_fills(ledger: SqliteLedger) -> tuple[dict[str, int], dict[str, int]]:
    appended, durable = {}, {}
    began = time.monotonic()
    for number in range(1, FILLS + 1):
        due = began + number / PER_S
        time.sleep(max(0.0, due - time.monotonic()))
        fill_id = f"r1.f{number}"
        appended[fill_id] = time.monotonic_ns()
        ledger.append(_events(number, fill_id), ts_ns=SystemClock().now_ns(), mseq=number)
        ledger.flush()
        durable[fill_id] = time.monotonic_ns()
    return appended, durable


def _events(number: int, fill_id: str) -> list[OrderSubmitted | OrderFilled]:
    order = OrderSubmitted(
        order_id=f"r1.o{number}",
        signal_id=f"r1.s{number}",
        strategy="bench",
        symbol=SYMBOL,
        side="BUY",
        order_type="limit",
        time_in_force="IOC",
        quantity_lots=100,
        limit_ticks=5000,
    )
    fill = OrderFilled(
        fill_id=fill_id,
        order_id=order.order_id,
        signal_id=order.signal_id,
        strategy="bench",
        symbol=SYMBOL,
        side="BUY",
        price_ticks=5000,
        quantity_lots=100,
        notional_micros=500_000,
        fee_micros=0,
        cost_micros=500_000,
        realized_micros=0,
        liquidity="taker",
        remaining_lots=0,
    )
    return [order, fill]


class _Client:
    """A page's socket: notes when each fill arrives."""

    def __init__(self, port: int) -> None:
        origin = f"http://127.0.0.1:{port}"
        url = f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
        self._socket = websocket.create_connection(url, origin=origin, timeout=20)
        self._socket.recv()
        self._socket.send("40")
        self._seen: dict[str, int] = {}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        assert self._ready.wait(10), "no snapshot came"

    def _read(self) -> None:
        while True:
            try:
                message = self._socket.recv()
            except (websocket.WebSocketException, OSError):
                return
            now = time.monotonic_ns()
            if message == "2":
                self._socket.send("3")
            elif message.startswith("42"):
                name, body = json.loads(message[2:])
                if name == "snapshot":
                    self._ready.set()
                elif name == "trades_update":
                    for row in body["data"]:
                        self._seen.setdefault(row["id"], now)

    def close(self) -> dict[str, int]:
        self._socket.close()
        self._thread.join(5)
        return self._seen
