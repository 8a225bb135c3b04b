"""`python -m benchmarks [NAME …]`: measure, print, and write benchmarks/latest.json."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import (
    bars,
    binance_depth,
    broadcast,
    browser_latency,
    durable_path,
    feed_speed,
    machine,
    pages,
    pages_api,
    quotes,
    replay_speed,
    sweep,
)

LIVE: dict[str, Callable[[], dict[str, object]]] = {
    "durable_path": durable_path.run,
    "browser_latency": browser_latency.run,
    "replay_speed": replay_speed.run,
    "feed_speed": feed_speed.run,
    "pages_api": pages_api.run,
    "binance_depth": binance_depth.run,
    "page_load": pages.run_load,
    "page_paint": pages.run_paint,
    "page_memory": pages.run_memory,
    "broadcast": broadcast.run,
}
LOOP: dict[str, Callable[[], dict[str, object]]] = {
    "W1": bars.run,
    "W2a": quotes.run_counting,
    "W2b": quotes.run_trading,
    "W3": sweep.run,
}
LATEST = Path(__file__).with_name("latest.json")


def main(names: list[str]) -> int:
    """Run the named parts, all by default; what was measured before of others stays."""
    unknown = [name for name in names if name not in LIVE | LOOP]
    if unknown:
        known = ", ".join(LOOP | LIVE)
        print(f"no benchmark {unknown[0]!r}; there are {known}", file=sys.stderr)
        return 2
    found: dict[str, Any] = {}
    if names and LATEST.exists():
        found = json.loads(LATEST.read_text())
    found["machine"] = machine.describe()
    live = found.setdefault("live", {})
    for name in names or LOOP | LIVE:
        print(f"{name} …", flush=True)
        into = live if name in LIVE else found
        into[name] = (LIVE | LOOP)[name]()
        print(json.dumps(into[name], indent=2), flush=True)
    _table(found)
    LATEST.write_text(json.dumps(found, indent=2) + "\n")
    print(f"written to {LATEST.parent.name}/{LATEST.name}")
    return 0


def _table(found: dict[str, Any]) -> None:
    """Print the loop's benchmarks, one line per form of strategy."""
    print(f"{'work':<16}{'events/s':>14}{'x floor':>10}{'peak MB':>10}")
    for name in LOOP:
        one = found.get(name, {})
        for form, at in [("", one), *((f, one.get(f)) for f in ("vectorised", "compiled"))]:
            if at:
                label, rate = f"{name} {form}".strip(), f"{at['events_per_s']:,}"
                times, peak = at.get("times_the_floor", ""), at["peak_rss_mb"]
                print(f"{label:<16}{rate:>14}{times:>10}{peak:>10}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
