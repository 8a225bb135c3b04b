"""Whether a port can be listened on, asked before anything is started."""

from __future__ import annotations

import socket

from papertape.errors import WorldError


def refuse_taken(host: str, port: int) -> None:
    """Raise WorldError naming the port if it is taken or the host is not ours."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise WorldError(f"cannot listen on {host}: {error.strerror or error}") from error
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            reason = error.strerror or str(error)
            raise WorldError(
                f"cannot listen on {host} port {port}: {reason}; choose another with --port"
            ) from error


def answers(host: str, port: int, timeout_s: float = 0.2) -> bool:
    """Return whether something accepts connections there."""
    reach = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    try:
        with socket.create_connection((reach, port), timeout=timeout_s):
            return True
    except OSError:
        return False
