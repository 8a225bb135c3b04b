"""Commands to the bot: a local socket in the data folder that only its owner may open.

One JSON line in, one JSON line out. The schema is a closed list: nothing that arrives here can name
a price, a size or a path. The bot's loop carries a command out and puts it on the tape; the answer
is its outcome.
"""

from __future__ import annotations

import os
import queue
import socket
import struct
import threading
from pathlib import Path
from typing import Literal

import msgspec
import structlog

from papertape.errors import RunningError, WorldError
from papertape.tape.doorbell import doorbell_folder, socket_folder

SOCKET_FILE = "control.sock"
LINE_BYTES_MAX = 4_096
WAIT_S = 5.0  # for the loop to carry a command out, and for a client to say it
WAITING_MAX = 64  # commands not yet carried out: a person has no more

Action = Literal["pause", "resume", "halt", "close"]

log = structlog.get_logger()


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person wants of the bot.

    target: of pause and resume a strategy, or "" for all trading; of close an instrument's symbol.
    """

    command_id: str
    action: Action
    target: str = ""
    source: str = "cli"


class Outcome(msgspec.Struct, frozen=True):
    """What came of a command."""

    command_id: str
    ok: bool
    message: str


class Pending:
    """A command on its way through the loop."""

    def __init__(self, command: Command) -> None:
        """Wait for an outcome."""
        self.command = command
        self._done = threading.Event()
        self._outcome: Outcome | None = None

    def answer(self, ok: bool, message: str) -> None:
        """Say what came of it; called by the loop."""
        self._outcome = Outcome(self.command.command_id, ok, message)
        self._done.set()

    def wait(self) -> Outcome:
        """Return the outcome, or that there was none in time."""
        self._done.wait(WAIT_S)
        late = Outcome(self.command.command_id, False, "the bot did not answer in time")
        return self._outcome or late


class CommandServer:
    """Listens for commands; the loop fetches them with `waiting`."""

    def __init__(self, data_dir: Path) -> None:
        """Bind the socket, mode 0600; a stale one is replaced, the instance lock is held."""
        self._path = socket_folder(data_dir) / SOCKET_FILE
        self._queue: queue.Queue[Pending] = queue.Queue(WAITING_MAX)
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            self._socket.bind(str(self._path))
        finally:
            os.umask(before)
        self._socket.listen(8)
        self._thread = threading.Thread(target=self._serve, name="commands", daemon=True)
        self._thread.start()

    def waiting(self) -> Pending | None:
        """Return the next command, None if there is none."""
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            return None

    def close(self) -> None:
        """Stop listening."""
        self._path.unlink(missing_ok=True)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client:
                try:
                    client.settimeout(WAIT_S)
                    client.sendall(msgspec.json.encode(self._one(client)) + b"\n")
                except OSError as error:
                    log.info("a command was not heard out", error=str(error))

    def _one(self, client: socket.socket) -> Outcome:
        if not _is_owner(client):
            return Outcome("", False, "only the owner of the bot may command it")
        try:
            command = msgspec.json.decode(_line(client), type=Command)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return Outcome("", False, f"not a command: {error}")
        pending = Pending(command)
        try:
            self._queue.put_nowait(pending)
        except queue.Full:
            return Outcome(command.command_id, False, "too many commands are waiting")
        return pending.wait()


def send_command(data_dir: Path, command: Command) -> Outcome:
    """Hand a command to the bot of a data folder and return its outcome.

    Raises RunningError if no bot listens there, WorldError if it hangs up.
    """
    path = doorbell_folder(data_dir) / SOCKET_FILE
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(2 * WAIT_S)
        try:
            client.connect(str(path))
        except OSError as error:
            raise RunningError(f"no bot runs on {data_dir}") from error
        try:
            client.sendall(msgspec.json.encode(command) + b"\n")
            return msgspec.json.decode(_line(client), type=Outcome)
        except (OSError, msgspec.DecodeError) as error:
            raise WorldError(f"the bot did not answer: {error}") from error


def _line(client: socket.socket) -> bytes:
    body = b""
    while not body.endswith(b"\n"):
        part = client.recv(LINE_BYTES_MAX)
        if not part or len(body) + len(part) > LINE_BYTES_MAX:
            break
        body += part
    return body


def _is_owner(client: socket.socket) -> bool:
    """Return whether the peer runs as us (or as root); where nobody can tell, the mode decides."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    _, uid, _ = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, option, 12))
    return uid in {0, os.geteuid()}
