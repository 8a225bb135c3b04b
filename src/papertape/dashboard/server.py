"""The dashboard's process: gevent's WSGI server around the application, until told to stop.

Nothing is monkey-patched: what waits here waits by gevent's own means, and the rest never waits.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import gevent
import structlog
from gevent import pywsgi
from gevent.event import Event
from gevent.socket import wait_read

from papertape.config import Notifications
from papertape.dashboard.app import create_app
from papertape.dashboard.settings import LOOPBACK, DashboardSettings
from papertape.dashboard.websocket_server import LiveLine, run_line
from papertape.dashboard.wire import limit_sockets
from papertape.errors import ConfigError, WorldError
from papertape.tape.dashboard_beat import BEAT_EVERY_S, DashboardBeat
from papertape.tape.doorbell import DoorbellListener

log = structlog.get_logger("papertape.dashboard")

STOP_S_MAX = 0.5  # for answers under way; sockets are cut
REQUEST_S_MAX = 30.0  # a connection that says nothing for so long is closed
CONNECTIONS_MAX = 320  # 256 sockets, and requests beside them
BACKLOG = 64
BREATH_S = 0.0005  # more than 0, so that sockets are looked at as well
SEND_BUFFER_BYTES = 262_144  # in the kernel, so that a page that does not read is seen soon


class Handler(pywsgi.WSGIHandler):  # type: ignore[misc]
    """HTTP without a word about what serves it."""

    def handle_one_request(self) -> Any:
        """Answer one request; what follows a WebSocket on its connection is no request."""
        result = super().handle_one_request()
        spoken = getattr(self, "environ", None) or {}
        return None if result is True and "HTTP_UPGRADE" in spoken else result

    def log_error(self, msg: str, *args: Any) -> None:
        """Log a request that was no HTTP, briefly."""
        log.debug("bad request", what=(msg % args if args else msg)[:200])


class Server(pywsgi.WSGIServer):  # type: ignore[misc]
    """A WSGI server whose connections may not idle for ever."""

    def handle(self, client: Any, address: Any) -> None:
        """Serve one connection."""
        client.settimeout(REQUEST_S_MAX)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        try:
            super().handle(client, address)
        except OSError as error:
            log.debug("a client left before its answer", error=str(error))


class Bell:
    """The doorbell of the data folder, waited for by gevent; without one, plain sleep."""

    def __init__(self, data_dir: Path) -> None:
        """Listen in the data folder, which is made if it is not there."""
        self._listener: DoorbellListener | None = None
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            self._listener = DoorbellListener(data_dir)
        except OSError as error:
            log.warning("no doorbell here; polling instead", error=str(error))

    def wait(self, timeout_s: float) -> None:
        """Sleep until the bell rings, at most so long; 0 gives the others a turn."""
        if self._listener is None or timeout_s <= 0:
            gevent.sleep(max(timeout_s, BREATH_S))
            return
        try:
            wait_read(self._listener.fileno(), timeout=timeout_s)
        except TimeoutError:
            return
        self._listener.drain()

    def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.close()


def serve(
    host: str,
    port: int,
    data_dir: Path,
    token: str | None = None,
    *,
    market_quota_mb: int | None = None,
    notifications: Notifications | None = None,
    config_path: Path | None = None,
    recordings: tuple[Path, ...] = (),
) -> None:
    """Serve the dashboard until SIGTERM or SIGINT.

    Raises ConfigError for an address beyond this machine, WorldError for a port that is taken.
    """
    if host not in LOOPBACK:
        raise ConfigError(
            f"host {host}: the dashboard has no login and no TLS yet, so it listens on this "
            "machine only; use --host 127.0.0.1"
        )
    listener = _listen(host, port)
    port = listener.getsockname()[1]
    token = token or os.environ.get("PAPERTAPE_TOKEN") or None
    settings = DashboardSettings(
        data_dir=data_dir,
        host=host,
        port=port,
        token=token,
        market_quota_mb=market_quota_mb,
        notifications=notifications or Notifications(),
        config_path=config_path,
        recordings=recordings,
    )
    app = create_app(settings, async_mode="gevent")
    socketio, state = app.extensions["socketio"], app.extensions["papertape"]
    state.aside = gevent.get_hub().threadpool.apply
    state.breathe = lambda: gevent.sleep(BREATH_S)
    state.line.breathe = lambda: gevent.sleep(0)
    limit_sockets(socketio, time.monotonic)
    server = Server(
        listener, app, handler_class=Handler, log=None, error_log=None, spawn=CONNECTIONS_MAX
    )
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stop.set)
    bell = Bell(data_dir)
    loop = gevent.spawn(run_line, state.line, bell.wait, stop.is_set)
    beats = gevent.spawn(_beat, data_dir, stop)
    state.notifications.start()
    server.start()
    log.info("dashboard ready", url=f"http://{_shown(host)}:{port}", data=str(data_dir))
    stop.wait()
    _stop(server, state.line, loop)
    beats.join(STOP_S_MAX)
    bell.close()
    state.notifications.stop(STOP_S_MAX)
    state.close()


def _beat(data_dir: Path, stop: Event) -> None:
    life = DashboardBeat(data_dir)
    life.beat()
    while not stop.wait(BEAT_EVERY_S):
        life.beat()
    life.goodbye()


def _listen(host: str, port: int) -> Any:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = gevent.socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise WorldError(
            f"cannot listen on {host} port {port}: {error.strerror or error}"
            f"{_holder(port)}; choose another with --port"
        ) from error
    listener.setblocking(False)
    return listener


def _holder(port: int) -> str:
    """Return who listens on a port, as far as Linux tells an ordinary user; "" if it does not."""
    try:
        lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
        inodes = {
            fields[9]
            for fields in (line.split() for line in lines)
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port
        }
        wanted = {f"socket:[{inode}]" for inode in inodes}
        for folder in Path("/proc").glob("[0-9]*"):
            if _holds(folder / "fd", wanted):
                name = (folder / "comm").read_text(encoding="utf-8").strip()
                return f" (held by process {folder.name}, {name})"
    except OSError:
        return ""
    return ""


def _holds(folder: Path, wanted: set[str]) -> bool:
    try:
        return any(os.readlink(link) in wanted for link in folder.iterdir())
    except OSError:
        return False  # another user's process, or one that has just ended


def _stop(server: Server, line: LiveLine, loop: Any) -> None:
    server.close()
    line.clients.cut_all()
    server.stop(timeout=STOP_S_MAX)
    loop.kill(timeout=STOP_S_MAX)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
