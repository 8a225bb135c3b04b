"""`python -m benchmarks [NAME …]`: measure, print, and write benchmarks/latest.json."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import browser_latency, durable_path, machine, replay_speed

PARTS: dict[str, Callable[[], dict[str, object]]] = {
    "durable_path": durable_path.run,
    "browser_latency": browser_latency.run,
    "replay_speed": replay_speed.run,
}
LATEST = Path(__file__).with_name("latest.json")


def main(names: list[str]) -> int:
    """Run the named parts, all by default."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    live = {}
    for name in names or PARTS:
        print(f"{name} …", flush=True)
        live[name] = PARTS[name]()
        print(json.dumps(live[name], indent=2), flush=True)
    LATEST.write_text(json.dumps({"machine": machine.describe(), "live": live}, indent=2) + "\n")
    print(f"written to {LATEST.parent.name}/{LATEST.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
