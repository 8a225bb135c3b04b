"""`python run_bot.py …` is `papertape run …`."""

from __future__ import annotations

import sys
from pathlib import Path

try:
    from papertape.cli.main import main
except ModuleNotFoundError as missing:
    if missing.name != "papertape":
        sys.exit(f"{missing}: set papertape up first (make run, or pip install .)")
    sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))
    from papertape.cli.main import main

if __name__ == "__main__":
    main(["run", *sys.argv[1:]])
