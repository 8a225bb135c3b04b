"""From the words of a scenario to market records and signals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.engine.desk import NO, PAIR, YES, market_of, outcome, spot
from tests.execution.scenario_file import Scenario, pause_ms

from papertape.model.instrument import FeeSchedule
from papertape.model.market_data import (
    BarSeen,
    BookSeen,
    InstrumentSeen,
    MarketResolvedSeen,
    MarketSeen,
    MarketStateSeen,
    PrintSeen,
)
from papertape.model.orders import Amend, Cancel, Terms
from papertape.model.signal import Leg, Signal

FEES = {
    "none": FeeSchedule(),
    "curve": FeeSchedule(kind="curve", taker_ppm=70_000),
    "kalshi": FeeSchedule(kind="kalshi", taker_ppm=70_000, maker_ppm=17_500),
    "tier": FeeSchedule(kind="proportional", taker_ppm=1_000, maker_ppm=200),
}
LISTING = ("fee", "min", "venue", "delay_ms", "min_usd")
MARKET_WORDS = ("book", "print", "bar", "market", "resolve", "tick")
PRICED = ("book", "print", "bar")
TERMS_PRICES = ("stop", "trail", "stop_loss", "take_profit")
TERMS_FLAGS = ("post_only", "reduce_only")


def opening(scenario: Scenario) -> list[Any]:
    """Return the listings that a scenario begins with."""
    config = scenario.config
    fees = FEES[config.get("fee", "none")]
    if is_pair(scenario):
        return [InstrumentSeen(ts_ns=0, instrument=spot(fees=fees))]
    tokens = tuple(_token(symbol, config, fees) for symbol in market_of("rain").symbols)
    return [MarketSeen(ts_ns=0, market=market_of("rain"), instruments=tokens)]


def _token(symbol: str, config: dict[str, str], fees: FeeSchedule) -> Any:
    token = outcome(symbol, fees=fees, min_lots=100 * int(config.get("min", 0)))
    changed = {
        "venue": config.get("venue", token.venue),
        "taker_delay_ns": int(config.get("delay_ms", 0)) * 10**6,
        "min_notional_micros": int(config.get("min_usd", 0)) * 10**6,
    }
    return type(token)(**{name: getattr(token, name) for name in token.__struct_fields__} | changed)


def is_pair(scenario: Scenario) -> bool:
    """Return whether the scenario is about the pair, of which only bars are seen."""
    return any(step.startswith("bar ") for step in scenario.steps)


def market_item(step: str) -> tuple[Any, int]:
    """Return the market record of a step, its time not yet set, and the pause before it."""
    text, ms = pause_ms(step)
    kind, *words = text.split()
    return _MARKET[kind](words), ms * 10**6


def _levels(words: list[str]) -> tuple[list[int], list[int]]:
    pairs = [word.split("x") for word in words]
    return [_ticks(price) for price, _ in pairs], [_lots(size) for _, size in pairs]


def _book(words: list[str]) -> BookSeen:
    symbol = NO if words[0] == "NO" else YES
    state: Any = next((w.partition("=")[2] for w in words if w.startswith("state=")), "live")
    words = [w for w in words if "=" not in w and w not in {"YES", "NO"}]
    sides: dict[str, list[str]] = {"bid": [], "ask": []}
    side = "bid"
    for word in words:
        if word in sides:
            side = word
        else:
            sides[side].append(word)
    bid_ticks, bid_lots = _levels(sides["bid"])
    ask_ticks, ask_lots = _levels(sides["ask"])
    return BookSeen(
        symbol=symbol, ts_ns=0, bid_ticks=bid_ticks, bid_lots=bid_lots, ask_ticks=ask_ticks,
        ask_lots=ask_lots, state=state,
    )  # fmt: skip


def _print(words: list[str]) -> PrintSeen:
    side, size, _, price = words
    return PrintSeen(
        symbol=YES, ts_ns=0, price_ticks=_ticks(price), quantity_lots=_lots(size),
        side="SELL" if side == "sell" else "BUY",
    )  # fmt: skip


def _bar(words: list[str]) -> BarSeen:
    opened, high, low, close = (int(word) for word in words[:4])
    return BarSeen(
        symbol=PAIR, ts_ns=0, interval_ns=60 * 10**9, open_ticks=opened, high_ticks=high,
        low_ticks=low, close_ticks=close, volume_lots=int(words[4][1:]),
    )  # fmt: skip


def _resolve(words: list[str]) -> MarketResolvedSeen:
    payouts = tuple(int(Decimal(word) * 10**6) for word in words)
    return MarketResolvedSeen(ts_ns=0, market_id="test:rain", payouts_micros=payouts)


def _tick(words: list[str]) -> InstrumentSeen:
    token = outcome(YES)
    changed = {name: getattr(token, name) for name in token.__struct_fields__}
    return InstrumentSeen(
        ts_ns=0, instrument=type(token)(**changed | {"step_ticks": _ticks(words[0])})
    )


_MARKET: dict[str, Any] = {
    "book": _book,
    "print": _print,
    "bar": _bar,
    "resolve": _resolve,
    "tick": _tick,
    "market": lambda words: MarketStateSeen(ts_ns=0, market_id="test:rain", state=words[0]),
}


def _ticks(cents: str) -> int:
    return int(Decimal(cents) * 100)


def _lots(shares: str) -> int:
    return int(Decimal(shares) * 100)


# --- orders -----------------------------------------------------------------------------------


def wish_of(step: str, now_ns: int, pair: bool) -> tuple[str, Signal | Cancel | Amend]:
    """Return (strategy, what it wants) of an order step."""
    owner = "hand"
    words = step.split()
    if "by" in words:
        at = words.index("by")
        owner = words[at + 1]
        del words[at : at + 2]
    if words[0] == "cancel":
        return owner, Cancel() if words[1] == "all" else Cancel(order_id=f"r1.{words[1]}")
    if words[0] == "amend":
        said = dict(zip(words[2::2], words[3::2], strict=True))
        return owner, Amend(
            order_id=f"r1.{words[1]}",
            quantity_lots=_lots(said["qty"]) if "qty" in said else None,
            limit_ticks=_ticks(said["at"]) if "at" in said else None,
            stop_ticks=_ticks(said["stop"]) if "stop" in said else None,
        )
    return owner, _signal(words, now_ns, pair)


def _signal(words: list[str], now_ns: int, pair: bool) -> Signal:
    more: dict[str, Any] = {}
    if "then" in words:
        at = words.index("then")
        more["then"] = words[at + 1]
        del words[at : at + 2]
    head = " ".join(words)
    if ":" in head:
        tie, _, head = head.partition(": ")
        if tie == "oco":
            more["together"] = "one_cancels_other"
        elif tie == "all":
            more["all_or_none"] = True
        else:
            more["together"], more["missed"] = tie.split()
    legs = [_leg(part.split(), more, now_ns, pair) for part in head.split(" & ")]
    return Signal(legs=tuple(legs), **more)


def _leg(words: list[str], more: dict[str, Any], now_ns: int, pair: bool) -> Leg:
    side, rest = words[0].upper(), words[1:]
    said: dict[str, Any] = {"symbol": PAIR if pair else YES}
    terms: dict[str, Any] = {}
    while rest:
        word = rest.pop(0)
        if word in {"YES", "NO"}:
            said["symbol"] = NO if word == "NO" else YES
        elif word == "at":
            said["limit_ticks"] = _unit(rest.pop(0), pair)
        elif word in TERMS_PRICES:
            terms[f"{word}_ticks"] = _unit(rest.pop(0), pair)
        elif word in TERMS_FLAGS:
            terms[word] = True
        elif word == "spend":
            terms["spend"] = rest.pop(0)
        elif word.startswith("GTD"):
            more["time_in_force"] = "GTD"
            more["expires_ns"] = now_ns + int(word[4:]) * 10**9
        elif word in {"GTC", "FOK", "IOC"}:
            more["time_in_force"] = word
        else:
            said["quantity_lots"] = _unit(word, pair)
    return Leg(side="BUY" if side == "BUY" else "SELL", terms=Terms(**terms) if terms else None,
               **said)  # fmt: skip


def _unit(word: str, pair: bool) -> int:
    return int(word) if pair else int(Decimal(word) * 100)
