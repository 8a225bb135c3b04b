"""Gamma's market objects: what they are called here, whether they trade, what they charge and pay.

JSON numbers are taken as their text, so nothing passes through a float. Lists arrive as arrays or
as strings that hold one; both are taken.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal

import msgspec

from papertape.clock import NS_PER_S
from papertape.core.decimal_text import scaled
from papertape.feeds.polymarket_levels import BadRecordError, step_ticks_of
from papertape.model.instrument import FeeSchedule, Instrument
from papertape.model.market import (
    PAYS_HALF_MICROS,
    PAYS_NOTHING_MICROS,
    PAYS_ONE_MICROS,
    EventGroup,
    Market,
)

VENUE = "polymarket"
TOKEN = re.compile(r"[0-9]{10,80}", re.ASCII)
SLUG = re.compile(r"[a-zA-Z0-9_-]{1,200}", re.ASCII)
OUTCOME_CHARS_MAX = 40  # of an outcome's name in a symbol
QUESTION_CHARS_MAX = 500
OUTCOMES = 2  # every market of the venue is binary; older forms are not traded
MIN_LOTS_DEFAULT = 500  # 5 shares: the venue's smallest resting order
MIN_NOTIONAL_MICROS = 1_000_000  # a marketable buy is at least $1
PPM_DECIMALS = 6
DELAY_S_MAX = 60  # of what takes; sports markets say 3

Trading = Literal["tradable", "listed", "over", "resolved"]

_NULL = msgspec.Raw(b"null")
_texts = msgspec.json.Decoder(list[str]).decode
_text = msgspec.json.Decoder(str).decode


class GammaEvent(msgspec.Struct):
    """The event a market belongs to, as far as it is needed."""

    id: str = ""
    slug: str = ""
    title: str = ""
    negRisk: bool | None = None  # noqa: N815  the venue's names
    enableNegRisk: bool | None = None  # noqa: N815
    negRiskAugmented: bool | None = None  # noqa: N815


class GammaFees(msgspec.Struct):
    """A market's own fee schedule."""

    rate: msgspec.Raw
    exponent: msgspec.Raw = _NULL
    rebateRate: msgspec.Raw = _NULL  # noqa: N815


class GammaMarket(msgspec.Struct):
    """A market, as far as it is needed; fields that are not named here are not looked at."""

    slug: str
    conditionId: str  # noqa: N815
    outcomes: msgspec.Raw
    question: str = ""
    outcomePrices: msgspec.Raw = _NULL  # noqa: N815
    clobTokenIds: msgspec.Raw = _NULL  # noqa: N815
    positionIds: msgspec.Raw = _NULL  # noqa: N815
    active: bool = False
    closed: bool = False
    acceptingOrders: bool | None = None  # noqa: N815
    enableOrderBook: bool | None = None  # noqa: N815
    negRisk: bool | None = None  # noqa: N815
    endDate: str | None = None  # noqa: N815
    orderPriceMinTickSize: msgspec.Raw = _NULL  # noqa: N815
    orderMinSize: msgspec.Raw = _NULL  # noqa: N815
    secondsDelay: msgspec.Raw = _NULL  # noqa: N815
    volumeNum: msgspec.Raw = _NULL  # noqa: N815
    liquidityNum: msgspec.Raw = _NULL  # noqa: N815
    umaResolutionStatus: str | None = None  # noqa: N815
    feeType: str | None = None  # noqa: N815
    feeSchedule: GammaFees | None = None  # noqa: N815
    events: list[GammaEvent] = msgspec.field(default_factory=list)


class LiveMarket(msgspec.Struct):
    """A market as the feed keeps it."""

    slug: str
    condition_id: str
    tokens: tuple[str, ...]
    market: Market
    instruments: tuple[Instrument, ...]
    group: EventGroup | None
    trading: Trading
    payouts_micros: tuple[int, ...] | None
    min_size: str
    neg_risk: bool
    volume_usd: int
    liquidity_usd: int = 0
    topic: str = ""
    raw: bytes = b""
    read_ns: int = 0


decode_market = msgspec.json.Decoder(GammaMarket).decode


def read_market(raw: bytes | msgspec.Raw, now_ns: int) -> LiveMarket:
    """Return what a market object says; raises BadRecordError with the field that is wrong."""
    try:
        said = decode_market(raw)
        outcomes = _list(said.outcomes)
        tokens = tuple(_list(said.clobTokenIds) or _list(said.positionIds))
        prices = _list(said.outcomePrices)
    except msgspec.ValidationError as error:
        raise BadRecordError(f"market: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRecordError("market: not JSON") from None
    if len(outcomes) != OUTCOMES or len(set(outcomes)) != OUTCOMES:
        raise BadRecordError("market: not two outcomes")
    if len(set(tokens)) != OUTCOMES or not all(TOKEN.fullmatch(token) for token in tokens):
        raise BadRecordError("market: no two token ids")
    if not SLUG.fullmatch(said.slug):
        raise BadRecordError("market: slug")
    end_ns = _time_ns(said.endDate)
    neg_risk = bool(said.negRisk)
    event = said.events[0] if said.events else None
    instruments = _instruments(said, outcomes, now_ns)
    market = Market(
        market_id=f"{VENUE}:{said.slug}",
        venue=VENUE,
        question=(said.question or said.slug)[:QUESTION_CHARS_MAX],
        outcomes=tuple(outcomes),
        symbols=tuple(instrument.symbol for instrument in instruments),
        end_ns=end_ns,
        event_id=f"{VENUE}:{event.slug}" if event and event.slug and neg_risk else "",
        mirrored=True,
    )
    min_size = _number_text(said.orderMinSize) or "5"
    return LiveMarket(
        slug=said.slug,
        condition_id=said.conditionId,
        tokens=tokens,
        market=market,
        instruments=instruments,
        group=_group(market, event),
        trading=trading_of(said, prices, now_ns, end_ns),
        payouts_micros=payouts_of(said, prices),
        min_size=min_size,
        neg_risk=neg_risk,
        volume_usd=_scaled(said.volumeNum, 0, "volumeNum"),
        liquidity_usd=_scaled(said.liquidityNum, 0, "liquidityNum"),
        topic=f"{event.title if event else ''} {said.feeType or ''}"[:QUESTION_CHARS_MAX],
        raw=bytes(raw),
        read_ns=now_ns,
    )


def trading_of(said: GammaMarket, prices: list[str], now_ns: int, end_ns: int) -> Trading:
    """Return the state of a market: `active` stays true after closing, so it never decides."""
    if said.closed:
        return "resolved" if payouts_of(said, prices) is not None else "over"
    ended = bool(end_ns) and now_ns >= end_ns
    disputed = said.umaResolutionStatus in {"proposed", "disputed", "resolved"}
    if ended or disputed or not said.active:
        return "over"
    return "tradable" if said.acceptingOrders and said.enableOrderBook is not False else "listed"


def payouts_of(said: GammaMarket, prices: list[str]) -> tuple[int, ...] | None:
    """Return micros per share in the order of the outcomes, None while that is not certain."""
    if not said.closed or len(prices) != OUTCOMES:
        return None
    if sorted(prices) == ["0", "1"]:
        return tuple(PAYS_ONE_MICROS if price == "1" else PAYS_NOTHING_MICROS for price in prices)
    if prices == ["0.5", "0.5"] and said.umaResolutionStatus == "resolved":
        return (PAYS_HALF_MICROS, PAYS_HALF_MICROS)
    return None


def _instruments(said: GammaMarket, outcomes: list[str], now_ns: int) -> tuple[Instrument, ...]:
    tick = _number_text(said.orderPriceMinTickSize) or "0.01"
    min_lots = _scaled(said.orderMinSize, 2, "orderMinSize") or MIN_LOTS_DEFAULT
    labels = [re.sub(r"[^A-Z0-9]+", "-", outcome.upper()).strip("-") for outcome in outcomes]
    if not all(labels) or len(set(labels)) != OUTCOMES:
        labels = ["FIRST", "SECOND"]
    delay_s = _scaled(said.secondsDelay, 0, "secondsDelay")
    return tuple(
        Instrument(
            symbol=f"{VENUE}:{said.slug}:{label[:OUTCOME_CHARS_MAX]}",
            venue=VENUE,
            kind="outcome",
            quote_currency="USDC",
            tick_nanos=100_000,
            lot_nanos=10_000_000,
            step_ticks=step_ticks_of(tick),
            min_lots=min_lots,
            min_notional_micros=MIN_NOTIONAL_MICROS,
            fees=_fees(said, now_ns),
            market_id=f"{VENUE}:{said.slug}",
            outcome=outcome,
            taker_delay_ns=min(delay_s, DELAY_S_MAX) * NS_PER_S,
        )
        for label, outcome in zip(labels, outcomes, strict=True)
    )


def _fees(said: GammaMarket, now_ns: int) -> FeeSchedule:
    """Return the market's own schedule with the day it was read; no schedule is no fee."""
    dated = datetime.fromtimestamp(now_ns // NS_PER_S, tz=UTC).date().isoformat()
    schedule = said.feeSchedule
    if schedule is None:
        return FeeSchedule(kind="none", dated=dated, source="Gamma: no feeSchedule")
    rate_ppm = _scaled(schedule.rate, PPM_DECIMALS, "feeSchedule.rate")
    return FeeSchedule(
        kind="curve" if rate_ppm else "none",
        taker_ppm=rate_ppm,
        exponent=_scaled(schedule.exponent, 0, "feeSchedule.exponent") or 1,
        rebate_ppm=_scaled(schedule.rebateRate, PPM_DECIMALS, "feeSchedule.rebateRate"),
        dated=dated,
        source=f"Gamma feeSchedule, {said.feeType or 'no feeType'}",
    )


def _group(market: Market, event: GammaEvent | None) -> EventGroup | None:
    """Return the market's event with this market alone; the feed adds its siblings.

    Only a negRisk event is told: others hold nested or independent questions.
    """
    if event is None or not market.event_id:
        return None
    return EventGroup(
        event_id=market.event_id,
        venue=VENUE,
        title=(event.title or event.slug)[:QUESTION_CHARS_MAX],
        market_ids=(market.market_id,),
        neg_risk=bool(event.negRisk or event.enableNegRisk),
        augmented=bool(event.negRiskAugmented),
    )


def _list(raw: msgspec.Raw) -> list[str]:
    """Return a list of texts, written as an array or as a string that holds one."""
    body = bytes(raw)
    if body == b"null":
        return []
    if body.startswith(b'"'):
        inner = _text(body)
        return _texts(inner) if inner else []
    return _texts(body)


def _number_text(raw: msgspec.Raw) -> str:
    return "" if bytes(raw) == b"null" else bytes(raw).decode().strip('"')


def _scaled(raw: msgspec.Raw, decimals: int, field: str) -> int:
    """Return a JSON number or decimal text in units, cut below; 0 if it is not there."""
    text = _number_text(raw)
    try:
        return int(scaled(text, decimals, decimals == 0)) if text else 0
    except ValueError:
        raise BadRecordError(f"market: {field}: not a plain number") from None


def _time_ns(text: str | None) -> int:
    """Return an ISO time as nanoseconds, 0 if there is none that can be read."""
    if not text:
        return 0
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        return 0
    return int((said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp()) * NS_PER_S


class _ClobToken(msgspec.Struct):
    token_id: str
    winner: bool = False


class _ClobMarket(msgspec.Struct):
    closed: bool
    tokens: list[_ClobToken]


_decode_clob = msgspec.json.Decoder(_ClobMarket).decode


def clob_payouts(raw: bytes, tokens: tuple[str, ...]) -> tuple[int, ...] | None:
    """Return what the CLOB's winner flags say, None unless exactly one of our tokens won."""
    try:
        said = _decode_clob(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRecordError("CLOB market: fields missing or of the wrong type") from None
    winners = [token.token_id for token in said.tokens if token.winner]
    if not said.closed or len(winners) != 1 or winners[0] not in tokens:
        return None
    return winner_takes(tokens, winners[0])


def winner_takes(tokens: tuple[str, ...], winner: str) -> tuple[int, ...]:
    """Return 1 per share for the winner and nothing for the other."""
    return tuple(PAYS_ONE_MICROS if token == winner else PAYS_NOTHING_MICROS for token in tokens)


class _EventMember(msgspec.Struct):
    slug: str
    closed: bool = False


class _EventMembers(msgspec.Struct):
    markets: list[_EventMember]


_decode_members = msgspec.json.Decoder(_EventMembers).decode


def complete_group(group: EventGroup, raw: bytes | None, watched: frozenset[str]) -> EventGroup:
    """Return the group with the markets of it that are watched.

    It may only pass for exhaustive if every open market of the event is watched: a part of a set
    is not a set.
    """
    members: list[_EventMember] = []
    if raw is not None:
        try:
            members = _decode_members(raw).markets
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            members = []
    known = [one.slug for one in members if one.slug in watched]
    whole = bool(known) and all(one.closed or one.slug in watched for one in members)
    ids = tuple(f"{VENUE}:{slug}" for slug in known) or group.market_ids
    return msgspec.structs.replace(group, market_ids=ids, augmented=group.augmented or not whole)
