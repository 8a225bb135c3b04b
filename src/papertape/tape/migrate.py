"""Schema of a ledger: made new as a whole, or brought up from an older version, never half."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Connection

from papertape.tape.files import sync_folder
from papertape.tape.identity import wal_of
from papertape.tape.schema import ALEMBIC_REVISION, APPLICATION_ID, SCHEMA_VERSION
from papertape.tape.store import close_connection, driver, open_writer

MIGRATIONS = Path(__file__).parent / "migrations"


def create_ledger(path: Path) -> None:
    """Make an empty ledger beside its place and move it there in one step.

    A kill at any point leaves no ledger or a whole one, never a file without tables.
    """
    fresh = path.with_name(path.name + ".new")
    for stale in (fresh, wal_of(fresh), fresh.with_name(fresh.name + "-shm")):
        stale.unlink(missing_ok=True)
    connection = open_writer(fresh)
    try:
        upgrade(connection)
        driver(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        close_connection(connection)
    os.chmod(fresh, 0o600)
    os.rename(fresh, path)
    sync_folder(path.parent)


def upgrade(connection: Connection) -> None:
    """Run the missing migrations in one transaction and stamp the file."""
    from alembic import command  # noqa: PLC0415  heavy, and only needed when the schema changes
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    connection.rollback()
    with connection.begin():
        command.upgrade(config, ALEMBIC_REVISION)
        connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")


def user_version(connection: Connection) -> int:
    """Return the schema version that the file says it has."""
    version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    connection.rollback()
    return version


def fresh_schema() -> dict[bytes, bytes | None]:
    """Return name and SQL of everything that a new ledger's schema holds."""
    connection = open_writer(Path(":memory:"))
    try:
        upgrade(connection)
        raw = driver(connection)
        raw.text_factory = bytes
        return dict(raw.execute("SELECT name, sql FROM sqlite_schema").fetchall())
    finally:
        close_connection(connection)
