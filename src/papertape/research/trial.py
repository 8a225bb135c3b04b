"""One try of a search: a strategy with some parameters over a stretch of data, and its figures.

A try decides and fills as `papertape backtest` does on the same data: same feed, same engine, same
figures. It leaves no tape; what is kept is what a search needs.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from hashlib import sha256
from inspect import getsourcefile
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from papertape import __version__
from papertape.config import Config
from papertape.errors import ConfigError
from papertape.research.backtest import build_strategy
from papertape.research.collector import Collector
from papertape.research.lookahead import nothing
from papertape.research.metrics import Figures, measure
from papertape.research.session import Order, Session
from papertape.research.space import Params
from papertape.research.unkept import UnkeptLedger
from papertape.strategies.base import Strategy
from papertape.tape.recording import Recording

PACKAGE = Path(__file__).parents[1]
ENGINE_PARTS = ("model", "core", "engine", "services", "strategies")
ENGINE_FILES = (
    "backtest.py", "collector.py", "formulas.py", "luck.py", "market_slice.py", "metrics.py",
    "session.py", "trial.py", "trips.py", "unkept.py",
)  # fmt: skip
ID_DIGITS = 16  # of a study's name: 64 bits


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What all tries of a study share; a few lines of JSON, so that any process can take it.

    strategy: a shipped name or `file.py:Class`. market: folder of the recording. config: the
    settings that matter, as JSON values.
    """

    strategy: str
    market: str
    data: str
    fees: str = "default"
    seed: int = 7
    config: dict[str, Any] = {}


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters over a stretch of data; what is to be run.

    span: first and last ns, None for all. step_ns: the period of returns, 0 for the usual one.
    """

    params: Params
    span: tuple[int, int] | None = None
    step_ns: int = 0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a try: every metric, and equity in micros at the ends of periods."""

    figures: Figures
    grid: tuple[int, ...]
    step_ns: int
    failure: str = ""

    def returns(self) -> list[float]:
        """Return the returns per period, as fractions; 0 once there is nothing left."""
        grid = self.grid
        return [b / a - 1 if a > 0 else 0.0 for a, b in pairwise(grid)]


class Bench:
    """Where tries of one setting are run, one after the other; what they share is made once."""

    def __init__(self, setting: Setting, kind: type[Strategy]) -> None:
        """Take the strategy's class; the data is read when a try is run."""
        self._setting = setting
        self._config = Config.model_validate(setting.config)
        self._kind = kind

    def order(self, one: Try) -> Order:
        """Return what a backtest of a try is asked for; ConfigError if it cannot be."""
        setting = self._setting
        return Order(
            strategy=build_strategy(self._kind, one.params, self._config),
            config=self._config,
            market=Path(setting.market),
            data=setting.data,
            start_ns=one.span[0] if one.span else None,
            end_ns=one.span[1] if one.span else None,
            fees=setting.fees,
            seed=setting.seed,
        )

    def run(self, one: Try) -> Outcome:
        """Run a try; a strategy that fails is an outcome, with what it did until then."""
        try:
            order = self.order(one)
        except ConfigError as error:  # parameters that do not go together: known when it is made
            return Outcome(figures={}, grid=(), step_ns=one.step_ns, failure=str(error))
        feed = order.feed()
        run = Collector(order.cash_micros, feed.first_ns, feed.last_ns - feed.first_ns, one.step_ns)
        ledger = UnkeptLedger(lambda record: run.take(record.event, record.ts_ns))
        session = Session(order, feed, ledger, "search", nothing)
        run.look_at(session.parts.watch, session.view.instruments)
        session.run()
        run.finish(session.clock.now_ns())
        return Outcome(
            figures=measure(run),
            grid=tuple(run.grid),
            step_ns=run.period_ns,
            failure=session.failure,
        )


# --- what a study is called ---------------------------------------------------------------------


def study_document(setting: Setting, kind: type[Strategy]) -> dict[str, Any]:
    """Return all that an outcome depends on besides its try: code, data, settings, seed.

    The strategy's code is that of the files of its class and bases; what those import is not seen.
    """
    manifest = Recording(Path(setting.market)).manifest
    return {
        "strategy": kind.name,
        "code": code_hash(kind),
        "core": f"{__version__}-{engine_hash()}",
        "data": digest(part.sha256 for part in manifest.segments),
        "fees": setting.fees,
        "seed": setting.seed,
        "config": setting.config,
    }


def study_id(document: Mapping[str, Any]) -> str:
    """Return a name that changes with anything in the document."""
    return digest([msgspec.json.encode(document, order="sorted").decode()])


def code_hash(kind: type[Strategy]) -> str:
    """Return a digest of the files that a strategy's class and its bases stand in."""
    files = {}
    for part in kind.__mro__:
        if issubclass(part, Strategy) and part is not Strategy:
            try:
                path = getsourcefile(part)
                body = Path(path).read_bytes() if path else b""
            except (TypeError, OSError):
                body = b""
            if not body:  # no file, so nothing can say whether it is the same again
                body = secrets.token_bytes(32)
            files[part.__qualname__] = sha256(body).hexdigest()
    return digest(f"{name} {body}" for name, body in sorted(files.items()))


def engine_hash() -> str:
    """Return a digest of the code that decides what comes of a try."""
    parts = [path for name in ENGINE_PARTS for path in sorted((PACKAGE / name).rglob("*.py"))]
    parts += [PACKAGE / "research" / name for name in ENGINE_FILES]
    return digest(f"{path.name} {sha256(path.read_bytes()).hexdigest()}" for path in parts)


def digest(words: Iterable[str]) -> str:
    """Return the first digits of the SHA-256 of words, one a line."""
    return sha256("\n".join(words).encode()).hexdigest()[:ID_DIGITS]
