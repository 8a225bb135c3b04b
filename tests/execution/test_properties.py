"""Whatever the market does and whatever is ordered: no fill that a venue could not have given."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.desk import CRYPTO_FEE, NO, YES, Desk, folded
from tests.execution.order_states import follow

from papertape.model.events import OrderFilled, OrderSubmitted
from papertape.model.market_data import BookSeen, PrintSeen
from papertape.model.orders import Amend, Cancel, Terms
from papertape.model.signal import Leg, Signal

cents = st.integers(35, 65).map(lambda cent: cent * 100)
lots = st.integers(1, 600)
levels = st.lists(
    st.tuples(cents, st.integers(1, 800)), min_size=1, max_size=4, unique_by=lambda one: one[0]
)
maybe = st.one_of(st.none(), cents)
token = st.sampled_from([YES, NO])
configs = st.fixed_dictionaries(
    {
        "execution.fills": st.sampled_from(["pessimistic", "likely", "optimistic"]),
        "execution.prints": st.booleans(),
        "execution.latency_ms": st.sampled_from([0, 0, 300, 1_500]),
        "execution.latency_spread_ms": st.sampled_from([0, 400]),
        "execution.taker_delay": st.booleans(),
        "execution.doubtful_book": st.sampled_from(["refuse", "wait"]),
        "risk.max_exposure_pct": st.just(100),
    }
)
books = st.tuples(st.just("book"), token, levels, levels, st.sampled_from(["live"] * 6 + ["gap"]))
prints = st.tuples(st.just("print"), token, cents, lots, st.sampled_from(["BUY", "SELL"]))
side = st.sampled_from(["BUY", "BUY", "SELL"])


def leg(limit: Any = maybe, side: Any = side, terms: Any = None) -> Any:
    """Return legs with these limits, sides and terms."""
    return st.builds(
        Leg, symbol=token, side=side, quantity_lots=lots, limit_ticks=limit,
        terms=st.none() if terms is None else terms,
    )  # fmt: skip


def single(legs: Any, *times: str) -> Any:
    """Return signals of one leg that are in force like this."""
    return st.builds(
        Signal, legs=legs.map(lambda one: (one,)), time_in_force=st.sampled_from(times)
    )


def pair(limit: Any, **more: Any) -> Any:
    """Return signals of a leg on each token."""
    sized = st.tuples(lots, lots, limit, limit).map(
        lambda v: (
            Leg(symbol=YES, side="BUY", quantity_lots=v[0], limit_ticks=v[2]),
            Leg(symbol=NO, side="BUY", quantity_lots=v[1], limit_ticks=v[3]),
        )
    )
    return st.builds(Signal, legs=sized, **{name: st.just(one) for name, one in more.items()})


low, high = st.integers(20, 45).map(lambda c: c * 100), st.integers(55, 80).map(lambda c: c * 100)
middle = st.integers(46, 54).map(lambda cent: cent * 100)
bracket = st.builds(
    Terms, stop_loss_ticks=st.one_of(st.none(), low), take_profit_ticks=st.one_of(st.none(), high)
)
signals = st.one_of(
    single(leg(), "IOC", "FOK"),
    single(leg(cents), "GTC"),
    single(leg(cents, terms=st.just(Terms(post_only=True))), "GTC"),
    single(leg(terms=st.builds(Terms, stop_ticks=cents)), "GTC"),
    single(leg(st.none(), terms=st.builds(Terms, trail_ticks=st.sampled_from([100, 500]))), "GTC"),
    single(leg(middle, st.just("BUY"), bracket), "IOC", "GTC"),
    single(leg(maybe, st.just("SELL"), st.just(Terms(reduce_only=True))), "IOC", "FOK"),
    st.builds(
        Signal,
        legs=st.just((Leg(symbol=YES, side="BUY", terms=Terms(spend="3.5")),)),
    ),
    pair(cents, time_in_force="GTC", together="one_cancels_other"),
    pair(maybe, together="in_order", missed="unwind"),
    pair(maybe, together="in_order", missed="hold"),
    pair(maybe, all_or_none=True),
)
changes = st.one_of(
    st.builds(Cancel, order_id=st.integers(1, 12).map(lambda n: f"r1.o{n}")),
    st.builds(
        Amend, order_id=st.integers(1, 12).map(lambda n: f"r1.o{n}"),
        quantity_lots=st.one_of(st.none(), lots), limit_ticks=maybe, stop_ticks=maybe,
    ),
)  # fmt: skip
owners = st.sampled_from(["first", "second"])
orders = st.tuples(st.just("order"), owners, st.one_of(signals, signals, changes))
life = st.lists(st.one_of(books, books, orders, orders, prints), min_size=5, max_size=40)


def market(desk: Desk, step: tuple[Any, ...]) -> None:
    """Show a book that is not crossed, or a print."""
    if step[0] == "print":
        _, symbol, ticks, size, side = step
        seen = PrintSeen(symbol=symbol, ts_ns=0, price_ticks=ticks, quantity_lots=size, side=side)
        desk.step(seen, after_s=0.7)
        return
    _, symbol, bids, asks, state = step
    best = min((ticks for ticks, _ in asks), default=10_000)
    bids = sorted((level for level in bids if level[0] < best), reverse=True)
    desk.step(
        BookSeen(
            symbol=symbol, ts_ns=0, state=state,
            bid_ticks=[t for t, _ in bids], bid_lots=[n for _, n in bids],
            ask_ticks=[t for t, _ in sorted(asks)], ask_lots=[n for _, n in sorted(asks)],
        ),
        after_s=0.7,
    )  # fmt: skip


def run(config: dict[str, Any], steps: list[tuple[Any, ...]], restart_at: int = -1) -> Desk:
    """Live through the steps, perhaps with a restart in between."""
    desk = Desk(settings=config)
    tokens_of = desk.list_market(fees=CRYPTO_FEE)
    assert tokens_of.symbols == (YES, NO)
    for symbol in (YES, NO):
        desk.book(symbol, bids=[(4_900, 500)], asks=[(5_100, 2_000)])
        desk.send("BUY", 900, symbol=symbol, strategy="first")
    for n, step in enumerate(steps):
        if n == restart_at:
            desk = desk.restarted(from_snapshot=n % 2 == 0)
        if step[0] != "order":
            market(desk, step)
            continue
        _, owner, wish = step
        if isinstance(wish, Cancel):
            desk.door.cancel_orders(owner, wish)
        elif isinstance(wish, Amend):
            desk.door.amend_order(owner, wish)
        else:
            desk.door.process_signal(owner, wish)
        check_books(desk)
    return desk


def check_books(desk: Desk) -> None:
    """Expect books that conserve, cash that is there, and holdings that are there."""
    accounts = desk.view.portfolio.accounts
    accounts.check()
    assert accounts.cash_micros >= 0
    assert all(position.quantity_lots > 0 for position in accounts.positions.values())


def check_fills(desk: Desk) -> None:
    """Expect no price beyond the limit, and no more than was shown or printed."""
    limits: dict[str, Any] = {}
    taken: dict[Any, int] = {}
    by_print: dict[Any, int] = {}
    asks_seen: dict[tuple[str, int], int] = {}
    for record in desk.ledger.read(0, 1_000_000):
        event = record.event
        if isinstance(event, OrderSubmitted):
            limits[event.order_id] = event.limit_ticks
        elif getattr(event, "limit_ticks", None) is not None:
            limits[event.order_id] = event.limit_ticks  # amended
        if not isinstance(event, OrderFilled):
            continue
        limit, sign = limits[event.order_id], 1 if event.side == "BUY" else -1
        assert limit is None or sign * event.price_ticks <= sign * limit
        used = event.evidence
        assert used is not None
        if event.liquidity == "taker":
            assert event.price_ticks == used.price_ticks
        detail = used.detail
        prints = getattr(detail, "prints", ())
        by_a_print = event.liquidity == "maker" and prints and prints[-1].ts_ns == record.ts_ns
        if by_a_print and used.seen_lots == prints[-1].quantity_lots:
            key = (record.mseq, event.symbol)
            by_print[key] = by_print.get(key, 0) + event.quantity_lots
            assert by_print[key] <= prints[-1].quantity_lots
            continue
        level = (used.book_ts_ns, event.symbol, event.side, used.price_ticks)
        taken[level] = taken.get(level, 0) + event.quantity_lots
        assert asks_seen.setdefault(level[:2] + level[2:], used.seen_lots) == used.seen_lots
        assert taken[level] <= used.seen_lots


@settings(max_examples=150, deadline=None)
@given(configs, life, st.integers(-1, 30))
def test_whatever_happens(
    config: dict[str, Any], steps: list[tuple[Any, ...]], restart_at: int
) -> None:
    desk = run(config, steps, restart_at)
    check_books(desk)
    check_fills(desk)
    follow(desk.events())
    assert folded(desk.ledger).digest() == desk.view.digest()
    open_now = {kept.order.order_id: kept.remaining_lots for kept in desk.view.orders.open.values()}
    assert open_now == {w.order.order_id: w.remaining_lots for w in desk.engine.pool}


@settings(max_examples=25, deadline=None)
@given(configs, life)
def test_the_same_seed_is_the_same_run(
    config: dict[str, Any], steps: list[tuple[Any, ...]]
) -> None:
    first, again = run(config, steps), run(config, steps)
    assert first.view.state_hash() == again.view.state_hash()
