"""The dashboard in a real Chromium: how soon it is usable, a trade painted, and what it eats.

Times are taken inside the page by its own clock, so that nothing of this process is in them.
`BENCH_MINUTES=30 make bench ARGS=page_memory` looks as long as an afternoon's first half hour.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import CDPSession, Page
from playwright.sync_api import Response as PageResponse

from benchmarks.chromium import started
from benchmarks.dashboard import Served, answer, serving
from benchmarks.page_scene import Bot, scene, trading
from papertape.dashboard.pages import PLACES

TRADES = 100_000
LOADS = 7
PAINT_PER_S = 50
PAINT_S = 30
MEMORY_PER_S = 10
MEMORY_SAMPLES = 60
MINUTES = float(os.environ.get("BENCH_MINUTES", "2"))
CHARTS = ("vendor/chart.js", "vendor/lightweight-charts.js")
SIZE = {"width": 1440, "height": 900}
PATIENCE_MS = 60_000

# The first live number: the headline figure says something else than "no value".
USABLE = """
new MutationObserver((_, observer) => {
  const node = document.querySelector('#figure-equity [data-field="value"]');
  if (!node || !/[0-9]/.test(node.textContent)) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.usableMs = performance.now(); }));
}).observe(document, {subtree: true, childList: true, characterData: true});
"""
# A message's time stamp is the moment at which the browser had it, before any script ran. A row is
# painted when the task after the frame that holds it begins.
PAINTED = """
window.bench = {arrived: new Map(), took: []};
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({data, timeStamp}) => {
      if (typeof data !== "string" || !data.startsWith('42["trades_update"')) return;
      for (const [, id] of data.matchAll(/"id":"(F[0-9]+)"/g)) bench.arrived.set(id, timeStamp);
    });
  }
};
addEventListener("DOMContentLoaded", () => new MutationObserver((records) => {
  const rows = records.flatMap((record) => [...record.addedNodes]).map((row) => row.dataset.key);
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    for (const id of rows.filter((id) => bench.arrived.has(id))) {
      bench.took.push(performance.now() - bench.arrived.get(id));
      bench.arrived.delete(id);
    }
  };
  channel.port2.postMessage(0);
}).observe(document.getElementById("rows-trades"), {childList: true}));
"""


@contextmanager
def _opened(served: Served, script: str = "") -> Iterator[Page]:
    with started() as browser:
        page = browser.new_page(viewport=SIZE)
        page.set_default_timeout(PATIENCE_MS)
        page.add_init_script(script)
        page.goto(served.address)
        yield page


@contextmanager
def _scene() -> Iterator[tuple[Bot, Served]]:
    with (
        tempfile.TemporaryDirectory(prefix="papertape-bench-") as folder,
        scene(Path(folder), TRADES) as bot,
        serving(Path(folder)) as served,
    ):
        while answer(served, "/api/status")["catching_up"]:
            time.sleep(0.2)
        yield bot, served


def _until(page: Page, expression: str) -> None:
    """Wait until an expression holds: the page's policy lets no other code poll in it."""
    deadline = time.monotonic() + PATIENCE_MS / 1_000
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(50)


def run_load() -> dict[str, object]:
    """Return milliseconds from the click to the first live number, and bytes of every page."""
    with _scene() as (bot, served), trading(bot, 1), _opened(served, USABLE) as page:
        took = []
        for _ in range(LOADS):
            page.goto("about:blank")
            page.goto(served.address)
            _until(page, "window.usableMs")
            took.append(float(page.evaluate("window.usableMs")))
        return {
            "trades": TRADES,
            "usable_ms": {"median": round(median(took)), "max": round(max(took))},
            "weight_kb": {
                place.name: weight(page, served.address + place.path.lstrip("/"))
                for place in PLACES
            },
        }


def weight(page: Page, address: str) -> dict[str, int]:
    """Return kilobytes of a page on a first visit: scripts before charts, and everything."""
    assert page.context.browser is not None
    context = page.context.browser.new_context()
    visitor = context.new_page()
    heard: dict[str, PageResponse] = {}
    visitor.on("response", lambda got: heard.__setitem__(urlsplit(got.url).path, got))
    visitor.goto(address, wait_until="networkidle")
    found = {
        path: len(got.body())
        for path, got in dict(heard).items()
        if got.status == 200 and not path.startswith("/api/")
    }
    context.close()
    scripts = [
        size for path, size in found.items() if path.endswith(".js") and not path.endswith(CHARTS)
    ]
    return {"scripts": sum(scripts) // 1_000, "all": sum(found.values()) // 1_000}


def run_paint() -> dict[str, object]:
    """Return milliseconds from a trade's arrival to its row on the screen, at 50 a second."""
    with _scene() as (bot, served), _opened(served, PAINTED) as page:
        metrics = page.context.new_cdp_session(page)
        metrics.send("Performance.enable")
        _until(page, "document.querySelectorAll('#rows-trades tr').length > 50")
        with trading(bot, PAINT_PER_S) as durable:
            page.wait_for_timeout(3_000)
            page.evaluate("bench.took.length = 0")
            busy_s, began = _task_s(metrics), time.monotonic()
            page.wait_for_timeout(PAINT_S * 1_000)
            busy_s, lasted_s = _task_s(metrics) - busy_s, time.monotonic() - began
        took = [float(each) for each in page.evaluate("bench.took")]
        cuts = quantiles(took, n=100)
        return {
            "updates_per_s": PAINT_PER_S,
            "written": len(durable),
            "painted": len(took),
            "painted_ms": {
                "p50": round(cuts[49], 1), "p95": round(cuts[94], 1), "p99": round(cuts[98], 1),
            },
            "main_thread_busy_pct": round(busy_s / lasted_s * 100, 1),
        }  # fmt: skip


def _task_s(session: CDPSession) -> float:
    metrics: list[dict[str, Any]] = session.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


def run_memory() -> dict[str, object]:
    """Return the page's heap and nodes after collection, in its first and its last fifth."""
    with _scene() as (bot, served), _opened(served) as page, trading(bot, MEMORY_PER_S):
        session = page.context.new_cdp_session(page)
        page.wait_for_timeout(15_000)  # code is compiled and charts are full by then
        samples = []
        for _ in range(MEMORY_SAMPLES):
            page.wait_for_timeout(MINUTES * 60_000 / MEMORY_SAMPLES)
            session.send("HeapProfiler.collectGarbage")
            heap = session.send("Runtime.getHeapUsage")["usedSize"]
            counters = session.send("Memory.getDOMCounters")
            samples.append((heap / 1e6, counters["nodes"], counters["jsEventListeners"]))
        fifth = MEMORY_SAMPLES // 5
        names = ("heap_mb", "nodes", "listeners")
        return {
            "minutes": MINUTES,
            "updates_per_s": MEMORY_PER_S,
            **{
                name: {
                    "first": round(median(s[i] for s in samples[:fifth]), 2),
                    "last": round(median(s[i] for s in samples[-fifth:]), 2),
                }
                for i, name in enumerate(names)
            },
        }
