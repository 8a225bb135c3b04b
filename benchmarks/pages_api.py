"""Every endpoint on a ledger of 1,000,000 trades: start, memory, p50 and p99 per request, exports.

The ledger is made once, by the bot's own writer and books, and kept beside other temporary files.
"""

from __future__ import annotations

import http.client
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.dashboard import serving
from benchmarks.scene import opening
from papertape.core.accounts import Accounts
from papertape.core.arithmetic import notional_micros
from papertape.model.events import (
    EquityMarked,
    Event,
    InstrumentListed,
    LegWanted,
    LevelUsed,
    MarketListed,
    OrderFilled,
    OrderSubmitted,
    RunStarted,
    SignalRaised,
    SignalRefused,
)
from papertape.model.instrument import FeeSchedule, Instrument, Side
from papertape.model.market import Market
from papertape.services.tape_view import TapeView
from papertape.tape.follow import LedgerReader
from papertape.tape.ledger import SqliteLedger

TRADES = 1_000_000
MARKETS = 100
STRATEGIES = ("arbitrage", "carry", "mean_reversion", "momentum", "pairs")
FIRST_NS = 1_760_000_000_000_000_000
STEP_NS = 15_000_000_000  # 1,000,000 trades are half a year
FILLS_PER_ORDER = 5
WHOLE_CHAINS = 20_000  # of the newest trades have their signals on the tape
BATCH = 2_000  # trades in one append
CALLS = 60  # of each request, after the first
P99_MS_MAX = 50.0
FOLDER = Path(tempfile.gettempdir()) / f"papertape-bench-{TRADES}-3"


def symbol_of(market: int) -> str:
    """Return the outcome token of a market."""
    return f"simulated:question-{market}:YES"


def make(folder: Path, trades: int = TRADES) -> None:
    """Write a ledger with so many trades and a snapshot of its end."""
    folder.mkdir(parents=True)
    ledger = SqliteLedger(folder / "papertape.db")
    view, books = TapeView(), Accounts(10**12)
    run = opening()[0]
    assert isinstance(run, RunStarted)
    first: list[Event] = [run]
    for number in range(MARKETS):
        token = Instrument(
            symbol=symbol_of(number), venue="simulated", kind="outcome", quote_currency="USD",
            tick_nanos=100_000, lot_nanos=10_000_000, step_ticks=100,
            fees=FeeSchedule(kind="curve", taker_ppm=40_000),
            market_id=f"simulated:question-{number}", outcome="YES",
        )  # fmt: skip
        market = Market(
            market_id=token.market_id, venue="simulated", outcomes=("YES",),
            question=f"Will question {number} be answered?", symbols=(token.symbol,), end_ns=0,
        )  # fmt: skip
        first += [InstrumentListed(instrument=token), MarketListed(market=market)]
    for record in ledger.append(first, ts_ns=FIRST_NS, mseq=1):
        view.apply(record)
    pending: list[Event] = []
    for number in range(1, trades + 1):
        pending += _trade(books, number, whole=trades - number < WHOLE_CHAINS)
        if number % BATCH == 0 or number == trades:
            ts_ns = FIRST_NS + number * STEP_NS
            for record in ledger.append(pending, ts_ns=ts_ns, mseq=number):
                view.apply(record)
            pending = []
    ledger.flush(600)
    ledger.save_snapshot(view.seq, view.snapshot_bytes())
    ledger.flush(600)
    ledger.close()


def _trade(books: Accounts, number: int, *, whole: bool) -> Iterator[Event]:
    """Yield a fill with what led to it; five fills make an order, buys and sells take turns."""
    order, part = divmod(number - 1, FILLS_PER_ORDER)
    turn, place = divmod(order, MARKETS * len(STRATEGIES))
    strategy, symbol = STRATEGIES[place % len(STRATEGIES)], symbol_of(place // len(STRATEGIES))
    side: Side = "SELL" if turn % 2 else "BUY"
    ticks, lots, fee = 4_000 + (number * 37) % 300, 1_000, 1_900
    wanted, ts_ns = lots * FILLS_PER_ORDER, FIRST_NS + number * STEP_NS
    ids = {"signal_id": f"S{order}", "strategy": strategy}
    if part == 0 and whole:
        leg = LegWanted(symbol=symbol, side=side, quantity_lots=wanted, limit_ticks=5_000)
        yield SignalRaised(legs=(leg,), reason="the price rises", time_in_force="IOC",
                           all_or_none=False, then="none", **ids)  # fmt: skip
    if part == 0:
        yield OrderSubmitted(order_id=f"O{order}", symbol=symbol, side=side, order_type="limit",
                             time_in_force="IOC", quantity_lots=wanted, limit_ticks=5_000,
                             **ids)  # fmt: skip
    notional = notional_micros(ticks, lots, 10**12)
    key = (strategy, symbol)
    cost, realized = books.fill(key, side == "BUY", lots, notional, fee, ts_ns)
    books.close_if_flat(key)
    yield OrderFilled(
        fill_id=f"F{number}", order_id=f"O{order}", symbol=symbol, side=side, price_ticks=ticks,
        quantity_lots=lots, notional_micros=notional, fee_micros=fee, cost_micros=cost,
        realized_micros=realized, liquidity="taker",
        remaining_lots=wanted - lots * (part + 1),
        evidence=LevelUsed(price_ticks=ticks, seen_lots=lots, taken_before_lots=0,
                           book_ts_ns=ts_ns, book_age_ns=0, source="bench"),
        **ids,
    )  # fmt: skip
    if number % 10 == 0:
        yield SignalRefused(signal_id=f"R{number}", strategy=strategy, code="stale_book",
                            reason="the book is 14 s old", symbol=symbol)  # fmt: skip
        yield EquityMarked(cash_micros=books.cash_micros, value_micros=books.cash_micros,
                           unrealized_micros=0)  # fmt: skip


def of_trades() -> dict[str, str]:
    """Return questions about trades: each filter, each sort, and what fits nothing."""
    symbol = quote(symbol_of(7))
    day = 86_400 * 10**9
    late, early = FIRST_NS + TRADES * STEP_NS - day, FIRST_NS + day
    middle = FIRST_NS + TRADES * STEP_NS // 2
    lists = {
        "": "", "strategy": "strategy=momentum", "symbol": f"symbol={symbol}",
        "side": "side=SELL", "oldest": "sort=time", "deep": "cursor=600000",
        "nothing fits": "kind=merge", "nothing fits, oldest": "kind=convert&sort=time",
        "words": "q=question+7+answered", "many words": "q=question",
        "strategy and symbol": f"strategy=pairs&symbol={symbol}&side=SELL",
        "a day, late": f"from={late}", "a day, early": f"to={early}",
        "half": f"from={middle}", "half, a side": f"to={middle}&side=BUY&strategy=carry",
        "1000": "limit=1000",
    }  # fmt: skip
    return {f"trades {name}".strip(): f"/api/trades?{more}" for name, more in lists.items()}


def requests(newest: str) -> dict[str, str]:
    """Return what is asked: every list with its filters and sorts, every chart, every figure."""
    market = quote("simulated:question-7")
    found = of_trades()
    for name in ("allocation", "distribution", "cumulative", "pnl", "strategies"):
        found[f"chart {name}"] = f"/api/chart/{name}"
    found |= {
        "trade": f"/api/trades/{newest}",
        "trade, old": "/api/trades/F1000",
        "trade, none": "/api/trades/nothing",
        "pnl by hour": "/api/chart/pnl?by=hour",
        "cumulative of one": "/api/chart/cumulative?strategy=momentum&points=5000",
        "portfolio": "/api/portfolio",
        "performance": "/api/strategies/performance",
        "market live": "/api/market/live",
        "markets": "/api/markets",
        "markets, words": "/api/markets?q=question+7",
        "market": f"/api/markets/detail?id={market}",
        "market depth": f"/api/markets/depth?id={market}",
        "signals": "/api/signals",
        "signals of one": "/api/signals?strategy=momentum",
        "signals, none": "/api/signals?state=alarm",
        "signals, none of one": "/api/signals?state=skipped&strategy=pairs",
        "equity": "/api/equity",
        "equity, oldest": "/api/equity?sort=time&limit=1000",
        "settlements": "/api/settlements",
        "settlements of one": "/api/settlements?strategy=carry",
        "leaderboard": "/api/leaderboard",
        "leaderboard 7d": "/api/leaderboard?period=7d",
        "analytics": "/api/analytics",
        "analytics of one": "/api/analytics?strategy=momentum&period=30d",
        "analytics of a market": f"/api/analytics?market={market}",
        "journal": "/api/journal/trades",
        "journal of one": "/api/journal/trades?strategy=momentum",
        "journal, rated": "/api/journal/trades?rating=5",
        "journal, words": "/api/journal/trades?q=question+7",
        "journal, none": "/api/journal/trades?q=nothing+like+it",
        "journal, open": "/api/journal/trades?state=open",
        "journal entries": "/api/journal/entries",
        "alerts": "/api/alerts",
        "rules": "/api/alerts/rules",
        "backtests": "/api/backtests",
        "jobs": "/api/backtests/jobs",
        "logs": "/api/logs",
        "system": "/api/system",
        "status": "/api/status",
        "health": "/api/health",
        "metrics": "/metrics",
        "openapi": "/openapi.json",
        "overview page": "/",
        "trades page": "/trades",
    }
    return found


def rss_mb(pid: int, what: str = "VmRSS") -> float:
    """Return a figure of a process's memory in MB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    line = next(line for line in lines if line.startswith(what + ":"))
    return round(int(line.split()[1]) / 1024, 1)


class _Asking:
    """One connection to the dashboard."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def body(self, path: str) -> Any:
        """Return what an answer says."""
        self._connection.request("GET", path)
        return json.loads(self._connection.getresponse().read())

    def get(self, path: str) -> tuple[int, int, float]:
        """Return status, bytes and milliseconds; the body is read in pieces and dropped."""
        began = time.perf_counter()
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        size = 0
        while piece := answer.read(65_536):
            size += len(piece)
        return answer.status, size, 1_000 * (time.perf_counter() - began)


def measured(asking: _Asking, path: str) -> dict[str, Any]:
    """Return p50, p99 and the first time of a request, in milliseconds."""
    status, size, first = asking.get(path)
    times = sorted(asking.get(path)[2] for _ in range(CALLS))
    return {
        "status": status,
        "bytes": size,
        "first_ms": round(first, 1),
        "p50_ms": round(times[len(times) // 2], 1),
        "p99_ms": round(times[min(len(times) - 1, round(0.99 * len(times)))], 1),
    }


def _fits() -> bool:
    """Return whether the ledger is there with a snapshot that this version can go on from."""
    if not (FOLDER / "papertape.db").exists():
        return False
    with closing(LedgerReader(FOLDER / "papertape.db")) as reader:
        found = reader.latest_snapshot()
    return found is not None and TapeView().restore_bytes(found[1])


def run() -> dict[str, object]:
    """Return start, memory, every endpoint's times and the exports'."""
    made_s = None
    if not _fits():
        shutil.rmtree(FOLDER, ignore_errors=True)
        began = time.perf_counter()
        workshop = Path(tempfile.mkdtemp(prefix="papertape-bench-", dir=FOLDER.parent))
        make(workshop / "data")
        (workshop / "data").rename(FOLDER)
        workshop.rmdir()
        made_s = round(time.perf_counter() - began, 1)
    began = time.perf_counter()
    with serving(FOLDER) as served:
        found = _run(served.port, served.pid, began)
    return {"trades": TRADES, "made_s": made_s, **found}


def _run(port: int, pid: int, began: float) -> dict[str, object]:
    ready_s = _wait(port, began)
    start_mb = rss_mb(pid)
    asking = _Asking(port)
    diary_s = _diary(asking)
    table = {name: measured(asking, path) for name, path in requests(f"F{TRADES}").items()}
    before_mb = rss_mb(pid)
    exports = {}
    for form in ("csv", "json", "parquet"):
        status, size, took_ms = asking.get(f"/api/export/trades?format={form}")
        exports[form] = {"status": status, "mb": round(size / 1e6, 1),
                         "s": round(took_ms / 1_000, 1)}  # fmt: skip
    slow = {n: t["p99_ms"] for n, t in table.items() if t["p99_ms"] > P99_MS_MAX}
    return {
        "ready_s": ready_s,
        "rss_at_start_mb": start_mb,
        "diary_first_read_s": diary_s,
        "rss_before_exports_mb": before_mb,
        "rss_peak_after_exports_mb": rss_mb(pid, "VmHWM"),
        "exports": exports,
        "slowest": dict(sorted(((n, t["p99_ms"]) for n, t in table.items()),
                               key=lambda item: -item[1])[:8]),
        "over_50_ms": slow,
        "endpoints": table,
    }  # fmt: skip


def _wait(port: int, began: float) -> float:
    while time.perf_counter() - began < 120:
        try:
            status, _, _ = _Asking(port).get("/api/portfolio")
            if status == 200:
                return round(time.perf_counter() - began, 2)
        except OSError:
            pass
        time.sleep(0.05)
    raise TimeoutError("the dashboard does not answer")


def _diary(asking: _Asking) -> float:
    """Ask for the journal until it has read the whole ledger; it does so once per data folder."""
    began = time.perf_counter()
    while time.perf_counter() - began < 900:
        if not asking.body("/api/journal/trades?limit=1")["catching_up"]:
            break
    return round(time.perf_counter() - began, 1)


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
