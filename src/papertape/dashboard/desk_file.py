"""desk.db as a file: its tables, its upgrades, and the one connection that writes it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.exc import DBAPIError

from papertape.errors import NewerDataError, WorldError
from papertape.tape.store import close_connection, open_writer

PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "busy_timeout=2000",
    "trusted_schema=OFF",
    "foreign_keys=ON",
    "journal_size_limit=4194304",
)

metadata = MetaData()
journal = Table(
    "journal",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("created_ts_ns", Integer, nullable=False),
    Column("updated_ts_ns", Integer, nullable=False),
    Column("entry_reason", Text, nullable=False),
    Column("confidence_level", Integer, nullable=False),
    Column("exit_reason", Text),
    Column("lessons_learned", Text),
    Column("rating", Integer),
    Column("trade_id", Text),
    Column("symbol", Text),
    Column("strategy", Text),
    Column("tags", Text, nullable=False),
    Column("notes", Text),
    sqlite_strict=True,
    sqlite_autoincrement=True,  # a number is never given twice
)
alert_rules = Table(
    "alert_rules",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("created_ts_ns", Integer, nullable=False),
    Column("updated_ts_ns", Integer, nullable=False),
    Column("rule", Text, nullable=False),  # JSON of services.alerts.AlertRule
    Column("state", Text, nullable=False),  # JSON of services.alerts.RuleState
    sqlite_strict=True,
    sqlite_autoincrement=True,
)
alert_history = Table(
    "alert_history",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("ts_ns", Integer, nullable=False),
    Column("source", Text, nullable=False),  # rule, test or tape
    Column("rule_number", Integer),
    Column("ledger_id", Text),  # of a tape's alert: where its seq counts
    Column("seq", Integer),
    Column("severity", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("acknowledged_ts_ns", Integer),
    Column("snoozed_until_ns", Integer),
    UniqueConstraint("ledger_id", "seq"),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)
alert_deliveries = Table(
    "alert_deliveries",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("alert_number", Integer, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),  # waiting, sent or dead
    Column("attempts", Integer, nullable=False),
    Column("due_ts_ns", Integer, nullable=False),
    Column("updated_ts_ns", Integer, nullable=False),
    Column("detail", Text, nullable=False),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)
push_subscriptions = Table(
    "push_subscriptions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("created_ts_ns", Integer, nullable=False),
    Column("endpoint", Text, nullable=False, unique=True),
    Column("p256dh", Text, nullable=False),
    Column("auth", Text, nullable=False),
    Column("label", Text, nullable=False),
    sqlite_strict=True,
    sqlite_autoincrement=True,  # an alert on its way never reaches another browser
)
Index("alert_history_by_rule", alert_history.c.rule_number, alert_history.c.number)
Index("alert_deliveries_of_alert", alert_deliveries.c.alert_number)
Index(
    "alert_history_open",
    alert_history.c.number,
    sqlite_where=text("acknowledged_ts_ns IS NULL"),
)
Index(
    "alert_deliveries_waiting",
    alert_deliveries.c.due_ts_ns,
    sqlite_where=text("state = 'waiting'"),
)


def _journal(connection: Connection) -> None:
    journal.create(connection)


def _alerts(connection: Connection) -> None:
    for table in (alert_rules, alert_history, alert_deliveries):
        table.create(connection)


def _notes(connection: Connection) -> None:
    known = connection.exec_driver_sql("SELECT name FROM pragma_table_info('journal')")
    if "notes" not in known.scalars().all():  # a file that was made today has them
        connection.exec_driver_sql("ALTER TABLE journal ADD COLUMN notes TEXT")
    connection.exec_driver_sql("CREATE INDEX journal_by_trade ON journal (trade_id)")


def _push(connection: Connection) -> None:
    push_subscriptions.create(connection)


STEPS: tuple[Callable[[Connection], None], ...] = (_journal, _alerts, _notes, _push)
"""What leads from each version of the file to the next one; only ever added to."""


class DeskFile:
    """The file, made at the first word written, and brought up to date when it is opened."""

    def __init__(self, path: Path) -> None:
        """Keep everything in this file; it need not exist yet."""
        self.path = path
        self._lock = threading.RLock()
        self._connection: Connection | None = None

    def exists(self) -> bool:
        """Return whether anybody has written anything."""
        return self.path.exists()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Yield the connection in a transaction; one at a time, from any thread.

        Raises NewerDataError or WorldError if the file cannot be opened.
        """
        with self._lock:
            if self._connection is None:
                self._connection = _open(self.path)
            with self._connection.begin():
                yield self._connection

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._connection is not None:
                close_connection(self._connection)
            self._connection = None


def _open(path: Path) -> Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = open_writer(path, pragmas=PRAGMAS)
        version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        connection.rollback()
        if version > len(STEPS):
            close_connection(connection)
            raise NewerDataError(f"{path}: written by a newer papertape (version {version})")
        if version < len(STEPS):
            with connection.begin():
                for step in STEPS[version:]:
                    step(connection)
                connection.exec_driver_sql(f"PRAGMA user_version = {len(STEPS)}")
    except (DBAPIError, sqlite3.Error, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise WorldError(f"{path}: the desk cannot be opened: {cause}") from error
    return connection
