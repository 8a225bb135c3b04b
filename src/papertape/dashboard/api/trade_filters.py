"""What a list of trades may be filtered by: the same words for the table and for its export."""

from __future__ import annotations

from papertape.dashboard.api.answers import Query, choice, moment, word
from papertape.dashboard.state import state
from papertape.errors import InvalidInputError
from papertape.services.tape_view import TapeView
from papertape.tape.queries_trades import TradeFilter

SIGNAL_FILTERS = (
    choice("state", ("raised", "refused", "skipped", "alarm")),
    word("strategy"),
)
INT64_MAX = 2**63 - 1
MATCHES_MAX = 10_000  # instruments that one text may mean: each is a parameter of the query

FILTERS = (
    word("strategy"),
    word("symbol"),
    word("q", "words of the market's question, its symbol or its outcome; all must fit"),
    choice("side", ("BUY", "SELL", "SETTLE", "MERGE", "CONVERT")),
    choice("kind", ("fill", "settlement", "merge", "convert")),
    moment("from", "engine time, inclusive"),
    moment("to", "engine time, inclusive"),
)


def wanted_trades(query: Query) -> TradeFilter:
    """Return the checked parameters as a filter of the ledger's trades."""
    symbols: tuple[str, ...] | None = None
    if query["symbol"] is not None:
        symbols = (query["symbol"],)
    if query["q"] is not None:
        view = state().follower.view
        fitting = matching_symbols(view, query["q"])
        if symbols is not None:
            symbols = tuple(symbol for symbol in symbols if symbol in fitting)
        elif len(fitting) < len(view.instruments) or not fitting:
            symbols = fitting
    return TradeFilter(
        strategy=query["strategy"],
        symbols=symbols,
        side=query["side"],
        kind=query["kind"],
        from_ns=_stored(query["from"]),
        to_ns=_stored(query["to"]),
    )


def _stored(ts_ns: int | None) -> int | None:
    """Return a time within what the ledger can hold; the year 9000 is later than all of it."""
    return None if ts_ns is None else max(-INT64_MAX, min(ts_ns, INT64_MAX))


def matching_symbols(view: TapeView, text: str) -> tuple[str, ...]:
    """Return the instruments that every word of a text fits, case aside."""
    words = text.casefold().split()
    found = []
    for symbol, instrument in view.instruments.items():
        market = view.markets.get(instrument.market_id)
        said = f"{symbol} {market.question if market else ''}".casefold()
        if all(each in said for each in words):
            found.append(symbol)
    if len(found) > MATCHES_MAX and len(found) < len(view.instruments):
        expected = f"a text that fits at most {MATCHES_MAX} instruments"
        raise InvalidInputError("q", text, expected)
    return tuple(found)
