"""The two forms of a core module, so that one test holds for both: compiled and plain Python."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import papertape.core

CORE = Path(papertape.core.__file__).parent
PACKAGE = "papertape.core"


class _PlainFinder(MetaPathFinder):
    """Finds the `.py` of a core module although a compiled one lies beside it."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> object:
        parent, _, name = fullname.rpartition(".")
        source = CORE / f"{name}.py"
        if parent != PACKAGE or not source.exists():
            return None
        loader = SourceFileLoader(fullname, str(source))
        spec: ModuleSpec | None = importlib.util.spec_from_file_location(
            fullname, source, loader=loader
        )
        return spec


@cache
def plain(name: str) -> ModuleType:
    """Return `papertape.core.<name>` as plain Python; so is what it imports of the core."""
    loaded = {key: sys.modules.pop(key) for key in list(sys.modules) if _of_core(key)}
    attributes = dict(vars(papertape.core))
    finder = _PlainFinder()
    sys.meta_path.insert(0, finder)
    try:
        module = importlib.import_module(f"{PACKAGE}.{name}")
    finally:
        sys.meta_path.remove(finder)
        for key in [key for key in sys.modules if _of_core(key)]:
            del sys.modules[key]
        sys.modules.update(loaded)
        vars(papertape.core).update(attributes)
    assert str(module.__file__).endswith(".py"), module.__file__
    return module


def compiled(name: str) -> ModuleType:
    """Return the compiled form; the test is skipped where it could not be built."""
    if not any((CORE / f"{name}{suffix}").exists() for suffix in EXTENSION_SUFFIXES):
        pytest.skip(f"core/{name} is not compiled here (no C compiler)")
    module = importlib.import_module(f"{PACKAGE}.{name}")
    if str(module.__file__).endswith(".py"):
        pytest.skip("PAPERTAPE_PURE=1 hides the compiled core")
    return module


def core_fixture(name: str) -> Any:
    """Return a fixture that gives each test both forms: `accounts = core_fixture("accounts")`."""

    @pytest.fixture(params=["compiled", "plain"], name=name)
    def form(request: pytest.FixtureRequest) -> ModuleType:
        return compiled(name) if request.param == "compiled" else plain(name)

    return form


def _of_core(key: str) -> bool:
    return key.startswith(PACKAGE + ".")
