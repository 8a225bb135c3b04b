"""Pages of trades and signals under a filter: every answer costs a bounded number of rows.

What has an index (account, strategy, symbol) is walked in order of `seq`; the rest of a filter is
tried on the rows of that walk. A walk that meets its bound before the page is full ends there and
says where to go on, so a page may be short, or empty, without being the last.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from papertape.model.events import InstrumentListed
from papertape.model.instrument import Instrument
from papertape.tape.follow import LedgerReader, TradeRow
from papertape.tape.schema import equity, instruments, signals, trades

WALKED_ROWS = 12_000  # per page: 20 ms at 1.5 us a row
SYMBOLS_WALKED = 8  # each by its own index; more are tried on the account's rows
RANGE_ROWS = 50_000  # a range of time with no more trades is entered through its index
SIGNALS_WALKED = 5_000  # a filter by symbol has no index: the newest are tried


@dataclass(frozen=True)
class TradeFilter:
    """What is asked for; None asks nothing. `symbols` is any of them; times are inclusive."""

    strategy: str | None = None
    symbols: tuple[str, ...] | None = None
    side: str | None = None
    kind: str | None = None
    from_ns: int | None = None
    to_ns: int | None = None

    @property
    def timed(self) -> bool:
        """Return whether a range of time is asked for."""
        return self.from_ns is not None or self.to_ns is not None


@dataclass(frozen=True)
class Window:
    """Numbers between which to look (exclusive), and the direction of the walk."""

    after_seq: int = 0
    before_seq: int | None = None
    newest_first: bool = True

    def at(self, edge_seq: int) -> Window:
        """Return the part of the window up to and with this row of the walk."""
        if self.newest_first:
            return replace(self, after_seq=max(self.after_seq, edge_seq - 1))
        before = edge_seq + 1
        return replace(self, before_seq=min(before, self.before_seq or before))


def trades_page(
    reader: LedgerReader,
    account: str,
    wanted: TradeFilter,
    window: Window,
    limit: int,
    *,
    walked_rows: int = WALKED_ROWS,
) -> tuple[list[TradeRow], int | None]:
    """Return at most `limit` trades in the window's order and the number to go on from, if any."""
    assert limit > 0, limit
    if wanted.timed:
        narrowed = _enter_range(reader, account, wanted, window)
        if narrowed is None:
            return [], None
        window = narrowed
    walks = _walks(account, wanted)
    budget = max(limit + 1, walked_rows // max(1, len(walks)))
    found: list[TradeRow] = []
    edges: list[int] = []
    for walk in walks:
        page, edge = _walk(reader, walk, _rest(wanted), window, limit, budget)
        found += page
        if edge is not None:
            edges.append(edge)
    newest = window.newest_first
    found.sort(key=lambda row: int(row["seq"]), reverse=newest)
    # Behind the first edge some walk has not looked: nothing beyond it may be shown yet.
    edge = None if not edges else max(edges) if newest else min(edges)
    if edge is not None:
        found = [row for row in found if (row["seq"] >= edge if newest else row["seq"] <= edge)]
    if len(found) > limit:
        return found[:limit], int(found[limit - 1]["seq"])
    return found, edge


def _walks(account: str, wanted: TradeFilter) -> list[ColumnElement[bool]]:
    """Return the conditions that an index serves, one walk each."""
    mine = trades.c.account == account
    symbols = wanted.symbols
    if symbols is not None and len(symbols) <= SYMBOLS_WALKED:
        return [mine & (trades.c.symbol == symbol) for symbol in symbols]
    if wanted.strategy is not None:
        return [mine & (trades.c.strategy == wanted.strategy)]
    return [mine]


def _rest(wanted: TradeFilter) -> list[ColumnElement[bool]]:
    """Return every condition; columns with a sum around them cannot lure the planner away."""
    rest: list[ColumnElement[bool]] = []
    if wanted.strategy is not None:
        rest.append(trades.c.strategy.concat("") == wanted.strategy)
    if wanted.symbols is not None and len(wanted.symbols) > SYMBOLS_WALKED:
        rest.append(trades.c.symbol.concat("").in_(wanted.symbols))
    if wanted.side is not None:
        rest.append(trades.c.side == wanted.side)
    if wanted.kind is not None:
        rest.append(trades.c.kind == wanted.kind)
    if wanted.from_ns is not None:
        rest.append(trades.c.ts_ns + 0 >= wanted.from_ns)
    if wanted.to_ns is not None:
        rest.append(trades.c.ts_ns + 0 <= wanted.to_ns)
    return rest


def _walk(
    reader: LedgerReader,
    walk: ColumnElement[bool],
    rest: list[ColumnElement[bool]],
    window: Window,
    limit: int,
    budget: int,
) -> tuple[list[TradeRow], int | None]:
    """Return the rows of one walk, one more than `limit` if there are, and the edge it met."""
    seq = trades.c.seq
    order = seq.desc() if window.newest_first else seq.asc()
    inside = _inside(select(seq).where(walk), window).order_by(order)
    edges = reader.rows(inside.limit(1).offset(budget - 1)) if rest else []
    edge = int(edges[0]["seq"]) if edges else None
    part = window if edge is None else window.at(edge)
    query = _inside(select(trades).where(walk, *rest), part).order_by(order)
    found = reader.rows(query.limit(limit + 1))
    if len(found) > limit:
        edge = int(found[-1]["seq"])
    return found, edge


def _inside(query: Select[Any], window: Window) -> Select[Any]:
    if window.after_seq:
        query = query.where(trades.c.seq > window.after_seq)
    if window.before_seq is not None:
        query = query.where(trades.c.seq < window.before_seq)
    return query


def _enter_range(
    reader: LedgerReader, account: str, wanted: TradeFilter, window: Window
) -> Window | None:
    """Return the window cut to a range of time with few trades; None if it has none.

    Times need not rise with the numbers (a run may begin earlier than the last one ended), so a
    range with many trades is left to the walk.
    """
    query = select(trades.c.seq).where(trades.c.account == account)
    if wanted.from_ns is not None:
        query = query.where(trades.c.ts_ns >= wanted.from_ns)
    if wanted.to_ns is not None:
        query = query.where(trades.c.ts_ns <= wanted.to_ns)
    few = query.limit(RANGE_ROWS + 1).subquery()
    ends = select(
        func.count().label("rows"),
        func.min(few.c.seq).label("first_seq"),
        func.max(few.c.seq).label("last_seq"),
    ).select_from(few)
    found = reader.rows(ends)
    if not found or not found[0]["rows"]:
        return None
    if found[0]["rows"] > RANGE_ROWS:
        return window
    before = int(found[0]["last_seq"]) + 1
    return replace(
        window,
        after_seq=max(window.after_seq, int(found[0]["first_seq"]) - 1),
        before_seq=before if window.before_seq is None else min(before, window.before_seq),
    )


def position_trades(
    reader: LedgerReader, account: str, strategy: str, symbol: str, *, before_seq: int, limit: int
) -> list[TradeRow]:
    """Return a strategy's newest trades of an instrument before a number, newest first."""
    wanted = TradeFilter(strategy=strategy, symbols=(symbol,))
    return trades_page(reader, account, wanted, Window(before_seq=before_seq), limit)[0]


def settlement_after(
    reader: LedgerReader, account: str, strategy: str, symbol: str, seq: int
) -> TradeRow | None:
    """Return what a strategy was paid for an instrument after a number, if it was."""
    wanted = TradeFilter(strategy=strategy, symbols=(symbol,), kind="settlement")
    window = Window(after_seq=seq, newest_first=False)
    found, _ = trades_page(reader, account, wanted, window, 1)
    return found[0] if found else None


def not_taken(
    reader: LedgerReader, account: str, symbols: tuple[str, ...], limit: int
) -> list[dict[str, Any]]:
    """Return what was refused, skipped or alarmed about some instruments, newest first.

    Only the account's newest SIGNALS_WALKED signals are looked at.
    """
    if not symbols:
        return []
    mine = signals.c.account == account
    seqs = select(signals.c.seq).where(mine).order_by(signals.c.seq.desc())
    edges = reader.rows(seqs.limit(1).offset(SIGNALS_WALKED - 1))
    named = [signals.c.symbols.contains(f'"{symbol}"', autoescape=True) for symbol in symbols]
    about = named[0]
    for each in named[1:]:
        about = about | each
    about = about & (signals.c.state != "raised")
    query = select(signals).where(mine, about).order_by(signals.c.seq.desc()).limit(limit)
    if edges:
        query = query.where(signals.c.seq >= edges[0]["seq"])
    return reader.rows(query)


def equity_page(
    reader: LedgerReader, account: str, window: Window, limit: int
) -> list[dict[str, Any]]:
    """Return samples of an account's equity in the window's order, at most `limit`."""
    seq = equity.c.seq
    query = select(equity).where(equity.c.account == account, seq > window.after_seq)
    if window.before_seq is not None:
        query = query.where(seq < window.before_seq)
    order = seq.desc() if window.newest_first else seq.asc()
    return reader.rows(query.order_by(order).limit(limit))


def listed_before(reader: LedgerReader, symbol: str, seq: int) -> Instrument | None:
    """Return an instrument as it was listed last before a record, None if it never was."""
    query = (
        select(instruments.c.seq)
        .where((instruments.c.symbol == symbol) & (instruments.c.seq < seq))
        .order_by(instruments.c.seq.desc())
        .limit(1)
    )
    found = reader.rows(query)
    record = reader.record(found[0]["seq"]) if found else None
    event = None if record is None else record.event
    return event.instrument if isinstance(event, InstrumentListed) else None


def signals_page(
    reader: LedgerReader,
    account: str,
    limit: int,
    *,
    before_seq: int | None = None,
    state: str | None = None,
    strategy: str | None = None,
) -> tuple[list[dict[str, Any]], int | None]:
    """Return at most `limit` signals, newest first, and the number to go on from, if any.

    A filter is tried on SIGNALS_WALKED rows; then the page ends, short or not.
    """
    seq, mine = signals.c.seq, signals.c.account == account
    if before_seq is not None:
        mine = mine & (seq < before_seq)
    edges = []
    wanted = select(signals).where(mine)
    if state is not None or strategy is not None:
        walk = select(seq).where(mine).order_by(seq.desc())
        edges = reader.rows(walk.limit(1).offset(SIGNALS_WALKED - 1))
        if state is not None:
            wanted = wanted.where(signals.c.state == state)
        if strategy is not None:
            wanted = wanted.where(signals.c.strategy == strategy)
    if edges:
        wanted = wanted.where(seq >= edges[0]["seq"])
    found = reader.rows(wanted.order_by(seq.desc()).limit(limit + 1))
    if len(found) > limit:
        return found[:limit], int(found[limit - 1]["seq"])
    return found, int(edges[0]["seq"]) if edges else None
