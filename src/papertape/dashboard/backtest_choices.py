"""What a backtest may be started with: strategies there are, and recordings there are.

A page names both by id. Paths never come from a browser: an id is looked up in a list that is made
here, of the recordings in the data folder and of those that the settings name.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from papertape.clock import iso_utc
from papertape.dashboard.settings import DashboardSettings
from papertape.errors import PapertapeError, WorldError
from papertape.tape.manifest import MANIFEST_FILE, Manifest, read_manifest

PAPERTAPE = (sys.executable, "-m", "papertape.cli")
STRATEGIES_KEPT_S = 30.0  # a person edits the config and reloads the page
STRATEGIES_WAIT_S_MAX = 20.0
RECORDINGS_MAX = 200  # the newest of the data folder

Row = dict[str, Any]


class Choices:
    """Strategies by `papertape strategies`, recordings by their manifests; from any thread."""

    def __init__(self, settings: DashboardSettings) -> None:
        """Ask nothing yet."""
        self._settings = settings
        self._lock = threading.Lock()
        self._strategies: list[Row] = []
        self._asked_s: float | None = None
        self._manifests: dict[Path, tuple[int, Manifest]] = {}

    def config_words(self) -> list[str]:
        """Return the options that make a child read the settings that we were started with."""
        path = self._settings.config_path
        return [] if path is None else ["--config", str(path)]

    # --- strategies -----------------------------------------------------------------------------

    def strategies(self) -> list[Row]:
        """Return strategies with parameters and their bounds; WorldError if nobody can say."""
        with self._lock:
            now_s = time.monotonic()
            if self._asked_s is None or now_s - self._asked_s > STRATEGIES_KEPT_S:
                self._strategies = self._ask()
                self._asked_s = now_s
            return self._strategies

    def _ask(self) -> list[Row]:
        words = [*PAPERTAPE, "strategies", "--json", *self.config_words()]
        try:
            said = subprocess.run(
                words,
                env={**os.environ, "PAPERTAPE_PARENT_PID": str(os.getpid())},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=STRATEGIES_WAIT_S_MAX,
                check=False,
            )
            if said.returncode:
                lines = said.stderr.decode(errors="replace").strip().splitlines()
                raise WorldError(lines[-1].removeprefix("papertape: ") if lines else "no answer")
            found = json.loads(said.stdout)["strategies"]
        except (OSError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
            raise WorldError(f"the strategies cannot be listed: {error}") from error
        assert isinstance(found, list), found
        return found

    # --- recordings -----------------------------------------------------------------------------

    def recordings(self) -> list[Row]:
        """Return what can be run on, the newest first; those of the settings before them."""
        return [row for row, _ in self._recordings()]

    def path_of(self, recording_id: str) -> Path | None:
        """Return where a recording of the list lies."""
        return next((path for row, path in self._recordings() if row["id"] == recording_id), None)

    def _recordings(self) -> Iterator[tuple[Row, Path]]:
        for number, path in enumerate(self._settings.recordings, start=1):
            if path.exists():
                yield self._named(f"configured-{number}", path)
        yield from self._in_data_folder()

    def _named(self, recording_id: str, path: Path) -> tuple[Row, Path]:
        manifest = self._manifest(path) if (path / MANIFEST_FILE).is_file() else None
        row = _described(manifest) if manifest else dict.fromkeys(_described(Manifest(
            name="", source="")))  # fmt: skip
        return {**row, "id": recording_id, "name": path.name, "kind": "configured"}, path

    def _in_data_folder(self) -> Iterator[tuple[Row, Path]]:
        folder = self._settings.data_dir / "market"
        try:
            places = [place for place in folder.iterdir() if (place / MANIFEST_FILE).is_file()]
            places.sort(key=lambda place: (place / MANIFEST_FILE).stat().st_mtime_ns, reverse=True)
        except OSError:
            return
        for place in places[:RECORDINGS_MAX]:
            manifest = self._manifest(place)
            if manifest is None or not manifest.segments or place.name.startswith("."):
                continue
            report = manifest.meta.get("import_report")
            name = report.get("source") if isinstance(report, dict) else None
            kind = "imported" if name else "recorded"
            yield {**_described(manifest), "id": place.name, "name": name or place.name,
                   "kind": kind}, place  # fmt: skip

    def _manifest(self, place: Path) -> Manifest | None:
        try:
            changed_ns = (place / MANIFEST_FILE).stat().st_mtime_ns
            known = self._manifests.get(place)
            if known is None or known[0] != changed_ns:
                known = (changed_ns, read_manifest(place))
                self._manifests[place] = known
            return known[1]
        except (OSError, PapertapeError):
            return None


def _described(manifest: Manifest) -> Row:
    first, last = manifest.first_ts_ns, manifest.last_ts_ns
    return {
        "source": manifest.source,
        "market_records": manifest.rows,
        "bytes": manifest.bytes,
        "from": iso_utc(first) if first else None,
        "to": iso_utc(last) if last else None,
        "complete": manifest.sealed,
    }
