"""What the door needs: built by the wiring for a bot, or here for a script that stands alone."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from papertape.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from papertape.config import Config, Execution, Risk, load_config
from papertape.engine.desk_limits import NO_LIMITS, DeskLimits
from papertape.engine.exit_manager import ExitRules
from papertape.engine.fill_rules import FillRules
from papertape.engine.ids import Ids
from papertape.engine.market_watch import MarketWatch
from papertape.engine.paper_trading_engine import PaperTradingEngine
from papertape.engine.risk_manager import RiskLimits, RiskManager
from papertape.errors import InvalidInputError
from papertape.model.events import InstrumentListed, RunStarted
from papertape.model.market_data import BookSeen
from papertape.model.money import PPM, to_micros, to_units
from papertape.model.ports import Ledger
from papertape.model.signal import Signal
from papertape.services.exit_rules import exit_rules
from papertape.services.plain import plain_instrument
from papertape.services.scribe import Scribe
from papertape.services.tape_view import TapeView
from papertape.tape.memory import MemoryLedger

PPM_NANOS = 100_000  # one part per million, as 1e-9 of a percent


class Caller(Protocol):
    """A caller who brings the prices: the feed of a stand-alone desk."""

    def quote(self, signal: Signal, view: TapeView, scribe: Scribe) -> None:
        """Take the prices that the signal states as what the caller has seen."""
        ...


class DoorParts(msgspec.Struct, kw_only=True):
    """The parts behind the door."""

    view: TapeView
    watch: MarketWatch
    engine: PaperTradingEngine
    scribe: Scribe
    risk: RiskManager
    limits: DeskLimits = NO_LIMITS
    exits: dict[str, ExitRules] = {}
    ids: Ids
    clock: Clock
    duplicate_window_ns: int = 0
    caller: Caller | None = None


def risk_limits(config: Risk) -> RiskLimits:
    """Return the limits of a config in the engine's units."""
    return RiskLimits(
        order_micros_max=to_micros(config.max_order_usd, "risk.max_order_usd"),
        position_micros_max=to_micros(config.max_position_usd, "risk.max_position_usd"),
        exposure_ppm_max=to_units(config.max_exposure_pct, PPM_NANOS, "risk.max_exposure_pct"),
        daily_loss_micros_max=to_micros(config.max_daily_loss_usd, "risk.max_daily_loss_usd"),
        open_orders_max=config.max_open_orders,
        price_age_ns_max=int(config.book_age_s_max * NS_PER_S),
    )


def desk_limits(config: Risk) -> DeskLimits:
    """Return the further limits of a config in the engine's units; what is not set is no limit."""

    def micros(name: str) -> int | None:
        value = getattr(config, name)
        return None if value is None else to_micros(value, f"risk.{name}")

    def ppm(name: str) -> int | None:
        value = getattr(config, name)
        return None if value is None else to_units(value, PPM_NANOS, f"risk.{name}")

    to_end_s = config.time_to_end_s_min
    return DeskLimits(
        market_micros_max=micros("max_market_usd"),
        event_micros_max=micros("max_event_usd"),
        strategy_micros_max=micros("max_strategy_usd"),
        venue_micros_max=micros("max_venue_usd"),
        drawdown_ppm_max=ppm("max_drawdown_pct"),
        losing_streak_max=config.max_losing_streak,
        losing_rest_ns=(
            0 if config.max_losing_streak is None else int(config.losing_streak_rest_s * NS_PER_S)
        ),
        orders_per_minute_max=config.max_orders_per_min,
        collar_ppm=ppm("price_collar_pct"),
        time_to_end_ns_min=None if to_end_s is None else int(to_end_s * NS_PER_S),
        reduce_only=config.reduce_only,
    )


def fill_rules(config: Execution) -> FillRules:
    """Return how kind the paper venue is, in the engine's units."""
    ahead: dict[str, int | None] = {"naive": 0, "pessimistic": 0, "likely": None, "optimistic": PPM}
    share = config.ahead_share_pct
    return FillRules(
        model=config.fills,
        prints=config.prints or config.fills in {"likely", "optimistic"},
        ahead_ppm=ahead[config.fills] if share is None else round(share * PPM / 100),
        latency_ns=config.latency_ms * NS_PER_MS,
        spread_ns=config.latency_spread_ms * NS_PER_MS,
        venue_latency_ns={
            venue: late * NS_PER_MS for venue, late in sorted(config.venue_latency_ms.items())
        },
        taker_delay=config.taker_delay,
        wait_doubtful=config.doubtful_book == "wait" and config.fills != "naive",
    )


def execution_settings(config: Config) -> dict[str, str]:
    """Return the fill rules of a run where they are not the plain ones, to tell it again."""
    plain = Execution().model_dump(mode="json")
    settings: dict[str, str] = {}
    for name, value in config.execution.model_dump(mode="json").items():
        if value == plain[name]:
            continue
        inner = value.items() if isinstance(value, dict) else (("", value),)
        for key, one in inner:
            dotted = f"execution.{name}.{key}" if key else f"execution.{name}"
            settings[dotted] = str(one).lower() if isinstance(one, bool) else str(one)
    return settings


def door_parts(
    config: Config, ledger: Ledger, view: TapeView, clock: Clock, *, source: str, run_number: int
) -> DoorParts:
    """Return the parts of a door that writes to `ledger` and keeps `view` current."""
    scribe = Scribe(ledger, view)
    watch = MarketWatch(source)
    ids = Ids(run_number)
    engine = PaperTradingEngine(
        watch=watch,
        instruments=view.instruments,
        holdings=lambda: view.portfolio.accounts,
        note=scribe.note,
        now_ns=lambda: scribe.ts_ns,
        ids=ids,
        rules=fill_rules(config.execution),
        chance=random.Random(f"{config.execution.seed}:{run_number}"),
        market_state=lambda market_id: view.market_states.get(market_id, "trading"),
    )
    return DoorParts(
        view=view,
        watch=watch,
        engine=engine,
        scribe=scribe,
        risk=RiskManager(risk_limits(config.risk)),
        limits=desk_limits(config.risk),
        exits=exit_rules(config),
        ids=ids,
        clock=clock,
        duplicate_window_ns=config.risk.duplicate_window_ms * NS_PER_MS,
    )


def build_standalone(config: Config | Mapping[str, Any] | None) -> DoorParts:
    """Return the parts of a desk without feed or files: books in memory, prices by the caller."""
    settings = (
        config if isinstance(config, Config) else load_config(overrides=_dotted(config or {}))
    )
    clock = SystemClock()
    ledger, view = MemoryLedger(), TapeView()
    parts = door_parts(settings, ledger, view, clock, source="caller", run_number=1)
    parts.caller = CallerQuotes(parts.watch)
    parts.scribe.at(clock.now_ns(), 0)
    parts.scribe.note(
        RunStarted(
            run_id="standalone",
            number=1,
            account="standalone",
            mode="PAPER",
            feed="caller",
            fresh=True,
            initial_cash_micros=to_micros(
                settings.account.initial_cash_usd, "account.initial_cash_usd"
            ),
            strategies=(),
        )
    )
    parts.scribe.commit()
    return parts


def _dotted(settings: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            flat.update(_dotted(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


class CallerQuotes:
    """Turns the price in a caller's signal into the one quote that is known: at that size, now."""

    def __init__(self, watch: MarketWatch) -> None:
        """Show the quotes to `watch`."""
        self._watch = watch

    def quote(self, signal: Signal, view: TapeView, scribe: Scribe) -> None:
        """List unknown instruments and take each stated price as a book of the wanted size."""
        for leg in signal.legs:
            instrument = view.instruments.get(leg.symbol) or plain_instrument(leg.symbol)
            if leg.limit is None or leg.quantity is None:
                if leg.symbol not in view.instruments:
                    raise InvalidInputError("price", leg.limit, "a price: none has been seen")
                continue
            ticks, lots = instrument.ticks(leg.limit), instrument.lots(leg.quantity)
            view.portfolio.check_mark(instrument, ticks, "price")
            buying = leg.side == "BUY"
            book = BookSeen(
                symbol=leg.symbol,
                ts_ns=scribe.ts_ns,
                bid_ticks=() if buying else (ticks,),
                bid_lots=() if buying else (lots,),
                ask_ticks=(ticks,) if buying else (),
                ask_lots=(lots,) if buying else (),
            )
            if leg.symbol not in view.instruments:
                scribe.note(InstrumentListed(instrument=instrument))
            scribe.mseq += 1
            self._watch.see_book(book)
            view.portfolio.mark(leg.symbol, ticks)
