"""The diary: trades put together to stories from flat to flat, one strategy, one position or set.

It is folded from rows of the ledger's `trades` table. What one signal bought belongs together: a
complete set of outcomes is one story that ends when every leg is flat.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

SIGNALS_KEPT = 20  # of one story; the first is the one that began it
EXITS = {"fill": "sold", "settlement": "settled", "merge": "merged", "convert": "converted"}

Move = tuple[str, int]
Key = tuple[str, str, str]


class Story(msgspec.Struct, kw_only=True):
    """A trade as people think of it: what went in, what came out, when and by which signals.

    held_nanos: symbol -> quantity (1e-9) still open; money in micros; `seq` is its first fill's.
    """

    seq: int
    trade_id: str
    account: str
    strategy: str
    venue: str
    market_id: str
    opened_ts_ns: int
    last_seq: int
    last_ts_ns: int
    closed_seq: int | None = None
    held_nanos: dict[str, int] = {}
    outcomes: dict[str, str] = {}
    bought_nanos: int = 0
    bought_micros: int = 0
    sold_micros: int = 0
    fee_micros: int = 0
    realized_micros: int = 0
    fills: int = 0
    signals: list[str] = []
    exit_kind: str = ""
    exit_signal_id: str = ""

    @property
    def net_micros(self) -> int:
        """Return what was realised after fees."""
        return self.realized_micros - self.fee_micros


class TradeDiary:
    """Folds rows of trades, in order of their numbers, into stories."""

    def __init__(self, unfinished: Iterable[Story] = ()) -> None:
        """Go on with the stories that have no end yet."""
        self._open: dict[Key, Story] = {}
        self._by_signal: dict[tuple[str, str], Story] = {}
        for story in unfinished:
            self._remember(story)

    def apply(self, row: Mapping[str, Any], parts: Sequence[Move] = ()) -> tuple[Story, list[int]]:
        """Take one trade; return the story that it belongs to and the numbers of stories it ate.

        parts: (symbol, signed nanos) of a merge or conversion, whose row names one symbol only.
        """
        moves = list(parts) or [(row["symbol"], _signed_nanos(row))]
        found = self._stories_of(row, moves)
        if found:
            story, eaten = found[0], found[1:]
        else:
            story, eaten = _begun(row), []
        for other in eaten:
            _join(story, other)
        _add(story, row, moves)
        if any(story.held_nanos.values()):
            self._remember(story)
        else:
            story.closed_seq = row["seq"]
            self._forget(story)
        return story, [other.seq for other in eaten]

    def _stories_of(self, row: Mapping[str, Any], moves: Sequence[Move]) -> list[Story]:
        """Return the open stories that a trade touches, the oldest first."""
        keys = [(row["account"], row["strategy"], symbol) for symbol, _ in moves]
        found = [self._open.get(key) for key in keys]
        if row["signal_id"]:
            found.append(self._by_signal.get((row["account"], row["signal_id"])))
        known = {story.seq: story for story in found if story is not None}
        return [known[seq] for seq in sorted(known)]

    def _remember(self, story: Story) -> None:
        for symbol in story.held_nanos:
            self._open[story.account, story.strategy, symbol] = story
        for signal_id in story.signals:
            self._by_signal[story.account, signal_id] = story

    def _forget(self, story: Story) -> None:
        for symbol in story.held_nanos:
            self._open.pop((story.account, story.strategy, symbol), None)
        for signal_id in story.signals:
            self._by_signal.pop((story.account, signal_id), None)


def _signed_nanos(row: Mapping[str, Any]) -> int:
    quantity: int = row["quantity_nanos"] or 0
    return quantity if row["side"] == "BUY" else -quantity


def _begun(row: Mapping[str, Any]) -> Story:
    return Story(
        seq=row["seq"],
        trade_id=row["id"],
        account=row["account"],
        strategy=row["strategy"],
        venue=row["venue"],
        market_id=row["market_id"],
        opened_ts_ns=row["ts_ns"],
        last_seq=row["seq"],
        last_ts_ns=row["ts_ns"],
    )


def _add(story: Story, row: Mapping[str, Any], moves: Sequence[Move]) -> None:
    for symbol, nanos in moves:
        # a sale of what came in by a split is not below flat: splits are no trades
        story.held_nanos[symbol] = max(0, story.held_nanos.get(symbol, 0) + nanos)
    if len(moves) == 1:
        story.outcomes[row["symbol"]] = row["outcome"]
    story.last_seq, story.last_ts_ns = row["seq"], row["ts_ns"]
    story.fee_micros += row["fee_micros"]
    story.realized_micros += row["realized_micros"]
    signal_id = row["signal_id"]
    if signal_id and signal_id not in story.signals and len(story.signals) < SIGNALS_KEPT:
        story.signals.append(signal_id)
    if row["side"] == "BUY":
        story.bought_micros += row["notional_micros"]
        story.bought_nanos += row["quantity_nanos"]
    else:
        story.sold_micros += row["notional_micros"]
        story.exit_kind, story.exit_signal_id = EXITS[row["kind"]], signal_id
    story.fills += 1


def _join(story: Story, other: Story) -> None:
    """Let a story take over another one: a signal has bound their legs."""
    for symbol, nanos in other.held_nanos.items():
        story.held_nanos[symbol] = story.held_nanos.get(symbol, 0) + nanos
    story.outcomes.update(other.outcomes)
    known = set(story.signals)
    story.signals += [signal for signal in other.signals if signal not in known]
    for name in ("bought_nanos", "bought_micros", "sold_micros", "fee_micros",
                 "realized_micros", "fills"):  # fmt: skip
        setattr(story, name, getattr(story, name) + getattr(other, name))
