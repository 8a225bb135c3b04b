"""The first schema: events with their chain, and the projections."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE meta (
        "key" TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY ("key")
    )
     STRICT
    """,
    """
    CREATE TABLE events (
        seq INTEGER NOT NULL,
        event_id TEXT NOT NULL,
        ts_ns INTEGER NOT NULL,
        mseq INTEGER NOT NULL,
        kind TEXT NOT NULL,
        body TEXT NOT NULL,
        hash BLOB NOT NULL,
        PRIMARY KEY (seq),
        UNIQUE (event_id)
    )
     STRICT
    """,
    """
    CREATE TABLE runs (
        seq INTEGER NOT NULL,
        run_id TEXT NOT NULL,
        account TEXT NOT NULL,
        mode TEXT NOT NULL,
        feed TEXT NOT NULL,
        ts_ns INTEGER NOT NULL,
        fresh INTEGER NOT NULL,
        initial_cash_micros INTEGER NOT NULL,
        seed INTEGER,
        market_data TEXT NOT NULL,
        software TEXT NOT NULL,
        PRIMARY KEY (seq)
    )
     STRICT
    """,
    """
    CREATE TABLE instruments (
        seq INTEGER NOT NULL,
        symbol TEXT NOT NULL,
        venue TEXT NOT NULL,
        market_id TEXT NOT NULL,
        outcome TEXT NOT NULL,
        tick_nanos INTEGER NOT NULL,
        lot_nanos INTEGER NOT NULL,
        PRIMARY KEY (seq)
    )
     STRICT
    """,
    """
    CREATE TABLE signals (
        seq INTEGER NOT NULL,
        id TEXT NOT NULL,
        account TEXT NOT NULL,
        ts_ns INTEGER NOT NULL,
        strategy TEXT NOT NULL,
        state TEXT NOT NULL,
        code TEXT NOT NULL,
        figure TEXT NOT NULL,
        reason TEXT NOT NULL,
        symbols TEXT NOT NULL,
        PRIMARY KEY (seq)
    )
     STRICT
    """,
    "CREATE INDEX signals_by_account ON signals (account, seq)",
    "CREATE INDEX signals_by_id ON signals (id)",
    """
    CREATE TABLE orders (
        seq INTEGER NOT NULL,
        account TEXT NOT NULL,
        order_id TEXT NOT NULL,
        signal_id TEXT NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (seq)
    )
     STRICT
    """,
    "CREATE INDEX orders_by_order ON orders (order_id)",
    "CREATE INDEX orders_by_signal ON orders (signal_id)",
    """
    CREATE TABLE trades (
        seq INTEGER NOT NULL,
        id TEXT NOT NULL,
        kind TEXT NOT NULL,
        account TEXT NOT NULL,
        ts_ns INTEGER NOT NULL,
        strategy TEXT NOT NULL,
        symbol TEXT NOT NULL,
        venue TEXT NOT NULL,
        market_id TEXT NOT NULL,
        outcome TEXT NOT NULL,
        side TEXT NOT NULL,
        price_nanos INTEGER,
        quantity_nanos INTEGER,
        notional_micros INTEGER NOT NULL,
        fee_micros INTEGER NOT NULL,
        realized_micros INTEGER NOT NULL,
        liquidity TEXT NOT NULL,
        order_id TEXT NOT NULL,
        signal_id TEXT NOT NULL,
        PRIMARY KEY (seq)
    )
     STRICT
    """,
    "CREATE INDEX trades_by_account ON trades (account, seq)",
    "CREATE INDEX trades_by_id ON trades (id)",
    "CREATE INDEX trades_by_signal ON trades (signal_id)",
    "CREATE INDEX trades_by_strategy ON trades (account, strategy, seq)",
    "CREATE INDEX trades_by_symbol ON trades (account, symbol, seq)",
    "CREATE INDEX trades_by_time ON trades (account, ts_ns)",
    """
    CREATE TABLE equity (
        seq INTEGER NOT NULL,
        account TEXT NOT NULL,
        ts_ns INTEGER NOT NULL,
        cash_micros INTEGER NOT NULL,
        value_micros INTEGER NOT NULL,
        unrealized_micros INTEGER NOT NULL,
        unpriced INTEGER NOT NULL,
        PRIMARY KEY (seq)
    )
     STRICT
    """,
    "CREATE INDEX equity_by_account ON equity (account, seq)",
    """
    CREATE TABLE snapshots (
        seq INTEGER NOT NULL,
        body BLOB NOT NULL,
        sha256 BLOB NOT NULL,
        PRIMARY KEY (seq)
    )
     STRICT
    """,
    "CREATE TRIGGER events_no_update BEFORE UPDATE ON events "
    "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END",
    "CREATE TRIGGER events_no_delete BEFORE DELETE ON events "
    "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END",
    "INSERT INTO meta (key, value) VALUES ('ledger_id', lower(hex(randomblob(8))))",
)


def upgrade() -> None:
    """Make all tables; the caller holds the one transaction."""
    for statement in STATEMENTS:
        op.execute(statement)
