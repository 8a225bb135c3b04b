"""The gate: what every request passes before Flask or engine.io sees it.

Cookies ignore ports, browsers call every `localhost:*` the same site, and a WebSocket obeys no
same-origin rule; so the page is protected by Host, by Origin with its port, and by a token that
only our own page can read. Flask's TRUSTED_HOSTS does not cover /socket.io/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map

from papertape.dashboard.keys import BearerToken, CsrfToken
from papertape.dashboard.settings import DashboardSettings
from papertape.dashboard.strict_json import BODY_BYTES_MAX, dumps
from papertape.errors import PapertapeError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

URL_BYTES_MAX = 2_048  # our longest query is a search of 200 characters
HEADERS_BYTES_MAX = 16_384
HEADERS_MAX = 60
SOCKETS_MAX = 256  # pages open at once: 200 at 10 updates a second are measured (make bench)
SOCKET_PATH = "/socket.io/"
REPORT_PATH = "/csp-report"
POLICY = "Content-Security-Policy"
SAFE_METHODS = frozenset({"GET", "HEAD"})
REPORT_TYPES = frozenset({"application/csp-report", "application/json"})

# Another hop's words about the client, and what asks for more than we offer: compressing each
# frame costs more time and memory on loopback than the bytes it saves.
DROPPED = (
    "HTTP_FORWARDED",
    "HTTP_X_REAL_IP",
    "HTTP_X_HTTP_METHOD_OVERRIDE",
    "HTTP_X_METHOD_OVERRIDE",
    "HTTP_PROXY",
    "HTTP_SEC_WEBSOCKET_EXTENSIONS",
)
REASONS = {
    400: "400 Bad Request",
    401: "401 Unauthorized",
    403: "403 Forbidden",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    413: "413 Content Too Large",
    415: "415 Unsupported Media Type",
    503: "503 Service Unavailable",
}


@dataclass(frozen=True)
class Refusal:
    """Why a request does not pass."""

    status: int
    code: str
    message: str
    allow: str = ""


class Gate:
    """WSGI middleware; must be the outermost."""

    def __init__(
        self,
        app: WSGIApplication,
        settings: DashboardSettings,
        *,
        routes: Map,
        csrf: CsrfToken,
        bearer: BearerToken,
        sockets_open: Callable[[], int],
    ) -> None:
        """Guard `app`; what `routes` does not know is refused here."""
        self._app = app
        self._settings = settings
        self._routes = routes.bind("localhost")
        self._csrf = csrf
        self._bearer = bearer
        self._sockets_open = sockets_open
        self._headers = security_headers(settings)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass a request on, or answer why not; every answer carries the security headers."""
        for name in [name for name in environ if name.startswith("HTTP_X_FORWARDED_")]:
            del environ[name]
        for name in DROPPED:
            environ.pop(name, None)

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start_response(status, self._secured(headers), exc_info)

        refusal = next(self._refusals(environ), None)
        if refusal is None:
            return self._app(environ, start)
        return _answer(refusal, environ, start)

    def _secured(self, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        own = self._headers
        # What is shown in a sandbox says itself what little it may do there.
        if any(name == POLICY and value.startswith("sandbox ") for name, value in headers):
            own = [(name, value) for name, value in own if name != POLICY]
        ours = {name.lower() for name, _ in own} | {"server", "x-powered-by"}
        kept = [
            (name, value)
            for name, value in headers
            if name.lower() not in ours and not name.lower().startswith("access-control-")
        ]
        if not any(name.lower() == "cache-control" for name, _ in kept):
            kept.append(("Cache-Control", "no-store"))
        return kept + own

    # --- the checks, in order -------------------------------------------------------------------

    def _refusals(self, environ: WSGIEnvironment) -> Iterator[Refusal]:
        yield from _sizes(environ)
        environ["HTTP_HOST"] = host = str(environ.get("HTTP_HOST", "")).lower()
        if host not in self._settings.hosts:
            yield Refusal(400, "bad_host", "this address is not one of the dashboard's")
        path, method = _path(environ), environ["REQUEST_METHOD"]
        if path.startswith(SOCKET_PATH):
            yield from self._socket(environ, method)
            return
        yield from self._unknown(path, method)
        if method in SAFE_METHODS:
            return
        yield from _body(environ, REPORT_TYPES if path == REPORT_PATH else {"application/json"})
        if path != REPORT_PATH:  # browsers send reports on their own, without our token
            yield from self._writing(environ)

    def _unknown(self, path: str, method: str) -> Iterator[Refusal]:
        try:
            self._routes.match(path, method)
        except MethodNotAllowed as error:
            allow = ", ".join(sorted(error.valid_methods or ()))
            yield Refusal(405, "method_not_allowed", f"this path takes {allow}", allow)
        except HTTPException:
            yield Refusal(404, "not_found", "there is nothing at this path")

    def _socket(self, environ: WSGIEnvironment, method: str) -> Iterator[Refusal]:
        if method != "GET":
            yield Refusal(405, "method_not_allowed", "this path takes GET", "GET")
        if _path(environ) != SOCKET_PATH:
            yield Refusal(404, "not_found", "there is nothing at this path")
        if environ.get("HTTP_ORIGIN") not in self._settings.origins:
            yield Refusal(403, "bad_origin", "sockets are for the dashboard's own pages")
        if str(environ.get("HTTP_UPGRADE", "")).lower() != "websocket":
            yield Refusal(400, "websocket_only", "this path takes WebSocket connections only")
        if self._sockets_open() >= SOCKETS_MAX:
            yield Refusal(503, "too_many_sockets", f"{SOCKETS_MAX} pages are open already")

    def _writing(self, environ: WSGIEnvironment) -> Iterator[Refusal]:
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and origin not in self._settings.origins:
            yield Refusal(403, "bad_origin", "only the dashboard's own pages may do this")
        kind, _, given = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
        if kind:
            yield from self._token(kind, given.strip())
            return
        if origin is None:
            yield Refusal(403, "no_origin", "send Authorization: Bearer and `papertape token`")
        if environ.get("HTTP_SEC_FETCH_SITE", "same-origin") != "same-origin":
            yield Refusal(403, "cross_site", "only the dashboard's own pages may do this")
        if not self._csrf.matches(str(environ.get("HTTP_X_CSRF_TOKEN", ""))):
            yield Refusal(403, "bad_csrf", "X-CSRF-Token is missing or old; reload the page")

    def _token(self, kind: str, given: str) -> Iterator[Refusal]:
        try:
            good = kind.lower() == "bearer" and self._bearer.matches(given)
        except PapertapeError as error:
            yield Refusal(503, "token_unreadable", str(error))
            return
        if not good:
            yield Refusal(401, "bad_token", "the token is wrong; `papertape token` prints it")


def _path(environ: WSGIEnvironment) -> str:
    raw = str(environ.get("PATH_INFO", ""))
    return raw.encode("latin-1", "replace").decode("utf-8", "replace")


def _sizes(environ: WSGIEnvironment) -> Iterator[Refusal]:
    path, query = str(environ.get("PATH_INFO", "")), str(environ.get("QUERY_STRING", ""))
    if len(path) + len(query) > URL_BYTES_MAX:
        yield Refusal(400, "url_too_long", f"an address has at most {URL_BYTES_MAX} bytes")
    headers = [(k, str(v)) for k, v in environ.items() if k.startswith("HTTP_")]
    size = sum(len(name) + len(value) for name, value in headers)
    if size > HEADERS_BYTES_MAX or len(headers) > HEADERS_MAX:
        yield Refusal(400, "headers_too_large", f"headers have at most {HEADERS_BYTES_MAX} bytes")


def _body(environ: WSGIEnvironment, types: Iterable[str]) -> Iterator[Refusal]:
    if "HTTP_TRANSFER_ENCODING" in environ:
        yield Refusal(400, "length_required", "send a body with Content-Length")
    length = str(environ.get("CONTENT_LENGTH") or "0")
    if not (length.isascii() and length.isdecimal()):
        yield Refusal(400, "bad_length", "Content-Length is not a number")
    elif len(length) > 9 or int(length) > BODY_BYTES_MAX:
        yield Refusal(413, "body_too_large", f"a body has at most {BODY_BYTES_MAX} bytes")
    if environ.get("HTTP_CONTENT_ENCODING", "identity") != "identity":
        yield Refusal(415, "bad_encoding", "send the body as it is, not compressed")
    kind = str(environ.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower()
    if (kind or length != "0") and kind not in types:
        yield Refusal(415, "bad_content_type", "send Content-Type: application/json")


def _answer(refusal: Refusal, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    error = {"code": refusal.code, "message": refusal.message}
    body = dumps({"ok": False, "error": error}).encode()
    headers = [
        ("Content-Type", "application/json; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),  # whatever follows on this connection was not read
    ]
    if refusal.allow:
        headers.append(("Allow", refusal.allow))
    if refusal.status == 401:
        headers.append(("WWW-Authenticate", "Bearer"))
    start(REASONS[refusal.status], headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def security_headers(settings: DashboardSettings) -> list[tuple[str, str]]:
    """Return the headers of every answer; sockets are allowed to our own port only."""
    sockets = " ".join(f"ws://{host}" for host in sorted(settings.hosts) if "::" not in host)
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"font-src 'self'; connect-src 'self' {sockets}; manifest-src 'self'; "
        "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
        f"require-trusted-types-for 'script'; report-uri {REPORT_PATH}"
    )
    permissions = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), clipboard-read=()"
    return [
        (POLICY, policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Frame-Options", "DENY"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cross-Origin-Embedder-Policy", "require-corp"),
        ("Permissions-Policy", permissions),
        ("Origin-Agent-Cluster", "?1"),
    ]
