"""Settings of the live venues besides Polymarket. There is no place for a key, on purpose."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from papertape.config_fields import Number, Section, expected, url_of

VenueName = Literal["polymarket", "crypto", "kalshi"]
PAIR = r"^[a-z][a-z0-9]{1,30}:[A-Za-z0-9.$]{1,20}/[A-Za-z0-9.$]{1,20}$"
TICKER = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
URLS_DEEP_MAX = 5  # levels of ccxt's table of addresses


def _urls(value: object) -> object:
    """Return ccxt's table of addresses: names with addresses or with such tables."""
    if not isinstance(value, dict):
        raise expected("venue names with addresses, such as {binance: {api: {public: https://…}}}")
    for each in value.values():
        _check_urls(each, 1)
    return value


def _check_urls(value: object, depth: int) -> None:
    if isinstance(value, dict) and depth < URLS_DEEP_MAX:
        for each in value.values():
            _check_urls(each, depth + 1)
        return
    url_of("https", "http", "wss", "ws").func(value)  # type: ignore[call-arg]


class Crypto(Section):
    """Which pairs of which crypto venues are watched; they come through ccxt, an extra."""

    symbols: Annotated[list[Annotated[str, Field(pattern=PAIR)]], Field(max_length=200)] = Field(
        default_factory=list
    )
    depth_levels: Annotated[int, Field(ge=1, le=1_000)] = 50
    bar_interval: Literal["", "1m", "5m", "15m", "1h"] = "1m"
    trust_unproven: bool = False
    urls: Annotated[dict[str, Any], BeforeValidator(_urls)] = Field(default_factory=dict)


class Kalshi(Section):
    """Which markets of Kalshi are polled."""

    url: Annotated[str, url_of("https", "http")] = "https://external-api.kalshi.com/trade-api/v2"
    tickers: Annotated[list[Annotated[str, Field(pattern=TICKER)]], Field(max_length=200)] = Field(
        default_factory=list
    )
    series: Annotated[list[Annotated[str, Field(pattern=TICKER)]], Field(max_length=50)] = Field(
        default_factory=list
    )
    markets_max: Annotated[int, Field(ge=1, le=200)] = 20
    requests_per_s: Annotated[Number, Field(gt=0, le=100)] = 10.0
    refresh_s: Annotated[Number, Field(ge=5, le=86_400)] = 60.0
