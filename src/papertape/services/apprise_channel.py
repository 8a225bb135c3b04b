"""Apprise: the one door to chat, mail, push and webhook services; an optional extra.

Addresses are secrets: they are read when something is sent, never shown, never logged. Whatever a
service's address says, while it is sent the thread may connect to public addresses only, checked
at the connection itself, so neither a redirect nor a name that resolves anew leads inward.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from papertape.services.notification_service import NotDeliveredError, Waiting

URL_CHARS_MAX = 4_000
STATUS = re.compile(r"error=(\d{3})\b")
SCHEME = re.compile(r"([a-z][a-z0-9+.-]{0,29})://", re.IGNORECASE)
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
LEVELS = {"info": "info", "warning": "warning", "error": "failure"}

_guarded = threading.local()
_hook_lock = threading.Lock()
_hooked: list[bool] = []


def installed() -> bool:
    """Return whether the extra `papertape[notify]` is there."""
    return find_spec("apprise") is not None


class AddressRefusedError(OSError):
    """A connection that would have led to this machine or the local network."""


class AppriseChannel:
    """One address of Apprise, kept at a place (`env:NAME` or `file:PATH`)."""

    def __init__(self, place: str, *, allow_local: bool, env: Mapping[str, str]) -> None:
        """Send to the address that stands at the place at that moment."""
        self._place = place
        self._allow_local = allow_local
        self._env = env

    def describe(self) -> dict[str, Any]:
        """Return what may be shown: {ready, scheme, detail}, nothing of the address itself."""
        try:
            url = self._url()
        except NotDeliveredError as error:
            return {"ready": False, "scheme": "", "detail": str(error)}
        if not installed():
            detail = 'Apprise is not installed: pip install "papertape[notify]"'
            return {"ready": False, "scheme": _scheme(url), "detail": detail}
        return {"ready": True, "scheme": _scheme(url), "detail": ""}

    def send(self, waiting: Waiting) -> None:
        """Deliver, or raise NotDeliveredError with words that hold nothing of the address."""
        url = self._url()
        if not installed():
            raise NotDeliveredError("Apprise is not installed")
        import apprise  # noqa: PLC0415  an optional extra, and slow to import

        asset = apprise.AppriseAsset(app_id="papertape", async_mode=False, plugin_paths=[])
        heard = _Heard()
        logger = logging.getLogger("apprise")
        logger.propagate = False
        logger.addHandler(heard)
        try:
            # the service itself, not Apprise(): that one would send from threads of its own
            sender = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
            if sender is None:
                raise NotDeliveredError("the address is none that Apprise knows", final=True)
            kind = LEVELS.get(waiting.severity, "info")
            body = waiting.message or waiting.title
            with public_only(self._allow_local) as refused:
                done = sender.notify(body=body, title=waiting.title, notify_type=kind)
        finally:
            logger.removeHandler(heard)
        if refused:
            raise NotDeliveredError(
                "refused: it leads to this machine or the local network "
                "(notifications.allow_local would allow it)",
                final=True,
            )
        if not done:
            raise NotDeliveredError(f"the service did not take it{heard.status()}")

    def _url(self) -> str:
        kind, _, where = self._place.partition(":")
        if kind == "env":
            url = self._env.get(where, "")
            if not url:
                raise NotDeliveredError(f"the environment variable {where} is not set")
        else:
            url = _read_secret(Path(where).expanduser())
        url = url.strip()
        if not 0 < len(url) <= URL_CHARS_MAX or not SCHEME.match(url):
            raise NotDeliveredError("what is kept there is no Apprise address")
        return url


def _read_secret(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")[: URL_CHARS_MAX + 2]
    except (OSError, UnicodeDecodeError):
        raise NotDeliveredError("the file of the address cannot be read") from None
    if os.name == "posix" and mode & 0o077:
        raise NotDeliveredError(f"others can read the file of the address; run: chmod 600 {path}")
    return text


def _scheme(url: str) -> str:
    found = SCHEME.match(url)
    return found[1].lower() if found else ""


class _Heard(logging.Handler):
    """Keeps the HTTP status out of what Apprise says; the rest may hold parts of the address."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._status = ""

    def emit(self, record: logging.LogRecord) -> None:
        found = STATUS.search(record.getMessage())
        if found:
            self._status = found[1]

    def status(self) -> str:
        return f" (status {self._status})" if self._status else ""


# --- connections --------------------------------------------------------------------------------


@contextmanager
def public_only(allow_local: bool) -> Iterator[list[str]]:
    """Let this thread connect to public addresses only; yield what was refused."""
    refused: list[str] = []
    if allow_local:
        yield refused
        return
    with _hook_lock:
        if not _hooked:
            sys.addaudithook(_watch)
            _hooked.append(True)
    _guarded.refused = refused
    try:
        yield refused
    finally:
        del _guarded.refused


def _watch(event: str, args: tuple[Any, ...]) -> None:
    if event not in ("socket.connect", "socket.sendto"):
        return
    refused = getattr(_guarded, "refused", None)
    if refused is None:
        return
    address = args[1]
    if isinstance(address, tuple) and not is_public(str(address[0])):
        refused.append("private")
        raise AddressRefusedError("connections inward are refused")


def is_public(host: str) -> bool:
    """Return whether an IP address is one of the public internet; a name is not yet an address."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    inner = _inner(address)
    return address.is_global and not address.is_multicast and (inner is None or inner.is_global)


def _inner(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 one leads to: mapped, 6to4 or NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
