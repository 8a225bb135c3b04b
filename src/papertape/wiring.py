"""Wiring: the one place that knows every concrete class and decides nothing."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec

from papertape.clock import NS_PER_S, Clock, ManualClock
from papertape.config import Config
from papertape.config_venues import VenueName
from papertape.errors import ConfigError, WorldError
from papertape.feeds.crypto.choice import CryptoChoice
from papertape.feeds.crypto.door import load_ccxt
from papertape.feeds.crypto.venue import CryptoVenue
from papertape.feeds.desk import Venue
from papertape.feeds.importers.imported import import_data
from papertape.feeds.kalshi.messages import VENUE as KALSHI
from papertape.feeds.kalshi.venue import KalshiChoice, KalshiVenue
from papertape.feeds.live import LiveFeed
from papertape.feeds.outbox import FULL, Outbox
from papertape.feeds.polymarket.gamma import VENUE as POLYMARKET
from papertape.feeds.polymarket.picker import Choice
from papertape.feeds.polymarket.session import Places
from papertape.feeds.polymarket.venue import PolymarketVenue
from papertape.feeds.replay import ReplayFeed
from papertape.feeds.simulated import SimulatedFeed
from papertape.model.events import Mode
from papertape.model.instrument import Instrument
from papertape.model.ports import Feed, MarketSink
from papertape.services.door_parts import execution_settings
from papertape.services.exit_rules import exit_rules, rules_settings
from papertape.services.tape_view import TapeView
from papertape.strategies.base import Strategy
from papertape.strategies.registry import BY_DEFAULT, strategy_class
from papertape.tape.doorbell import Doorbell
from papertape.tape.ledger import SqliteLedger
from papertape.tape.raw_capture import RawSink
from papertape.tape.recorder import CountingSink, MarketRecorder
from papertape.tape.recording import Recording

READ_RECORDS = 5_000  # records folded per read at start: about 2 MB
LIVE_ACCOUNT = "paper"  # goes on from run to run, as a real one would
FIRST_SYMBOLS = ("binance:BTC/USDT", "coinbase:BTC/USD")  # where crypto is named and no pair
SIMULATED_EPOCH_NS = 1_767_225_600 * NS_PER_S  # 2026-01-01: where "max" speed simulations begin


class Source(msgspec.Struct, kw_only=True):
    """A feed with what the run must know about it."""

    feed: Feed
    sink: MarketSink
    mode: Mode
    account: str
    fresh: bool
    market_data: str
    start_ns: int
    settings: dict[str, str]


def open_ledger(data_dir: Path, doorbell: Doorbell | None = None) -> SqliteLedger:
    """Return the ledger of a data folder, made if it is not there."""
    return SqliteLedger(data_dir / "papertape.db", doorbell=doorbell)


def fold_ledger(ledger: SqliteLedger) -> TapeView:
    """Return the state that the tape says: the newest snapshot and what came after it."""
    view = TapeView()
    snapshot = ledger.latest_snapshot()
    if snapshot is not None and not view.restore_bytes(snapshot[1]):
        view = TapeView()
    while records := ledger.read(view.seq, READ_RECORDS):
        for record in records:
            view.apply(record)
    return view


def build_strategies(config: Config, names: Sequence[str] | None) -> dict[str, Strategy]:
    """Return the strategies of a run by tag, with their configured parameters."""
    for name in config.strategies:
        strategy_class(name)
    chosen = dict.fromkeys((*BY_DEFAULT, *config.strategies))
    wanted = list(names) if names else [name for name in chosen if _enabled(config, name)]
    strategies: dict[str, Strategy] = {}
    for name in wanted:
        kind = strategy_class(name)
        settings = config.strategies.get(kind.name)
        strategies[kind.name] = kind(**(settings.params if settings else {}))
    if not strategies:
        raise ConfigError("strategies: none is enabled")
    return strategies


def _enabled(config: Config, name: str) -> bool:
    settings = config.strategies.get(name)
    return settings is None or settings.enabled


def build_source(config: Config, view: TapeView, run_id: str, clock: Clock) -> Source:
    """Return the feed that the config asks for, and where its data is kept."""
    market_dir = config.data_dir / "market"
    if config.feed.kind == "replay":
        return _replay(config, market_dir, run_id, clock)
    if config.feed.kind == "live":
        return _live(config, view, market_dir, run_id, clock)
    return _simulated(config, view, market_dir, run_id, clock)


def _replay(config: Config, market_dir: Path, run_id: str, clock: Clock) -> Source:
    assert config.feed.data is not None, "the config has checked it"
    if not config.feed.data.exists():
        raise WorldError(f"feed.data: there is nothing at {config.feed.data}")
    folder = import_data(config.feed.data, market_dir)
    recording = Recording(folder)
    return Source(
        feed=ReplayFeed(recording, speed=config.feed.speed, clock=clock),
        sink=CountingSink(),
        mode="REPLAY",
        account=f"replay-{run_id}",
        fresh=True,
        market_data=folder.name,
        start_ns=recording.manifest.first_ts_ns or 0,
        settings={},
    )


def _simulated(
    config: Config, view: TapeView, market_dir: Path, run_id: str, clock: Clock
) -> Source:
    account = f"simulated-{config.feed.seed}"
    books = view.accounts.get(account)
    at_max = config.feed.speed == "max"
    now_ns = SIMULATED_EPOCH_NS if at_max else clock.now_ns()
    start_ns = now_ns if books is None else max(books.last_ts_ns, 0 if at_max else now_ns)
    duration_s = config.feed.duration_s
    feed = SimulatedFeed(
        seed=config.feed.seed,
        start_ns=start_ns,
        speed=config.feed.speed,
        clock=clock,
        duration_ns=None if duration_s is None else round(duration_s * NS_PER_S),
        resumed_from_ns=None if books is None else books.last_ts_ns,
    )
    recorder = MarketRecorder(
        market_dir / run_id,
        source="simulated",
        meta={"seed": config.feed.seed},
        rows_per_segment=config.storage.rows_per_segment,
    )
    return Source(
        feed=feed,
        sink=recorder,
        mode="SIMULATED",
        account=account,
        fresh=books is None,
        market_data=run_id,
        start_ns=start_ns,
        settings={"seed": str(config.feed.seed)},
    )


def live_feed(
    config: Config, held: tuple[Instrument, ...], clock: Clock, *, raw: RawSink | None = None
) -> LiveFeed:
    """Return the feed of real markets; held: what is followed besides, to its payout.

    raw: told what arrives; such a feed hands on every book, however many wait.
    """
    outbox = Outbox() if raw is None else Outbox(keep_every_book=FULL)
    venues = _venues(config, held)
    return LiveFeed(venues, clock=clock, jitter=random.Random(), raw=raw, outbox=outbox)


def _live(config: Config, view: TapeView, market_dir: Path, run_id: str, clock: Clock) -> Source:
    books = view.accounts.get(LIVE_ACCOUNT)
    feed = live_feed(config, _held(view), clock)
    recorder = MarketRecorder(
        market_dir / run_id, source=feed.source, rows_per_segment=config.storage.rows_per_segment
    )
    now_ns = clock.now_ns()
    return Source(
        feed=feed,
        sink=recorder,
        mode="PAPER",
        account=LIVE_ACCOUNT,
        fresh=books is None,
        market_data=run_id,
        start_ns=now_ns if books is None else max(books.last_ts_ns, now_ns),
        settings={
            "live.query": config.live.query,
            "live.slugs": ",".join(config.live.slugs),
            "crypto.symbols": ",".join(config.crypto.symbols),
            "kalshi.tickers": ",".join(config.kalshi.tickers),
        },
    )


def _venues(config: Config, held: tuple[Instrument, ...]) -> list[Venue]:
    """Return the venues of a live run: those that are named, else those chosen from."""
    live = config.live
    names = live.venues
    if names is None:
        chosen: dict[VenueName, bool] = {
            "polymarket": bool(live.slugs or live.query or live.tag),
            "crypto": bool(config.crypto.symbols),
            "kalshi": bool(config.kalshi.tickers or config.kalshi.series),
        }
        names = [name for name, is_chosen in chosen.items() if is_chosen] or ["polymarket"]
    venues: list[Venue] = [_polymarket(config, held)] if "polymarket" in names else []
    if "crypto" in names:
        venues += _crypto(config, held)
    if "kalshi" in names:
        venues.append(_kalshi(config, held))
    if not venues:
        raise ConfigError("live.venues: there is nothing to watch; name at least one venue")
    return venues


def _polymarket(config: Config, held: tuple[Instrument, ...]) -> PolymarketVenue:
    live = config.live
    return PolymarketVenue(
        Places(
            gamma_url=live.gamma_url,
            clob_url=live.clob_url,
            ws_url=live.ws_url,
            tokens_per_socket=live.tokens_per_socket,
            refresh_s=live.refresh_s,
        ),
        Choice(
            slugs=tuple(live.slugs),
            query=live.query,
            tag=live.tag,
            volume_usd_min=live.volume_usd_min,
            liquidity_usd_min=live.liquidity_usd_min,
            ends_within_h=live.ends_within_h,
            markets_max=live.markets_max,
            held=tuple(sorted({h.symbol.split(":")[1] for h in held if h.venue == POLYMARKET})),
        ),
    )


def _crypto(config: Config, held: tuple[Instrument, ...]) -> list[Venue]:
    """Return a venue for each exchange that is named, and for each in which there is a position."""
    load_ccxt()  # said at once where it is missing
    crypto = config.crypto
    by_venue: dict[str, list[str]] = {}
    pairs_held = [instrument.symbol for instrument in held if instrument.kind == "spot"]
    for symbol in dict.fromkeys((*(crypto.symbols or FIRST_SYMBOLS), *pairs_held)):
        venue, _, pair = symbol.partition(":")
        by_venue.setdefault(venue, []).append(pair)
    return [
        CryptoVenue(
            CryptoChoice(
                name=venue,
                pairs=tuple(pairs),
                urls=crypto.urls.get(venue),
                depth_levels=crypto.depth_levels,
                bar_interval=crypto.bar_interval,
                trust_unproven=crypto.trust_unproven,
            )
        )
        for venue, pairs in by_venue.items()
    ]


def _kalshi(config: Config, held: tuple[Instrument, ...]) -> KalshiVenue:
    kalshi = config.kalshi
    if not kalshi.tickers and not kalshi.series:
        raise ConfigError("kalshi: name markets (kalshi.tickers, --kalshi) or kalshi.series")
    return KalshiVenue(
        KalshiChoice(
            url=kalshi.url,
            tickers=tuple(kalshi.tickers),
            series=tuple(kalshi.series),
            held=tuple(sorted({h.symbol.split(":")[1] for h in held if h.venue == KALSHI})),
            markets_max=kalshi.markets_max,
            requests_per_s=kalshi.requests_per_s,
            refresh_s=kalshi.refresh_s,
        )
    )


def _held(view: TapeView) -> tuple[Instrument, ...]:
    """Return the instruments in which the live account has a position."""
    books = view.accounts.get(LIVE_ACCOUNT)
    held = books.portfolio.accounts.positions if books is not None else {}
    symbols = sorted({symbol for _, symbol in held if symbol in view.instruments})
    return tuple(view.instruments[symbol] for symbol in symbols)


def run_settings(config: Config, strategies: dict[str, Strategy], source: Source) -> dict[str, str]:
    """Return what a reader of the tape must know to tell the run again."""
    settings: dict[str, str] = dict(source.settings)
    for section, values in (("risk", config.risk), ("engine", config.engine)):
        for name, value in values.model_dump(mode="json", exclude_none=True).items():
            settings[f"{section}.{name}"] = f"{value}%" if name.endswith("_pct") else str(value)
    settings.update(execution_settings(config))
    for tag, strategy in strategies.items():
        for name, number in strategy.values().items():
            settings[f"{tag}.{name}"] = str(number)
    return settings | rules_settings(exit_rules(config), strategies)


def plain_setting(text: str) -> int | Decimal | str:
    """Return a setting of `run_settings` as the exact value it was."""
    if text in {"True", "False"}:
        return text == "True"
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return int(number) if number == number.to_integral_value() and "." not in text else number


def event_clock(view: TapeView, source: Source) -> ManualClock:
    """Return the run's clock: it shows the time of the newest market record."""
    books = None if source.fresh else view.accounts.get(source.account)
    return ManualClock(source.start_ns if books is None else books.last_ts_ns)
