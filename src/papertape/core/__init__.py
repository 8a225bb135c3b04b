"""The compiled arithmetic. Each module is plain, typed Python that Cython compiles as it is.

`PAPERTAPE_PURE=1` runs the uncompiled form even where the compiled one is installed: same results,
slower. The tests run on both.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType


class _PureFinder(MetaPathFinder):
    """Finds the `.py` of a core module although a compiled one lies beside it."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        parent, _, name = fullname.rpartition(".")
        source = Path(__file__).with_name(name + ".py")
        if parent != __name__ or not source.exists():
            return None
        loader = SourceFileLoader(fullname, str(source))
        return importlib.util.spec_from_file_location(fullname, source, loader=loader)


def compiled() -> bool:
    """Return whether the core in use is the compiled one."""
    arithmetic = importlib.import_module("papertape.core.arithmetic")
    return not str(arithmetic.__file__).endswith(".py")


if os.environ.get("PAPERTAPE_PURE") == "1":
    sys.meta_path.insert(0, _PureFinder())
