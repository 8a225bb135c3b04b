"""The anchor: where the ledger stood, kept outside of it, so that a lost tail is noticed.

SQLite drops a damaged end of its log without a word, and an old copy of a ledger is a valid
ledger. The anchor names a record that was durable; a file that has not reached it has lost some.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import msgspec

from papertape.errors import LedgerDamagedError
from papertape.tape.files import write_atomic
from papertape.tape.identity import has_wal
from papertape.tape.store import held_here

EVENTS_PER_WRITE = 256  # so many events, or …
SECONDS_PER_WRITE = 1.0  # … so much time may lie between the anchor and the ledger
SECONDS_MIN = 0.1  # but two fsyncs each are not paid more often than this
SEALED_BYTES_MAX = 536_870_912  # a larger file is not hashed at close: a stop takes under 3 s


class AnchorState(msgspec.Struct, frozen=True, kw_only=True):
    """A durable record of a ledger; after a clean close also the digest of the whole file."""

    ledger_id: str
    seq: int
    hash: str
    file_bytes: int | None = None
    file_sha256: str | None = None


def read_anchor(path: Path) -> AnchorState | None:
    """Return what the anchor says, None if there is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=AnchorState)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise LedgerDamagedError(f"{path}: the anchor cannot be read: {error}") from error


def anchor_problem(
    anchor: AnchorState, ledger_id: str, head_seq: int, found: bytes | None
) -> str | None:
    """Return how a ledger contradicts its anchor, None if it does not.

    found: the ledger's hash at the anchor's seq.
    """
    if anchor.seq > head_seq:
        return f"{anchor.seq - head_seq} events missing after seq {head_seq}"
    if anchor.ledger_id != ledger_id:
        return f"the anchor is of another ledger ({anchor.ledger_id}, this one is {ledger_id})"
    if anchor.seq and (found is None or found.hex() != anchor.hash):
        return f"the record at seq {anchor.seq} is not the one that the anchor names"
    return None


def seal_problem(anchor: AnchorState, path: Path) -> str | None:
    """Return how a closed file differs from what it was when it was sealed, None if it does not.

    Nothing can be said of a file that was not closed in good order, or that is open here.
    """
    if anchor.file_sha256 is None or has_wal(path) or held_here(path, writer=True):
        return None
    size, digest = file_digest(path)
    if size != anchor.file_bytes:
        return f"the file has {size} bytes, {anchor.file_bytes} when it was closed"
    if digest != anchor.file_sha256:
        return "the file's SHA-256 is not the one it had when it was closed"
    return None


class AnchorWriter:
    """Writes the anchor as the ledger grows."""

    def __init__(self, path: Path, ledger_id: str,
                 monotonic: Callable[[], float] = time.monotonic) -> None:  # fmt: skip
        """Write to `path` for the ledger of this id."""
        self._path = path
        self._ledger_id = ledger_id
        self._monotonic = monotonic
        self._seq = 0
        self._written_s = 0.0

    def due(self, seq: int) -> bool:
        """Return whether the anchor has fallen behind too far."""
        behind = seq - self._seq
        age_s = self._monotonic() - self._written_s
        return behind > 0 and (
            age_s >= SECONDS_PER_WRITE or (behind >= EVENTS_PER_WRITE and age_s >= SECONDS_MIN)
        )

    def write(self, seq: int, head_hash: bytes, *, sealed: Path | None = None) -> None:
        """Write the anchor durably; `sealed`: the closed ledger file, to be hashed as a whole."""
        size, digest = (None, None) if sealed is None else file_digest(sealed)
        state = AnchorState(
            ledger_id=self._ledger_id, seq=seq, hash=head_hash.hex(), file_bytes=size,
            file_sha256=digest,
        )  # fmt: skip
        write_atomic(self._path, msgspec.json.format(msgspec.json.encode(state)) + b"\n")
        self._seq, self._written_s = seq, self._monotonic()


class AnchorKeeper:
    """A thread that lets the anchor follow: its two fsyncs hold up no commit."""

    def __init__(
        self,
        anchor: AnchorWriter,
        durable: Callable[[], tuple[int, bytes]],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Follow `durable`, the newest durable seq with its hash; tell `failed` of a failure."""
        self._anchor = anchor
        self._durable = durable
        self._failed = failed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="ledger-anchor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; the last anchor is the caller's to write."""
        self._stop.set()
        self._thread.join()

    def _keep(self) -> None:
        try:
            while not self._stop.wait(SECONDS_MIN):
                seq, head_hash = self._durable()
                if self._anchor.due(seq):
                    self._anchor.write(seq, head_hash)
        except OSError as error:
            self._failed(error)


def file_digest(path: Path) -> tuple[int | None, str | None]:
    """Return size and SHA-256 of a file, nothing for one too large to hash at close."""
    size = path.stat().st_size
    if size > SEALED_BYTES_MAX:
        return None, None
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1_048_576):
            digest.update(block)
    return size, digest.hexdigest()
