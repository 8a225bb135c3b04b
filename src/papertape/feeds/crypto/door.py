"""The one door to ccxt: it is imported here, when a crypto venue is asked for, and nowhere else.

What comes through is an exchange that can only read. Every method that would order, move money or
sign is taken from its class before an object is made, no credential can be set on it, and a
request that is not for the venue's public interface is refused before an address is made. Numbers
stay the text that the venue sent: ccxt's own parsing would make floats of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Protocol

import msgspec

from papertape.errors import ConfigError, nearest_match
from papertape.feeds.crypto.ladder import Ladder

INSTALL = "pip install 'papertape[crypto]'"
NUMBER_DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

PLAIN_DELTAS = {"binance", "binanceus"}  # whose deltas are [price, size]: taken all at once
CREDENTIALS = (
    "apiKey", "secret", "uid", "accountId", "login", "password", "twofa", "privateKey",
    "walletAddress", "token",
)  # fmt: skip
FORBIDDEN = re.compile(
    r"^(create|edit|cancel|modify|fetch|watch|un_watch|close|lighter|handle)_(.*_)?orders?($|_)"
    r"|^(create|edit|cancel|modify)_.*(position|margin|account|address|code|convert|sub)"
    r"|^((futures|create|fetch|lighter_sign)_)?(withdraw|transfer|deposit)"
    r"|^(borrow|repay|redeem|stake|unstake|authenticate|oath|sign_|private|lighter_sign)"
    r"|^(add|reduce|set)_(margin|leverage|position|sandbox)|^close_(position|all_positions)"
    r"|^(fetch|watch)_(balance|my_|ledger|account|positions?$)"
)
BOOKS = re.compile(r"order_?books?")  # of what is asked for by name, the one thing with "order"
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_JSON = msgspec.json.Decoder(float_hook=str).decode


class PrivateAccessError(Exception):
    """Something tried to do more than read public data: a mistake of ours, so it is loud."""


class UnreadableAnswerError(Exception):
    """An answer that begins as JSON and is none: it was cut on its way."""


class Listener(Protocol):
    """Who hears what an exchange's connections do; all calls are made on the event loop."""

    def on_message(self, client: Any) -> None:
        """Take note that a message of this connection was folded."""
        ...

    def on_unreadable(self, client: Any, reason: str) -> None:
        """Take note of a message that could not be folded: a change may be missing."""
        ...

    def on_raw(self, client: Any, message: Any) -> str:
        """Look at a message before it is folded; return what is wrong with it, or ""."""
        ...

    def on_lost(self, client: Any, reason: str) -> None:
        """Take note that a connection is gone."""
        ...


def load_ccxt() -> ModuleType:
    """Return ccxt with its streams; raises ConfigError with the command that installs it."""
    try:
        import ccxt.pro  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(f"crypto venues need ccxt, which is not installed: {INSTALL}") from error
    import ccxt  # noqa: PLC0415

    module: ModuleType = ccxt
    return module


def refused(name: str) -> Callable[..., Any]:
    """Return a method that stands where one that does more than read public data was."""

    def refuse(*_: object, **__: object) -> Any:
        raise PrivateAccessError(f"{name}: papertape reads public data and nothing else")

    return refuse


def is_forbidden(name: str) -> bool:
    """Return whether a method of an exchange does more than read public data, by its name."""
    plain = _WORD_START.sub("_", name).lower()
    return bool(FORBIDDEN.search(BOOKS.sub("book", plain)))


def _is_public(api: Any) -> bool:
    groups = "/".join(api) if isinstance(api, list | tuple) else str(api)
    return "public" in groups.lower() and "private" not in groups.lower()


def _shut(kind: type) -> dict[str, Any]:
    """Return refusals for all of a ccxt class that is not for public reads."""
    shut: dict[str, Any] = {}
    for base in kind.__mro__:
        for name, member in vars(base).items():
            if name.startswith("__") or name in {"sign", "check_required_credentials"}:
                continue
            group = getattr(member, "api", None) if hasattr(member, "path") else None
            if is_forbidden(name) or (group is not None and not _is_public(group)):
                shut[name] = refused(name)
    return shut


def _credential(name: str) -> property:
    def put(_: object, value: object) -> None:
        if value:
            raise PrivateAccessError(f"{name}: no key can be configured here")

    return property(lambda _: "", put)


class _PublicOnly:
    """What stands before a ccxt class: text instead of floats, reads instead of orders."""

    number = str
    papertape: Listener
    speaking: Any = None
    retry_after_s: float = 0.0
    changed: list[Ladder]

    def sign(self, path: str, api: Any = "public", *rest: Any, **more: Any) -> Any:
        """Make a request to the public interface; refuse any other."""
        group = "/".join(api) if isinstance(api, list | tuple) else str(api)
        method = rest[0] if rest else more.get("method", "GET")
        if not _is_public(api) or method not in {"GET", "POST"}:
            raise PrivateAccessError(f"{method} {path}: {group} is not for public reads")
        parent: Any = super()
        made = parent.sign(path, api, *rest, **more)
        headers = made.get("headers") or {}
        if any(re.search(r"(?i)auth|sign|key", str(name)) for name in headers):
            raise PrivateAccessError(f"{path}: a request with credentials in its headers")
        return made

    def check_required_credentials(self, error: bool = True) -> bool:
        """Say that there are none."""
        if error:
            raise PrivateAccessError("credentials: papertape has none and takes none")
        return False

    def parse_json(self, text: str) -> Any:
        """Read an answer with its decimals as text; None for one that is no JSON at all."""
        if text.lstrip()[:1] not in {"{", "["}:
            return None
        try:
            return _JSON(text)
        except NUMBER_DECODE_ERRORS as error:
            raise UnreadableAnswerError(str(error)) from None

    @staticmethod
    def safe_float(source: Any, key: Any, default: Any = None) -> Any:
        """Return a number as the text that it came as."""
        try:
            value = source[key]
        except (KeyError, IndexError, TypeError):
            return default
        return default if value is None or value == "" else str(value)

    def order_book(self, snapshot: Any = None, depth: int | None = None) -> Ladder:
        """Return a book in integers."""
        return Ladder(snapshot, depth, on_change=self._changed)

    counted_order_book = order_book

    def indexed_order_book(self, *_: object) -> Ladder:
        """Refuse books of single orders."""
        raise ConfigError("this venue streams single orders; papertape keeps books of levels")

    def _changed(self, ladder: Ladder) -> None:
        self.changed.append(ladder)

    def handle_message(self, client: Any, message: Any) -> None:
        """Fold a message; whatever goes wrong with it is told, and the connection goes on."""
        parent: Any = super()
        self.speaking = client
        try:
            wrong = self.papertape.on_raw(client, message)
            parent.handle_message(client, message)
        except PrivateAccessError:
            raise
        except Exception as error:  # noqa: BLE001  ccxt reads foreign data: anything may fail in it
            wrong = f"{type(error).__name__}: {error}"
        finally:
            self.speaking = None
        if wrong:
            self.papertape.on_unreadable(client, wrong[:200])
        else:
            self.papertape.on_message(client)

    def client(self, url: str) -> Any:
        """Return the connection to an address; a new one reads JSON without making floats."""
        parent: Any = super()
        client = parent.client(url)
        if "handle_text_or_binary_message" not in vars(client):

            def read(data: Any) -> None:
                if isinstance(data, bytes) and client.decompressBinary:
                    data = data.decode(errors="replace")
                if isinstance(data, str) and data[:1] in {"{", "["}:
                    try:
                        data = _JSON(data)
                    except NUMBER_DECODE_ERRORS as error:
                        self.papertape.on_unreadable(client, f"not JSON: {error}"[:200])
                        return
                self.handle_message(client, data)

            client.handle_text_or_binary_message = read
        return client

    def on_error(self, client: Any, error: Any) -> None:
        """Tell of a connection that failed."""
        parent: Any = super()
        parent.on_error(client, error)
        self.papertape.on_lost(client, f"{type(error).__name__}: {error}"[:200])

    def on_close(self, client: Any, code: Any) -> None:
        """Tell of a connection that was closed."""
        parent: Any = super()
        parent.on_close(client, code)
        self.papertape.on_lost(client, f"closed: {code}")

    def on_rest_response(
        self, code: int, reason: str, url: str, method: str, headers: Mapping[str, str], *rest: Any
    ) -> Any:
        """Remember how long a busy venue asks to wait."""
        parent: Any = super()
        asked = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
        self.retry_after_s = float(asked) if asked.isascii() and asked.isdigit() else 0.0
        return parent.on_rest_response(code, reason, url, method, headers, *rest)


def abort(client: Any) -> None:
    """Drop a connection without the farewell that a dead peer would never answer."""
    connection = getattr(getattr(client, "connection", None), "_conn", None)
    transport = getattr(connection, "transport", None)
    if transport is not None:
        transport.abort()


def open_exchange(
    name: str,
    listener: Listener,
    urls: Mapping[str, Any] | None = None,
    rest_pause_ms: float | None = None,
) -> Any:
    """Return a read-only exchange by ccxt's name for it, inside a running event loop.

    urls: addresses to use instead of the venue's own, in ccxt's form. rest_pause_ms: between two
    requests of weight 1, None for what the venue allows. Raises ConfigError for a name that ccxt
    does not know.
    """
    ccxt = load_ccxt()
    if name not in ccxt.pro.exchanges:
        near = nearest_match(name, ccxt.pro.exchanges)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ConfigError(f"crypto: {name!r} is no venue whose streams ccxt knows{hint}")
    kind = getattr(ccxt.pro, name)
    members = _shut(kind) | {each: _credential(each) for each in CREDENTIALS}
    members["papertape"] = listener
    if name in PLAIN_DELTAS:
        members["handle_deltas"] = lambda _, side, deltas: side.take(deltas)
    public = type(f"Public{name.capitalize()}", (_PublicOnly, kind), members)
    exchange = public(
        {
            "enableRateLimit": True,
            "newUpdates": True,
            "options": {
                "fetchMarkets": {"types": ["spot"]},
                "fetchCurrencies": False,
                "defaultType": "spot",
                "warnOnFetchOpenOrdersWithoutSymbol": False,
            },
            **({"urls": dict(urls)} if urls else {}),
            **({} if rest_pause_ms is None else {"rateLimit": rest_pause_ms}),
        }
    )
    exchange.has["fetchCurrencies"] = False
    exchange.changed = []
    if not exchange.has.get("watchOrderBook"):
        raise ConfigError(f"crypto: ccxt knows no stream of {name}'s order books")
    if exchange.precisionMode != ccxt.TICK_SIZE:
        raise ConfigError(f"crypto: {name} has no fixed price grid, which papertape counts in")
    return exchange
