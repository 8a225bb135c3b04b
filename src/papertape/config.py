"""Settings: defaults, then the file, then the environment, then the command line.

Every key has a default and its unit in its name. A key that is not known, a value of the wrong
type, size or unit ends in one ConfigError that names the place, the value, what was expected, and
the nearest key there is. Money is an exact Decimal here; the wiring turns it into micros.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails

from papertape.config_fields import (
    FilePath,
    Gain,
    Number,
    Pct,
    Section,
    Usd,
    expected,
    flag_of,
    params_of,
    secret_place,
    speed_of,
    url_of,
)
from papertape.config_venues import Crypto, Kalshi, VenueName
from papertape.config_yaml import KeyPath, plain_value, read_yaml
from papertape.errors import ConfigError, nearest_match, shown

ERRORS_SHOWN_MAX = 10  # lines of one message; a person fixes a few and asks again
HIDDEN = "what stands there"  # instead of a value that may be a secret
CHANNEL_NAME = r"^[a-z][a-z0-9_-]{0,39}$"
MARKET_SLUG = r"^[A-Za-z0-9_-]{1,200}$"
STRATEGY_NAME = r"^[a-z][a-z0-9_]{0,39}$"
UNIT_WORDS = frozenset({"usd", "pct", "fraction", "s", "ms", "ns", "mb", "gb", "min", "max", "h"})

ENVIRONMENT = {  # names that users were promised; PAPERTAPE__SECTION__KEY reaches every key
    "PAPERTAPE_DATA_DIR": ("data_dir",),
    "DASHBOARD_HOST": ("dashboard", "host"),
    "DASHBOARD_PORT": ("dashboard", "port"),
    "PAPERTAPE_TOKEN": ("dashboard", "token"),
    "FLASK_DEBUG": ("dashboard", "debug"),
}
ENVIRONMENT_PREFIX = "PAPERTAPE__"


class Account(Section):
    """The paper account of a new data folder."""

    initial_cash_usd: Usd = Decimal(10_000)


class Feed(Section):
    """Where market data comes from, and how fast."""

    kind: Literal["simulated", "replay", "live"] = "simulated"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 7
    speed: Annotated[float | Literal["max"], BeforeValidator(speed_of)] = 1.0
    data: FilePath | None = None
    duration_s: Annotated[Number, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _needs_data(self) -> Feed:
        if self.kind == "replay" and self.data is None:
            raise expected("complete: feed.kind replay needs feed.data (or --data PATH)")
        if self.kind == "live" and self.speed != 1.0:
            raise expected("possible: feed.kind live has no speed but 1")
        return self


class Live(Section):
    """Which real markets are watched, and where the venue is; public reads only, no account."""

    venues: Annotated[list[VenueName], Field(max_length=3)] | None = None
    gamma_url: Annotated[str, url_of("https", "http")] = "https://gamma-api.polymarket.com"
    clob_url: Annotated[str, url_of("https", "http")] = "https://clob.polymarket.com"
    ws_url: Annotated[str, url_of("wss", "ws")] = (
        "wss://ws-subscriptions-clob.polymarket.com/ws/market"
    )
    slugs: Annotated[list[Annotated[str, Field(pattern=MARKET_SLUG)]], Field(max_length=1_000)] = (
        Field(default_factory=list)
    )
    query: Annotated[str, Field(max_length=200)] = ""
    tag: Annotated[str, Field(pattern=r"^[a-z0-9-]{0,100}$")] = ""
    volume_usd_min: Annotated[int, Field(ge=0, le=10**12)] = 0
    liquidity_usd_min: Annotated[int, Field(ge=0, le=10**12)] = 0
    ends_within_h: Annotated[Number, Field(gt=0, le=87_600)] | None = None
    markets_max: Annotated[int, Field(ge=1, le=1_000)] = 20
    tokens_per_socket: Annotated[int, Field(ge=2, le=400)] = 200
    refresh_s: Annotated[Number, Field(ge=5, le=86_400)] = 60.0


class Risk(Section):
    """What no order may go beyond; a signal over a limit is refused and recorded."""

    max_order_usd: Usd = Decimal(5_000)
    max_position_usd: Usd = Decimal(5_000)
    max_exposure_pct: Pct = Decimal(80)
    max_daily_loss_usd: Usd = Decimal(1_000)
    max_open_orders: Annotated[int, Field(ge=1, le=100_000)] = 200
    book_age_s_max: Annotated[Number, Field(gt=0, le=86_400)] = 30.0
    duplicate_window_ms: Annotated[int, Field(ge=0, le=3_600_000)] = 0
    max_market_usd: Usd | None = None
    max_event_usd: Usd | None = None
    max_strategy_usd: Usd | None = None
    max_venue_usd: Usd | None = None
    max_drawdown_pct: Pct | None = None
    max_losing_streak: Annotated[int, Field(ge=1, le=10_000)] | None = None
    losing_streak_rest_s: Annotated[Number, Field(gt=0, le=864_000)] = 3_600.0
    max_orders_per_min: Annotated[int, Field(ge=1, le=10_000)] | None = None
    price_collar_pct: Pct | None = None
    time_to_end_s_min: Annotated[Number, Field(ge=0, le=31_536_000)] | None = None
    reduce_only: Annotated[bool, BeforeValidator(flag_of)] = False


class ProfitLevel(Section):
    """One level of a take profit: at this gain, sell this share."""

    gain_pct: Gain
    share_pct: Pct = Decimal(100)


class ReturnStep(Section):
    """From this age on, this gain is enough."""

    after_s: Annotated[Number, Field(ge=0, le=31_536_000)] = 0.0
    gain_pct: Gain


class Exits(Section):
    """What ends the positions of a strategy besides itself; gains in percent of their cost."""

    stop_loss_pct: Pct | None = None
    take_profit: Annotated[list[ProfitLevel], Field(max_length=10)] = Field(default_factory=list)
    trailing_stop_pct: Pct | None = None
    trailing_from_pct: Gain = Decimal(0)
    time_stop_s: Annotated[Number, Field(gt=0, le=31_536_000)] | None = None
    roi: Annotated[list[ReturnStep], Field(max_length=20)] = Field(default_factory=list)
    before_end_s: Annotated[Number, Field(gt=0, le=31_536_000)] | None = None
    edge_gone: Annotated[bool, BeforeValidator(flag_of)] = False


class StrategySettings(Section):
    """One strategy: on or off, its own parameters (it declares and checks them), and its exits."""

    enabled: bool = True
    exits: Exits = Exits()
    params: Annotated[dict[str, Any], BeforeValidator(params_of)] = Field(default_factory=dict)


class Dashboard(Section):
    """Where the web dashboard listens."""

    host: Annotated[str, Field(min_length=1, max_length=255)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 5001
    debug: Annotated[bool, BeforeValidator(flag_of)] = False
    token: Annotated[SecretStr, Field(strict=False)] | None = None  # environment only
    recordings: Annotated[list[FilePath], Field(max_length=100)] = Field(default_factory=list)


class Storage(Section):
    """How much the tape keeps, and how it is cut."""

    market_quota_mb: Annotated[int, Field(ge=16, le=10_000_000)] = 2_048
    rows_per_segment: Annotated[int, Field(ge=1_000, le=10_000_000)] = 50_000
    snapshot_every_events: Annotated[int, Field(ge=100, le=100_000_000)] = 50_000


class Engine(Section):
    """The trading loop."""

    equity_every_s: Annotated[Number, Field(gt=0, le=86_400)] = 10.0
    strategy_call_ms_max: Annotated[int, Field(ge=1, le=600_000)] = 1_000


class Execution(Section):
    """How kind the paper venue is where the data cannot tell (docs/execution.md)."""

    fills: Literal["naive", "pessimistic", "likely", "optimistic"] = "pessimistic"
    prints: Annotated[bool, BeforeValidator(flag_of)] = False
    ahead_share_pct: Annotated[Number, Field(ge=0, le=100)] | None = None
    latency_ms: Annotated[int, Field(ge=0, le=60_000)] = 0
    latency_spread_ms: Annotated[int, Field(ge=0, le=60_000)] = 0
    venue_latency_ms: dict[
        Annotated[str, Field(pattern=STRATEGY_NAME)], Annotated[int, Field(ge=0, le=60_000)]
    ] = Field(default_factory=dict)
    taker_delay: Annotated[bool, BeforeValidator(flag_of)] = False
    doubtful_book: Literal["refuse", "wait"] = "refuse"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 7


class Logging(Section):
    """What is logged to standard error, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"


class Notifications(Section):
    """Where alerts are sent besides the page: channel -> place of its secret Apprise address."""

    urls: dict[
        Annotated[str, Field(pattern=CHANNEL_NAME)], Annotated[str, BeforeValidator(secret_place)]
    ] = Field(default_factory=dict)
    allow_local: Annotated[bool, BeforeValidator(flag_of)] = False


class Config(Section):
    """All settings of one start."""

    data_dir: FilePath = Path("data")
    account: Account = Account()
    feed: Feed = Feed()
    live: Live = Live()
    crypto: Crypto = Crypto()
    kalshi: Kalshi = Kalshi()
    risk: Risk = Risk()
    strategies: dict[Annotated[str, Field(pattern=STRATEGY_NAME)], StrategySettings] = Field(
        default_factory=dict
    )
    dashboard: Dashboard = Dashboard()
    storage: Storage = Storage()
    engine: Engine = Engine()
    execution: Execution = Execution()
    logging: Logging = Logging()
    notifications: Notifications = Notifications()

    def plain(self) -> dict[str, Any]:
        """Return the settings as JSON values, without the token."""
        values = self.model_dump(mode="json", exclude={"dashboard": {"token"}})
        assert isinstance(values, dict)
        return values


def load_config(
    path: Path | None = None,
    env: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Config:
    """Return the settings of file, environment and command line, in this order of weakness.

    overrides: dotted key -> value, such as {"feed.kind": "replay"}; None means not given.
    Raises ConfigError with one line per mistake.
    """
    values: dict[str, object] = {}
    origins: dict[KeyPath, str] = {}
    if path is not None:
        document = read_yaml(path)
        values = document.values
        origins = {key: f"{path}:{line}" for key, line in document.lines.items()}
        _refuse_token(values, origins)
    for name, key, value in _from_environment(env or {}):
        _put(values, key, value, name)
        origins[key] = f"environment {name}"
    for dotted, value in (overrides or {}).items():
        if value is not None:
            key = tuple(dotted.split("."))
            _put(values, key, value, "command line")
            origins[key] = "command line"
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
        lines = [_message(mistake, origins) for mistake in mistakes[:ERRORS_SHOWN_MAX]]
        raise ConfigError("\n".join(lines)) from None


def _refuse_token(values: Mapping[str, object], origins: Mapping[KeyPath, str]) -> None:
    dashboard = values.get("dashboard")
    if isinstance(dashboard, dict) and "token" in dashboard:
        place = origins["dashboard", "token"]
        raise ConfigError(
            f"{place}: dashboard.token: a secret does not belong in a config file; "
            "set PAPERTAPE_TOKEN, or use the token file of the data folder"
        )


def _from_environment(env: Mapping[str, str]) -> Iterable[tuple[str, KeyPath, object]]:
    for name, path in ENVIRONMENT.items():
        if env.get(name):
            text = path[-1] in ("data_dir", "host", "token")
            yield name, path, env[name] if text else plain_value(env[name])
    for name in sorted(env):
        if name.startswith(ENVIRONMENT_PREFIX):
            key = tuple(name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"))
            yield name, key, plain_value(env[name])


def _put(values: dict[str, object], path: KeyPath, value: object, origin: str) -> None:
    for depth, part in enumerate(path[:-1], start=1):
        inner = values.setdefault(part, {})
        if inner is None:
            inner = values[part] = {}
        if not isinstance(inner, dict):
            place = ".".join(path[:depth])
            raise ConfigError(f"{origin}: {place}: {shown(inner)} has no keys below it")
        values = inner
    values[path[-1]] = value


def _message(mistake: ErrorDetails, origins: Mapping[KeyPath, str]) -> str:
    path = tuple(str(part) for part in mistake["loc"])
    while path and path[-1] in ("[key]", "constrained-str", "float", "literal['max']"):
        path = path[:-1]
    origin = next(
        (origins[path[:end]] for end in range(len(path), 0, -1) if path[:end] in origins), "config"
    )
    dotted = ".".join(path)
    if mistake["type"] == "extra_forbidden":
        nearest = nearest_key(path)
        hint = f"; did you mean {nearest}?" if nearest else ""
        said = HIDDEN if path[0] == "notifications" else shown(mistake["input"])
        return f"{origin}: {dotted}: unknown key (value {said}){hint}"
    hint = ""
    if mistake["type"] == "literal_error" and isinstance(mistake["input"], str):
        choices = re.findall(r"'([^']*)'", mistake["ctx"]["expected"])
        nearest = nearest_match(mistake["input"], choices)
        hint = f"; did you mean {nearest}?" if nearest else ""
    value = _plain(mistake["input"], path)
    return f"{origin}: {dotted}: {value} is not {_what(mistake)}{hint}"


def _plain(value: object, path: KeyPath) -> str:
    if path[:1] == ("notifications",):
        return HIDDEN
    if isinstance(value, Section | Mapping):
        return "this section"
    return str(value) if isinstance(value, Decimal) else shown(value)


def _what(mistake: ErrorDetails) -> str:
    context = mistake.get("ctx", {})
    templates = {
        "expected": "{what}",
        "literal_error": "one of {expected}",
        "int_type": "a whole number",
        "float_type": "a number",
        "bool_type": "true or false",
        "string_type": "a text",
        "dict_type": "keys with values",
        "model_type": "keys with values",
        "model_attributes_type": "keys with values",
        "greater_than": "more than {gt}",
        "greater_than_equal": "{ge} or more",
        "less_than": "less than {lt}",
        "less_than_equal": "{le} or less",
        "finite_number": "a finite number",
        "string_pattern_mismatch": "a name of small letters, digits and _",
    }
    template = templates.get(mistake["type"])
    return template.format(**context) if template else f"right: {mistake['msg']}"


def nearest_key(path: KeyPath) -> str:
    """Return the known key most like an unknown one, by name and across units, or ""."""
    known = known_keys()
    parent, word = path[:-1], path[-1]
    siblings = [key[-1] for key in known if key[:-1] == parent]
    if len(parent) == 2 and parent[0] == "strategies":
        siblings = list(StrategySettings.model_fields)
    same_stem = [name for name in siblings if _stem(name) == _stem(word)]
    match = same_stem[0] if same_stem else nearest_match(word, siblings)
    if match:
        return ".".join((*parent, match))
    elsewhere = [key for key in known if key[-1] == word or _stem(key[-1]) == _stem(word)]
    return ".".join(elsewhere[0]) if elsewhere else ""


def known_keys() -> list[KeyPath]:
    """Return the path of every section and key, in the order of the schema."""
    keys: list[KeyPath] = []
    for name, field in Config.model_fields.items():
        keys.append((name,))
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            keys.extend((name, key) for key in inner.model_fields)
    return keys


def _stem(name: str) -> tuple[str, ...]:
    return tuple(part for part in name.split("_") if part not in UNIT_WORDS)
