"""The recorded BTC markets: each is paid as it was where that is known, else it stays open."""

from __future__ import annotations

import csv
import lzma
from pathlib import Path

import pytest

from papertape import Leg, Signal, Strategy
from papertape.model.events import OrderFilled, PositionSettled
from papertape.model.market_data import BookSeen
from papertape.research.backtest import run_backtest
from papertape.strategies.base import Answer
from papertape.tape.follow import LedgerReader

CAPTURE = "polymarket_l2_btc5m"
LINES = 7_500  # of the capture: its first two markets and a part of the third


class HoldsOneOfEach(Strategy):
    """Buys five shares of every token that it sees offered, once, and holds them."""

    name = "holds_one_of_each"

    def on_start(self) -> None:
        self.bought: set[str] = set()

    def on_book(self, book: BookSeen) -> Answer:
        if book.symbol in self.bought or not len(book.ask_ticks):
            return None
        self.bought.add(book.symbol)
        return Signal(legs=(Leg(symbol=book.symbol, side="BUY", quantity="5"),))


def held_and_paid(data: Path, folder: Path) -> tuple[set[str], dict[str, int | None], int]:
    """Run it; return (tokens bought, payout by token, positions open at the end)."""
    result = run_backtest(HoldsOneOfEach, data, data_dir=folder)
    assert not result.failure
    reader = LedgerReader(result.folder / "papertape.db")
    bought: set[str] = set()
    paid: dict[str, int | None] = {}
    seq = 0
    while records := reader.read(seq, 5_000):
        for record in records:
            if isinstance(record.event, OrderFilled):
                bought.add(record.event.symbol)
            elif isinstance(record.event, PositionSettled):
                paid[record.event.symbol] = record.event.payout_micros
        seq = records[-1].seq
    reader.close()
    return bought, paid, int(result.facts["open_positions"])


def known_payouts(path: Path) -> dict[tuple[str, str], int]:
    """Return what markets.csv says: (slug, first digits of the token) to micros per share."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            (row["slug"], row["asset_id"]): int(row["payout_inferred_from_final_book"]) * 10**6
            for row in csv.DictReader(file)
            if row["payout_inferred_from_final_book"]
        }


def payout_of(symbol: str, known: dict[tuple[str, str], int]) -> int | None:
    """Return what a symbol must be paid: `polymarket:<slug>:T<digits>`; its pair pays the rest."""
    _, slug, label = symbol.split(":")
    for (one, token), micros in known.items():
        if one == slug:
            return micros if token.startswith(label.removeprefix("T")) else 10**6 - micros
    return None


@pytest.mark.slow
def test_every_recorded_market_is_paid_as_it_was(
    btc5m: Path, shared_data: Path, tmp_path: Path
) -> None:
    known = known_payouts(shared_data / CAPTURE / "markets.csv")
    bought, paid, still_open = held_and_paid(btc5m, tmp_path)
    assert len({symbol.split(":")[1] for symbol in bought}) == 38
    assert {symbol: payout_of(symbol, known) for symbol in bought} == paid
    assert set(paid.values()) == {0, 10**6}
    assert still_open == 0


def test_where_the_payout_is_not_known_the_position_stays_open(
    shared_data: Path, tmp_path: Path
) -> None:
    capture = tmp_path / "capture"
    capture.mkdir()
    source = shared_data / CAPTURE
    (name,) = [path.name for path in source.glob("*.jsonl.xz")]
    with (
        lzma.open(source / name, "rt") as lines,
        lzma.open(capture / name, "wt", preset=0) as short,
    ):
        for _, line in zip(range(LINES), lines, strict=False):
            short.write(line)
    slugs = sorted({slug for slug, _ in known_payouts(source / "markets.csv")})
    with (source / "markets.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    unknown = slugs[1]
    with (capture / "markets.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        for row in rows:
            hidden = {"payout_inferred_from_final_book": ""} if row["slug"] == unknown else {}
            writer.writerow(row | hidden)
    bought, paid, still_open = held_and_paid(capture, tmp_path)
    open_slugs = {symbol.split(":")[1] for symbol in bought - set(paid)}
    assert unknown in open_slugs
    known = known_payouts(capture / "markets.csv")
    assert all(micros == payout_of(symbol, known) for symbol, micros in paid.items())
    assert still_open == len(bought) - len(paid)
    assert paid
