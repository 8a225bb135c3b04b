"""Set-up: what a wheel holds, what happens without a compiler, and that a lock names no address."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VENDOR = "papertape/dashboard/static/vendor"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a copy of what a build reads, so that it leaves nothing in the work tree."""
    copy = tmp_path / "source"
    ignored = shutil.ignore_patterns("*.so", "__pycache__", "*.egg-info", "*.c")
    shutil.copytree(ROOT / "src", copy / "src", ignore=ignored)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    return copy


def build(source: Path, **env: str) -> tuple[set[str], str]:
    """Build a wheel and return the names in it and what the build said."""
    out = source.parent / "wheels"
    done = subprocess.run(
        [
            sys.executable, "-m", "pip", "wheel", "--verbose", "--no-deps", "--no-build-isolation",
            "--no-index", "--wheel-dir", str(out), str(source),
        ],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    (wheel,) = out.glob("papertape-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist()), done.stdout + done.stderr


@pytest.mark.slow
def test_a_wheel_holds_everything_that_is_needed(source: Path) -> None:
    """Pages, browser libraries with their licences, migrations, the example config."""
    names, _ = build(source, PAPERTAPE_NO_COMPILE="1")
    if not (ROOT / "src" / VENDOR / "LICENSES.txt").exists():
        pytest.skip("static/vendor is empty: run `make setup` (npm) first")
    wanted = {
        "papertape/py.typed",
        "papertape/config.example.yaml",
        "papertape/dashboard/templates/index.html",
        "papertape/research/page/report.html",
        "papertape/dashboard/static/css/loading.css",
        "papertape/dashboard/static/js/charts.js",
        "papertape/tape/migrations/env.py",
        f"{VENDOR}/chart.js",
        f"{VENDOR}/lightweight-charts.js",
        f"{VENDOR}/socket.io.js",
        f"{VENDOR}/LICENSES.txt",
    }
    assert wanted <= names, wanted - names
    sources = {path.relative_to(ROOT / "src").as_posix() for path in ROOT.glob("src/**/*.py")}
    assert sources <= names, sources - names
    assert any(name.startswith("papertape/tape/migrations/versions/") for name in names)


@pytest.mark.slow
def test_without_a_compiler_the_install_works_and_says_so(source: Path) -> None:
    """A compiler that fails leaves the plain Python form, with a message."""
    names, said = build(source, CC="false", CXX="false", LDSHARED="false")
    assert not any(name.endswith((".so", ".pyd")) for name in names)
    assert "papertape/core/accounts.py" in names
    assert "no C compiler worked, so the core runs as plain Python" in said


def test_every_requirement_is_locked_with_hashes() -> None:
    """pip --require-hashes accepts nothing else."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    packages = re.findall(r"^([a-z0-9._-]+)==[^ ]+ \\$", lock, re.MULTILINE)
    assert len(packages) == len(re.findall(r"==", lock))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {re.split(r"[>=<]", line)[0].lower().replace("_", "-") for line in asked}
    assert names <= set(packages), names - set(packages)


def test_vendored_libraries_refer_to_no_source_maps() -> None:
    """The browser asks for nothing that is not served."""
    folder = ROOT / "src" / VENDOR
    files = sorted(folder.glob("*.js"))
    if not files:
        pytest.skip("static/vendor is empty: run `make setup` (npm) first")
    assert [path.name for path in files] == ["chart.js", "lightweight-charts.js", "socket.io.js"]
    for path in files:
        assert "sourceMappingURL" not in path.read_text(encoding="utf-8")
    licences = (folder / "LICENSES.txt").read_text(encoding="utf-8")
    for name in ("chart.js 4.6.1", "lightweight-charts 5.2.1", "socket.io-client 4.8.4"):
        assert name in licences
