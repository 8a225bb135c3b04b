"""The journal of trades: each from flat to flat, with what a person says of it beside it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response

from papertape.clock import NS_PER_MS, iso_utc
from papertape.dashboard.api import shapes
from papertape.dashboard.api.answers import (
    CURSOR,
    LIMIT,
    ApiError,
    Query,
    body_object,
    choice,
    endpoint,
    integer,
    success,
    word,
)
from papertape.dashboard.api.export import FILES, FORMAT, file_of
from papertape.dashboard.api.journal import (
    CHANGES,
    KEYS,
    checked,
    edited,
    version_of,
)
from papertape.dashboard.desk import MARKED_MAX, EditedError, Entry
from papertape.dashboard.state import DashboardState, state
from papertape.errors import MISSING, InvalidInputError
from papertape.model.money import MICROS, NANOS
from papertape.services.trade_diary import Story

api = Blueprint("journal_trades", __name__)

UPDATE_S_MAX = 1.0  # of one request spent on reading the ledger; the next goes on
CHUNK_ROWS = 500
WALKED_MAX = 2_000  # stories looked at for one page; under 50 ms
LINKED = ("trade_id", "symbol", "strategy")  # what a story knows itself
SAYABLE = tuple(key for key in KEYS if key not in LINKED)
REASON = "no reason was given"
FILTERS = (
    word("q", "words of market, strategy or of what was written; all must fit"),
    word("tag"),
    word("strategy"),
    integer("rating", 1, 5),
    choice("reviewed", ("yes", "no"), None, "whether somebody has rated it"),
    choice("state", ("open", "closed")),
)
EXPORT_COLUMNS = (
    "id", "strategy", "venue", "market", "question", "outcomes", "opened_at", "closed_at",
    "holding_ms", "quantity", "bought", "sold", "fees", "pnl", "state", "reason", "exit_kind",
    "exit_reason", "confidence_level", "rating", "tags", "lessons_learned", "notes",
)  # fmt: skip
REVIEW: dict[str, Any] = {
    **CHANGES,
    "properties": {k: v for k, v in CHANGES["properties"].items() if k not in LINKED},
}

Row = dict[str, Any]


@endpoint(
    api,
    "/api/journal/trades",
    "Trades from flat to flat with their journal entries, the newest first",
    params=(*FILTERS, LIMIT, CURSOR),
    data=shapes.listed(),
)
def journal_trades(query: Query) -> Response:
    """Return a page; `catching_up` while the ledger is still being read for the first time.

    A page may be short without being the last: `next_cursor` says where to go on.
    """
    here = state()
    found = here.apart(lambda: _page(here, query, query["limit"], query["cursor"]))
    rows, behind, current = found
    return success(rows, next_cursor=behind, catching_up=not current)


@endpoint(api, "/api/journal/trades/<trade_id>", "One trade from flat to flat")
def journal_trade(_: Query, trade_id: str) -> Response:
    """Return the story that began with a trade."""
    return success(_one(state(), trade_id))


@endpoint(api, "/api/journal/trades/<trade_id>", "Say something of a trade", method="PATCH",
          body=REVIEW)  # fmt: skip
def review(_: Query, trade_id: str) -> Response:
    """Write into the trade's entry, which is made if there is none; null empties a field.

    `version` is that of the entry as it was read, "0" if there was none; if it says another by
    now the answer is 409 with the entry as it is.
    """
    form = body_object((*SAYABLE, "version"))
    version = version_of(form)
    if "entry_reason" in form and form["entry_reason"] is None:
        raise InvalidInputError("entry_reason", None, "a text; leave it out to keep what is there")
    fields = checked(form)
    if "confidence_level" in fields:
        fields["confidence_level"] = fields["confidence_level"] or 0
    if not fields:
        raise InvalidInputError("rating", MISSING, "something to say of this trade")
    here = state()
    story = _one(here, trade_id)
    defaults = {
        "entry_reason": story["reason"] or REASON,
        "symbol": story["symbols"][0],
        "strategy": story["strategy"],
    }
    try:
        return success(here.desk.review(trade_id, fields, defaults, version))
    except EditedError as error:
        return edited(error)


@endpoint(api, "/api/export/journal", "Trades from flat to flat with what was written of them",
          params=(FORMAT, *FILTERS),
          content=FILES, fails=(429,))  # fmt: skip
def export_journal(query: Query) -> Response:
    """Return a file, the newest trade first."""
    here = state()
    flat = query["format"] != "json"
    rows = (_flat(row) if flat else row for row in _all(here, query))
    return file_of("journal", query["format"], EXPORT_COLUMNS, rows, {})


def _all(here: DashboardState, query: Query) -> Iterator[Row]:
    cursor: int | None = None
    while True:
        before = cursor
        rows, cursor, _ = here.apart(lambda: _page(here, query, CHUNK_ROWS, before))  # noqa: B023
        yield from rows
        if cursor is None:
            return


def _flat(row: Row) -> Row:
    said = row["entry"] or {}
    written = {name: said.get(name) for name in ("confidence_level", "rating", "lessons_learned",
                                                 "notes")}  # fmt: skip
    return (
        row
        | written
        | {
            "outcomes": " ".join(row["outcomes"]),
            "tags": " ".join(said.get("tags", ())),
            "exit_kind": row["exit"]["kind"],
            "exit_reason": said.get("exit_reason") or row["exit"]["reason"],
        }
    )


def _update(here: DashboardState) -> bool:
    deadline_s = time.monotonic() + UPDATE_S_MAX
    return here.diary.update(lambda: time.monotonic() > deadline_s)


def _one(here: DashboardState, trade_id: str) -> Row:
    def look() -> list[Row]:
        _update(here)
        found = here.diary.of_trades(here.follower.view.account, [trade_id])
        return _rows(here, found[:1], here.desk.of_trades([trade_id]))

    rows = here.apart(look)
    if not rows:
        raise ApiError(404, "not_found", "no trade from flat to flat begins with this one", "id")
    return rows[0]


def _page(
    here: DashboardState, query: Query, limit: int, before: int | None
) -> tuple[list[Row], int | None, bool]:
    current = _update(here)
    account = here.follower.view.account
    found: list[Story] = []
    entries: dict[str, Entry] = {}
    walked, behind = 0, before
    for chunk in _chunks(here, account, query, before):
        said = here.desk.of_trades([story.trade_id for story in chunk])
        for story in chunk:
            entry = said.get(story.trade_id)
            if len(found) == limit:
                return _rows(here, found, entries), behind, current
            behind, walked = story.seq, walked + 1
            if _fits(here, story, entry, query):
                found.append(story)
                if entry:
                    entries[story.trade_id] = entry
        if walked >= WALKED_MAX:
            return _rows(here, found, entries), behind, current
    return _rows(here, found, entries), None, current


def _chunks(
    here: DashboardState, account: str, query: Query, before: int | None
) -> Iterator[list[Story]]:
    """Yield stories, the newest first: few where only those that were written of can fit."""
    if query["tag"] or query["rating"] or query["reviewed"] == "yes":
        wanted = {"tag": query["tag"], "strategy": query["strategy"], "of_trades": "yes",
                  "rating": str(query["rating"]) if query["rating"] else None}  # fmt: skip
        entries = here.desk.entries(limit=MARKED_MAX, before=None, **wanted)
        ids = list(dict.fromkeys(entry["trade_id"] for entry in entries))
        found = here.diary.of_trades(account, ids)
        yield [story for story in found if before is None or story.seq < before]
        return
    while chunk := here.diary.walk(
        account, before=before, strategy=query["strategy"], limit=CHUNK_ROWS
    ):
        yield chunk
        before = chunk[-1].seq


def _fits(here: DashboardState, story: Story, entry: Entry | None, query: Query) -> bool:
    rating = entry["rating"] if entry else None
    closed = story.closed_seq is not None
    return (
        (query["strategy"] is None or query["strategy"] == story.strategy)
        and (query["rating"] is None or query["rating"] == rating)
        and (query["tag"] is None or bool(entry and query["tag"] in entry["tags"]))
        and (query["reviewed"] is None or (query["reviewed"] == "yes") == (rating is not None))
        and (query["state"] is None or (query["state"] == "closed") == closed)
        and (query["q"] is None or _speaks_of(here, story, entry, query["q"]))
    )


def _speaks_of(here: DashboardState, story: Story, entry: Entry | None, words: str) -> bool:
    market = here.follower.view.markets.get(story.market_id)
    texts = [story.strategy, story.trade_id, *story.held_nanos, *story.outcomes.values()]
    texts.append(market.question if market else "")
    if entry:
        names = ("entry_reason", "exit_reason", "lessons_learned", "notes")
        texts += [entry[name] or "" for name in names] + entry["tags"]
    said = "\n".join(texts).casefold()
    return all(each in said for each in words.casefold().split())


def _rows(here: DashboardState, stories: list[Story], entries: dict[str, Entry]) -> list[Row]:
    ids = {signal for story in stories for signal in (*story.signals[:1], story.exit_signal_id)}
    reasons = here.diary.reasons(sorted(ids - {""}))
    return [_row(here, story, entries.get(story.trade_id), reasons) for story in stories]


def _row(here: DashboardState, story: Story, entry: Entry | None, reasons: dict[str, str]) -> Row:
    market = here.follower.view.markets.get(story.market_id)
    closed = story.closed_seq is not None
    single = len(story.held_nanos) == 1 and story.bought_nanos > 0
    price = story.bought_micros * NANOS / MICROS / story.bought_nanos if single else None
    return {
        "id": story.trade_id,
        "seq": story.seq,
        "strategy": story.strategy,
        "venue": story.venue,
        "market": story.market_id,
        "question": market.question if market else "",
        "symbols": list(story.held_nanos),
        "outcomes": [name for name in story.outcomes.values() if name],
        "opened_at": iso_utc(story.opened_ts_ns),
        "closed_at": iso_utc(story.last_ts_ns) if closed else None,
        "ts_ns": story.opened_ts_ns,
        "holding_ms": (story.last_ts_ns - story.opened_ts_ns) // NS_PER_MS if closed else None,
        "quantity": story.bought_nanos / NANOS,
        "entry_price": None if price is None else round(price, 6),
        "bought": story.bought_micros / MICROS,
        "sold": story.sold_micros / MICROS,
        "fees": story.fee_micros / MICROS,
        "pnl": story.net_micros / MICROS if closed else None,
        "fills": story.fills,
        "state": "closed" if closed else "open",
        "reason": reasons.get(story.signals[0], "") if story.signals else "",
        "exit": {
            "kind": story.exit_kind if closed else "",
            "reason": reasons.get(story.exit_signal_id, "") if closed else "",
        },
        "entry": entry,
    }
