"""Copy the dashboard's browser libraries from node_modules into static/vendor, with licences.

The libraries are served by the dashboard itself: no page of papertape loads code from elsewhere.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "src/papertape/dashboard/static/vendor"

LIBRARIES = {
    "chart.js": "chart.js/dist/chart.umd.min.js",
    "lightweight-charts.js": "lightweight-charts/dist/lightweight-charts.standalone.production.js",
    "socket.io.js": "socket.io-client/dist/socket.io.min.js",
}
BUNDLED = {  # a library's one file holds these packages too
    "chart.js": ("chart.js", "@kurkle/color"),
    "lightweight-charts.js": ("lightweight-charts", "fancy-canvas"),
    "socket.io.js": (
        "socket.io-client",
        "engine.io-client",
        "engine.io-parser",
        "socket.io-parser",
        "@socket.io/component-emitter",
    ),
}
SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$\n?", re.MULTILINE)


def main() -> int:
    """Write the vendor folder; LICENSES.txt comes last, so it stands for a complete copy."""
    missing = [path for path in LIBRARIES.values() if not (MODULES / path).is_file()]
    if missing:
        sys.stderr.write(f"vendor: not in node_modules (npm ci first): {', '.join(missing)}\n")
        return 1
    VENDOR.mkdir(parents=True, exist_ok=True)
    for name, path in LIBRARIES.items():
        text = (MODULES / path).read_text(encoding="utf-8")
        # the maps are not served, so the reference would only be a failed request
        (VENDOR / name).write_text(SOURCE_MAP.sub("", text), encoding="utf-8")
    notices = [_notice(name, package) for name in LIBRARIES for package in BUNDLED[name]]
    (VENDOR / "LICENSES.txt").write_text("\n".join(notices), encoding="utf-8")
    return 0


def _notice(name: str, package: str) -> str:
    folder = MODULES / package
    about = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    files = sorted(path for path in folder.iterdir() if path.name.upper().startswith("LICENSE"))
    texts = [path.read_text(encoding="utf-8").strip() for path in files]
    head = f"{name}: {package} {about['version']}, {about['license']}"
    return "\n\n".join([f"{'=' * len(head)}\n{head}\n{'=' * len(head)}", *texts]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
