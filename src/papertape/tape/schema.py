"""Tables of the ledger: the append-only events, and projections written in the same transaction.

Every projection row is keyed by the `seq` of the one event that it comes from, so that `verify`
can derive it again and compare. Money is in micros, prices and quantities in nanos (1e-9).
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, Table, Text

APPLICATION_ID = 0x70745470  # "ptTp" in the file header: this SQLite file is a papertape ledger
SCHEMA_VERSION = 1  # PRAGMA user_version; a newer one is refused
ALEMBIC_REVISION = "0001"

metadata = MetaData()


def _int(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, Integer, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable)


def _seq() -> Column[int]:
    return Column("seq", Integer, primary_key=True, nullable=False, autoincrement=False)


meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True, nullable=False),
    _text("value"),
    sqlite_strict=True,
)

events = Table(
    "events",
    metadata,
    _seq(),
    Column("event_id", Text, nullable=False, unique=True),
    _int("ts_ns"),
    _int("mseq"),
    _text("kind"),
    _text("body"),
    Column("hash", LargeBinary, nullable=False),
    sqlite_strict=True,
)

runs = Table(
    "runs",
    metadata,
    _seq(),
    _text("run_id"),
    _text("account"),
    _text("mode"),
    _text("feed"),
    _int("ts_ns"),
    _int("fresh"),
    _int("initial_cash_micros"),
    _int("seed", nullable=True),
    _text("market_data"),
    _text("software"),
    sqlite_strict=True,
)

instruments = Table(
    "instruments",
    metadata,
    _seq(),
    _text("symbol"),
    _text("venue"),
    _text("market_id"),
    _text("outcome"),
    _int("tick_nanos"),
    _int("lot_nanos"),
    sqlite_strict=True,
)

signals = Table(
    "signals",
    metadata,
    _seq(),
    _text("id"),
    _text("account"),
    _int("ts_ns"),
    _text("strategy"),
    _text("state"),
    _text("code"),
    _text("figure"),
    _text("reason"),
    _text("symbols"),
    Index("signals_by_id", "id"),
    Index("signals_by_account", "account", "seq"),
    sqlite_strict=True,
)

orders = Table(
    "orders",
    metadata,
    _seq(),
    _text("account"),
    _text("order_id"),
    _text("signal_id"),
    _text("state"),
    Index("orders_by_order", "order_id"),
    Index("orders_by_signal", "signal_id"),
    sqlite_strict=True,
)

trades = Table(
    "trades",
    metadata,
    _seq(),
    _text("id"),
    _text("kind"),
    _text("account"),
    _int("ts_ns"),
    _text("strategy"),
    _text("symbol"),
    _text("venue"),
    _text("market_id"),
    _text("outcome"),
    _text("side"),
    _int("price_nanos", nullable=True),
    _int("quantity_nanos", nullable=True),
    _int("notional_micros"),
    _int("fee_micros"),
    _int("realized_micros"),
    _text("liquidity"),
    _text("order_id"),
    _text("signal_id"),
    Index("trades_by_id", "id"),
    Index("trades_by_signal", "signal_id"),
    Index("trades_by_account", "account", "seq"),
    Index("trades_by_strategy", "account", "strategy", "seq"),
    Index("trades_by_symbol", "account", "symbol", "seq"),
    Index("trades_by_time", "account", "ts_ns"),
    sqlite_strict=True,
)

equity = Table(
    "equity",
    metadata,
    _seq(),
    _text("account"),
    _int("ts_ns"),
    _int("cash_micros"),
    _int("value_micros"),
    _int("unrealized_micros"),
    _int("unpriced"),
    Index("equity_by_account", "account", "seq"),
    sqlite_strict=True,
)

snapshots = Table(
    "snapshots",
    metadata,
    _seq(),
    Column("body", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    sqlite_strict=True,
)

PROJECTIONS = (runs, instruments, signals, orders, trades, equity)

TRIGGERS = (
    "CREATE TRIGGER events_no_update BEFORE UPDATE ON events "
    "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END",
    "CREATE TRIGGER events_no_delete BEFORE DELETE ON events "
    "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END",
)
