"""WebSocket connections of engine.io under gevent, with the limits that it does not set itself.

Only the dashboard's process root imports this module: the bot never sees gevent.
"""

from __future__ import annotations

import re
import socket
import struct
from functools import lru_cache
from typing import Any

import simple_websocket
from engineio.async_drivers import gevent as driver
from flask_socketio import SocketIO
from gevent.lock import BoundedSemaphore
from wsproto.frame_protocol import CloseReason

from papertape.dashboard.strict_json import BODY_BYTES_MAX, BadJsonError, loads

MESSAGES_PER_S = 20
MESSAGES_BURST = 40
FRAMES_KEPT = 8  # messages on their way to many pages at one time; some may be 1 MB
FINAL_TEXT = 0x81
SEND_S_MAX = 15.0  # a client that takes nothing for so long is gone


# What a page sends: pong, close, connect, leave, an event. What else the protocols know is refused
# before their parsers see it: they raise on some of it, and take "connect" for an event's name.
_EXPECTED = re.compile(r"3|1|40(?:\{.*\})?|41|42[0-9]{0,9}(\[.*\])", re.DOTALL | re.ASCII)
_RESERVED = frozenset({"connect", "disconnect", "connect_error", "message", "json"})


def _is_expected(message: str) -> bool:
    found = _EXPECTED.fullmatch(message)
    if found is None:
        return False
    try:
        value = loads(found[1] or message[2:] or "{}")
    except BadJsonError:
        return False
    if not found[1]:
        return True
    return bool(value) and isinstance(value[0], str) and value[0] not in _RESERVED


@lru_cache(maxsize=FRAMES_KEPT)
def _frame(message: str) -> bytes:
    """Return a text as one WebSocket frame of a server (RFC 6455, section 5.2)."""
    body = message.encode()
    size = len(body)
    if size < 126:
        head = struct.pack("!BB", FINAL_TEXT, size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", FINAL_TEXT, 126, size)
    else:
        head = struct.pack("!BBQ", FINAL_TEXT, 127, size)
    return head + body


class _Whole:
    """A socket whose `send` sends everything, one sender at a time.

    simple_websocket calls `send` and ignores how much of it went out; under gevent a full buffer
    makes that less than all, and the rest of the frame would be lost.
    """

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._turn = BoundedSemaphore(1)

    def send(self, data: bytes) -> int:
        with self._turn:
            self._sock.sendall(data)
        return len(data)

    def recv(self, size: int) -> bytes:
        data = self._sock.recv(size)
        assert isinstance(data, bytes)
        return data

    def close(self) -> None:
        self._sock.close()

    def shutdown(self, how: int) -> None:
        self._sock.shutdown(how)

    def fileno(self) -> int:
        return int(self._sock.fileno())


class LimitedWebSocket(driver.WebSocketWSGI):  # type: ignore[misc]
    """One page's connection: bounded messages, a bounded rate, text only, and a way to end it."""

    def __init__(self, handler: Any, server: Any) -> None:
        """Serve engine.io's handler."""
        super().__init__(handler, server)
        self.server_args["max_message_size"] = BODY_BYTES_MAX
        self._monotonic_s = server.papertape_monotonic_s
        self._allowance = float(MESSAGES_BURST)
        self._counted_s = self._monotonic_s()
        handler.__self__.wire = self

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Take the connection over from the HTTP server."""
        self.ws = simple_websocket.Server(environ, **self.server_args)
        self.ws.sock.settimeout(SEND_S_MAX + 15.0)  # pings keep a living connection well below
        self.ws.sock = _Whole(self.ws.sock)
        return self.app(self)

    def send(self, message: str) -> None:
        """Send a message; its frame is the same for all pages, so it is made once."""
        if not self.ws.connected:
            raise OSError("the page has left")
        self.ws.sock.send(_frame(message))

    def wait(self) -> str | None:
        """Return the next message; None ends the connection."""
        message = super().wait()
        if message is None:
            return None
        if not self._may_speak():
            return self._refuse(CloseReason.POLICY_VIOLATION, "too many messages")
        if not isinstance(message, str) or not _is_expected(message):
            return self._refuse(CloseReason.UNSUPPORTED_DATA, "not a message of a page")
        return message

    def _may_speak(self) -> bool:
        now_s = self._monotonic_s()
        gained = (now_s - self._counted_s) * MESSAGES_PER_S
        self._counted_s = now_s
        self._allowance = min(float(MESSAGES_BURST), self._allowance + gained) - 1
        return self._allowance >= 0

    def _refuse(self, code: CloseReason, why: str) -> str | None:
        try:
            self.ws.close(code, why)
        except (simple_websocket.ConnectionClosed, OSError):
            return None  # it left by itself
        return None

    def cut(self) -> None:
        """End the TCP connection at once, whatever is still unsent."""
        try:
            self.ws.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it is gone already


def limit_sockets(socketio: SocketIO, monotonic_s: Any) -> None:
    """Put the limits on every connection of this server."""
    eio = socketio.server.eio
    eio.papertape_monotonic_s = monotonic_s
    eio._async = {**eio._async, "websocket": LimitedWebSocket}
