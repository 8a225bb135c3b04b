"""One run told with several fill models: the same signals, another venue, figures side by side.

The strategy is asked once, under the first model. What it wanted is then sent at the same market
records to a paper venue of each other model, with an account of its own. What differs is execution
alone: a strategy that would have wanted something else after other fills is not asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from papertape.config import Config
from papertape.errors import InvalidInputError, nearest_match
from papertape.model.events import OrderFilled, Record
from papertape.model.money import MICROS
from papertape.model.orders import Amend, Cancel
from papertape.model.signal import Signal
from papertape.research.collector import Collector
from papertape.research.lookahead import nothing
from papertape.research.session import Order, Session
from papertape.research.unkept import UnkeptLedger
from papertape.research.watchdog import TimedManager
from papertape.services.data_flow_manager import DataFlowManager
from papertape.services.decision import Decision
from papertape.strategies.strategy_manager import Asked

MODELS = ("naive", "pessimistic", "likely", "optimistic")
SEVERAL = {"band": MODELS[1:], "all": MODELS}
BAND_POINTS_MAX = 500

Wish = Signal | Cancel | Amend


class FillAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to under one fill model; money in the quote currency.

    difference: total return less that of the first model. equity: at the end of every period.
    """

    model: str
    fills: int
    refused: int
    settled: int
    traded: float
    fees: float
    realized_pnl: float
    total_return: float
    difference: float
    state_hash: str
    equity: list[float]


def fill_models(words: str | None) -> tuple[str, ...]:
    """Return the models of `a,b`, of `band` or of `all`, in order, each once; () for None."""
    if words is None:
        return ()
    named: list[str] = []
    for word in (part.strip() for part in words.split(",")):
        if word not in MODELS and word not in SEVERAL:
            near = nearest_match(word, (*MODELS, *SEVERAL))
            raise InvalidInputError("fills", word, ", ".join((*MODELS, *SEVERAL)), nearest=near)
        named += SEVERAL.get(word, (word,))
    return tuple(dict.fromkeys(named))


def fill_answers(
    order: Order, models: Sequence[str], progress: Callable[[int, int], None]
) -> list[FillAnswer]:
    """Return what the run comes to under each model; the strategy is asked under the first.

    progress: told models done and models in all.
    """
    heard: list[_Heard] = []
    answers: list[FillAnswer] = []
    for done, model in enumerate(models):
        progress(done, len(models))
        told = _Told(_under(order, model), heard, listening=not answers)
        answers.append(told.answer(model, answers[0].total_return if answers else None))
    return answers


def band(answers: Sequence[FillAnswer]) -> list[list[float]]:
    """Return [lowest, highest] equity of the models, period by period, at most 500 of them."""
    length = min(len(answer.equity) for answer in answers)
    stride = -(-length // BAND_POINTS_MAX)
    picked = sorted({*range(0, length, stride), length - 1})
    ends = []
    for at in picked:
        values = [answer.equity[at] for answer in answers]
        ends.append([min(values), max(values)])
    return ends


def under_model(config: Config, models: Sequence[str]) -> Config:
    """Return the config under the first of these models; as it is if there is none."""
    if not models:
        return config
    execution = config.execution.model_copy(update={"fills": models[0]})
    return config.model_copy(update={"execution": execution})


def _under(order: Order, model: str) -> Order:
    fresh = type(order.strategy)(**order.strategy.values())
    return msgspec.structs.replace(
        order, config=under_model(order.config, (model,)), strategy=fresh
    )


class _Heard(msgspec.Struct):
    """A wish, after which market record it came, and the ids of its orders in the first run."""

    mseq: int
    tag: str
    wish: Wish
    orders: tuple[str, ...] = ()


class _Listening(DataFlowManager):
    """The door, with somebody who writes down what is asked of it."""

    heard: list[_Heard]

    def process_signal(
        self, strategy_name: str, signal: Any, *, by_person: bool = False
    ) -> Decision:
        decision = super().process_signal(strategy_name, signal, by_person=by_person)
        self._hear(strategy_name, signal, decision.orders)
        return decision

    def cancel_orders(self, strategy: str, wanted: Cancel) -> int:
        self._hear(strategy, wanted)
        return super().cancel_orders(strategy, wanted)

    def amend_order(self, strategy: str, wanted: Amend) -> tuple[OrderFilled, ...]:
        self._hear(strategy, wanted)
        return super().amend_order(strategy, wanted)

    def _hear(self, tag: str, wish: Wish, orders: tuple[str, ...] = ()) -> None:
        self.heard.append(_Heard(self._scribe.mseq, tag, wish, orders))


class _Retelling(DataFlowManager):
    """The door, which knows this run's ids of the orders that the first run numbered."""

    expected: tuple[str, ...] = ()
    mine: dict[str, str]

    def process_signal(
        self, strategy_name: str, signal: Any, *, by_person: bool = False
    ) -> Decision:
        expected = self.expected
        decision = super().process_signal(strategy_name, signal, by_person=by_person)
        self.mine.update(zip(expected, decision.orders, strict=False))
        return decision

    def cancel_orders(self, strategy: str, wanted: Cancel) -> int:
        mine = msgspec.structs.replace(wanted, order_id=self._id(wanted.order_id))
        return super().cancel_orders(strategy, mine)

    def amend_order(self, strategy: str, wanted: Amend) -> tuple[OrderFilled, ...]:
        mine = msgspec.structs.replace(wanted, order_id=self._id(wanted.order_id))
        return super().amend_order(strategy, mine)

    def _id(self, order_id: str) -> str:
        return self.mine.get(order_id, order_id)


class _Script(TimedManager):
    """Instead of strategies: what the first run wanted, at the same market records."""

    heard: Iterator[_Heard]
    waiting: _Heard | None
    seen: Callable[[], int]
    door: _Retelling

    def retell(self, heard: list[_Heard], seen: Callable[[], int], door: _Retelling) -> None:
        """Take the wishes; `seen` says how many market records there were."""
        self.heard = iter(heard)
        self.waiting = next(self.heard, None)
        self.seen, self.door = seen, door

    def start(self, context: Any) -> None:
        """Start nothing."""

    def stop(self) -> None:
        """Stop nothing."""

    def forget(self, symbol: str) -> None:
        """Forget nothing."""

    def ask(self, handler: str, symbol: str, seen: Any) -> Iterator[Asked]:
        while self.waiting is not None and self.waiting.mseq <= self.seen():
            said = self.waiting
            self.waiting = next(self.heard, None)
            self.door.expected = said.orders
            yield said.tag, said.wish

    def _tell(self, tag: str, handler: str, seen: object) -> Iterator[Asked]:
        return iter(())


class _Told:
    """One session under one model, and what it came to."""

    def __init__(self, order: Order, heard: list[_Heard], *, listening: bool) -> None:
        self._order = order
        feed = order.feed()
        self._collector = Collector(order.cash_micros, feed.first_ns, feed.last_ns - feed.first_ns)
        door = _Listening if listening else _Retelling
        manager = TimedManager if listening else _Script
        self._session = Session(
            order, feed, UnkeptLedger(self._take), "answers", nothing, door=door, manager=manager
        )
        self._collector.look_at(self._session.parts.watch, self._session.view.instruments)
        own = self._session.door
        if isinstance(own, _Listening):
            own.heard = heard
        script = self._session.manager
        if isinstance(script, _Script) and isinstance(own, _Retelling):
            own.mine = {}
            script.retell(heard, lambda: self._session.parts.scribe.mseq, own)

    def _take(self, record: Record) -> None:
        self._collector.take(record.event, record.ts_ns)

    def answer(self, model: str, first_return: float | None) -> FillAnswer:
        """Run the session and return its figures."""
        session, run = self._session, self._collector
        session.run()
        run.finish(session.clock.now_ns())
        figures = session.view.portfolio.get_summary()
        total = figures["total_return"]
        return FillAnswer(
            model=model,
            fills=run.fills,
            refused=sum(session.view.activity.refusals_by_reason.values()),
            settled=run.settled,
            traded=(run.bought_micros + run.sold_micros) / MICROS,
            fees=run.fees_micros / MICROS,
            realized_pnl=figures["realized_pnl"],
            total_return=total,
            difference=0.0 if first_return is None else total - first_return,
            state_hash=session.view.state_hash(),
            equity=[value / MICROS for value in run.grid],
        )
