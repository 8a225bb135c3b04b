"""Say which form of the core is installed: compiled, or plain Python (same results, slower)."""

from __future__ import annotations

import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

CORE = Path(__file__).resolve().parent.parent / "src/papertape/core"


def main() -> int:
    """Print one line; a core that is only plain Python is no failure."""
    modules = sorted(path.stem for path in CORE.glob("*.py") if path.stem != "__init__")
    plain = [name for name in modules if not _is_compiled(name)]
    if plain:
        sys.stdout.write(
            f"core: plain Python for {', '.join(plain)} - no C compiler worked "
            "(same results, slower)\n"
        )
    else:
        sys.stdout.write(f"core: compiled ({len(modules)} modules)\n")
    return 0


def _is_compiled(name: str) -> bool:
    return any((CORE / (name + suffix)).exists() for suffix in EXTENSION_SUFFIXES)


if __name__ == "__main__":
    sys.exit(main())
