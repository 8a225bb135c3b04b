"""The doorbell: one byte to whoever listens, after a commit. It wakes, it carries nothing.

A byte that is lost costs a poll interval; a listener that hangs costs the bot nothing.
"""

from __future__ import annotations

import os
import select
import socket
import stat
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from itertools import count
from pathlib import Path

RESCAN_S = 0.25  # a new listener is found this fast; until then it polls
LISTENERS_MAX = 64  # woken per commit; more than any page of dashboards needs
SOCKET_PATH_BYTES_MAX = 100  # AF_UNIX takes 108 on Linux and 104 on macOS
DRAIN_BYTES_MAX = 65_536  # rings taken at once; the rest wakes again
_PREFIX, _SUFFIX = "doorbell-", ".sock"
_LONGEST = f"{_PREFIX}{2**22}-999999{_SUFFIX}"


def doorbell_folder(folder: Path) -> Path:
    """Return where the sockets of a data folder lie: in it, or under a short name if too deep."""
    folder = folder.absolute()
    if len(os.fsencode(folder / _LONGEST)) <= SOCKET_PATH_BYTES_MAX:
        return folder
    name = sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"papertape-{os.getuid()}-{name}"


def socket_folder(folder: Path) -> Path:
    """Return the place of a data folder's sockets, made if it is missing; it must be ours."""
    place = doorbell_folder(folder)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_ours(place):
        raise PermissionError(f"{place} belongs to someone else")
    return place


def _is_ours(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()


class Doorbell:
    """The bot's end; `ring` never blocks and never raises."""

    def __init__(self, folder: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Ring for the listeners of this data folder."""
        self._folder = doorbell_folder(folder)
        self._monotonic = monotonic
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._listeners: list[str] = []
        self._scanned_s = float("-inf")

    def ring(self) -> None:
        """Send one byte to each listener; full queues are left alone, dead sockets removed."""
        now_s = self._monotonic()
        if now_s - self._scanned_s >= RESCAN_S:
            self._scanned_s = now_s
            self._listeners = self._scan()
        for path in self._listeners:
            self._ring(path)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()

    def _ring(self, path: str) -> None:
        try:
            self._socket.sendto(b"!", path)
        except BlockingIOError:
            return  # it has rings to answer already
        except ConnectionRefusedError:
            _remove(path)  # its process is gone
        except OSError:
            return  # gone meanwhile, or not for us: the listener polls

    def _scan(self) -> list[str]:
        if not _is_ours(self._folder):
            return []
        try:
            names = os.listdir(self._folder)
        except OSError:
            return []
        found = [name for name in names if name.startswith(_PREFIX) and name.endswith(_SUFFIX)]
        return [str(self._folder / name) for name in sorted(found)[:LISTENERS_MAX]]


class DoorbellListener:
    """A reader's end: wakes when the bot has committed."""

    _numbers = count(1)

    def __init__(self, folder: Path) -> None:
        """Listen in this data folder; raises OSError if no socket can be made there."""
        place = socket_folder(folder)
        self._path = str(place / f"{_PREFIX}{os.getpid()}-{next(self._numbers)}{_SUFFIX}")
        _remove(self._path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(self._path)
        os.chmod(self._path, 0o600)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when the bell rings."""
        return self._socket.fileno()

    def wait(self, timeout_s: float) -> bool:
        """Return whether the bell rang within the time; all rings so far count as one."""
        ready, _, _ = select.select([self._socket], [], [], timeout_s)
        return bool(ready) and self.drain()

    def drain(self) -> bool:
        """Take all rings so far without waiting; return whether there was one."""
        rang = False
        for _ in range(DRAIN_BYTES_MAX):
            try:
                self._socket.recv(1)
            except BlockingIOError:
                break
            rang = True
        return rang

    def close(self) -> None:
        """Stop listening and remove the socket."""
        self._socket.close()
        _remove(self._path)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return  # someone else removed it first
