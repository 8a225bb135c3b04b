"""Tries on a Ray cluster: the same code, the data sent along, a worker that dies replaced by Ray.

Machines of the cluster need the same papertape; the recording and the strategy's file go to them
through Ray's object store, and lie in a temporary folder there while the search lasts.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from papertape.errors import ConfigError, WorldError, shown
from papertape.research.trial import Bench, Setting, Try, digest, engine_hash
from papertape.research.trial_worker import Answer, Numbered, answer
from papertape.research.workshop import CHUNK_TRIES_MAX, Done
from papertape.strategies.registry import strategy_class

RETRIES = 5  # of a chunk whose worker dies
AHEAD = 2  # chunks per core of the cluster that are with Ray at once
KNOCK_S = 5.0
WAIT_S = 0.5  # between looks for Ctrl-C
STRATEGY_FILE = "strategy.py"


class RayCluster:
    """Runs tries on a cluster, `auto` for the one there is or else one of this machine."""

    def __init__(self, setting: Setting, address: str) -> None:
        """Connect; ConfigError without Ray, WorldError without a cluster at the address."""
        try:
            import ray  # noqa: PLC0415  an optional extra, and slow to import
        except ImportError as error:
            raise ConfigError("--ray needs Ray: install papertape with the extra `ray`") from error
        self._ray: Any = ray
        self._connected = not ray.is_initialized()
        if self._connected:
            _connect(ray, address)
        body = msgspec.json.encode(setting)
        files = _files(setting)
        self._name = digest([body.decode(), *sorted(files)])
        self._parcel = ray.put((body, files, engine_hash()))
        self._task = ray.remote(num_cpus=1, max_retries=RETRIES)(_remote)
        self._cores = max(1, int(ray.cluster_resources().get("CPU", 1)))

    def run(self, tries: Sequence[Try]) -> Iterator[list[Done]]:
        """Yield outcomes as the cluster has them."""
        ray = self._ray
        size = min(CHUNK_TRIES_MAX, max(1, len(tries) // (8 * self._cores)))
        numbered = list(enumerate(tries))
        chunks = deque(numbered[at : at + size] for at in range(0, len(numbered), size))
        out: list[Any] = []
        try:
            while chunks or out:
                while chunks and len(out) < AHEAD * self._cores:
                    body = msgspec.json.encode(chunks.popleft())
                    out.append(self._task.remote(self._name, self._parcel, body))
                ready, out = ray.wait(out, timeout=WAIT_S)
                yield [done for each in ready for done in self._answer(each)]
        finally:
            for each in out:
                ray.cancel(each, force=True)

    def _answer(self, reference: Any) -> tuple[Done, ...]:
        try:
            body = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            raise WorldError(f"--ray: a part of the search failed: {error}") from error
        found = msgspec.json.decode(body, type=Answer)
        if found.error:
            raise WorldError(found.error)
        return found.done

    def close(self) -> None:
        """Leave the cluster; one that was begun for this search ends."""
        del self._parcel
        if self._connected:
            self._ray.shutdown()


def _connect(ray: Any, address: str) -> None:
    """Connect to a cluster; `auto` without any begins one on the cores of this machine."""
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if address != "auto":
            _knock(address)
        try:
            ray.init(address=address, **quiet)
        except ConnectionError:
            if address != "auto":
                raise
            ray.init(include_dashboard=False, **quiet)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise WorldError(f"--ray {address}: no cluster can be reached there: {error}") from error


def _knock(address: str) -> None:
    """Look whether anybody is there: Ray itself would wait for minutes before it says so."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise ConfigError(f"--ray: {shown(address)} is not auto or an address such as head:6379")
    socket.create_connection((host, int(port)), KNOCK_S).close()


def _files(setting: Setting) -> dict[str, bytes]:
    """Return what another machine needs: the recording, and the strategy if it is a file."""
    market = Path(setting.market)
    files = {path.name: path.read_bytes() for path in sorted(market.iterdir()) if path.is_file()}
    place, _, _ = setting.strategy.rpartition(":")
    if place:
        files[f"../{STRATEGY_FILE}"] = Path(place).read_bytes()
    return files


# --- on the cluster -----------------------------------------------------------------------------


def _remote(name: str, parcel: tuple[bytes, dict[str, bytes], str], chunk: bytes) -> bytes:
    """Return the answer to a chunk of tries, in a worker of the cluster."""
    setting, files, engine = parcel
    if engine != engine_hash():
        return msgspec.json.encode(Answer(error="--ray: the cluster runs another papertape"))
    tries = msgspec.json.decode(chunk, type=list[Numbered])
    return msgspec.json.encode(answer(_bench(name, setting, _Files(files)), tries))


class _Files:
    """Files that are all the same to a cache: the name says what they hold."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Files)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=1)
def _bench(name: str, setting: bytes, parcel: _Files) -> Bench:
    """Return the bench of a setting in this process, with its files in a folder of its own."""
    told = msgspec.json.decode(setting, type=Setting)
    folder = Path(tempfile.gettempdir()) / f"papertape-ray-{os.getuid()}-{name}-{os.getpid()}"
    market = folder / "market"
    market.mkdir(parents=True, exist_ok=True, mode=0o700)
    for file, body in parcel.files.items():
        (market / file).write_bytes(body)
    strategy = told.strategy
    if ":" in strategy:
        strategy = f"{folder / STRATEGY_FILE}:{strategy.rpartition(':')[2]}"
    here = msgspec.structs.replace(told, market=str(market), strategy=strategy)
    return Bench(here, strategy_class(strategy))
