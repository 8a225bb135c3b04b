"""The schema that the migrations make is the one that the code knows."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from tests.tape.samples import opening

from papertape.tape.ledger import SqliteLedger
from papertape.tape.migrate import create_ledger, fresh_schema
from papertape.tape.schema import TRIGGERS, metadata
from papertape.tape.verify import verify_ledger


def squeezed(sql: str) -> str:
    return re.sub(r"\s+", "", sql)


def test_migrations_and_metadata_agree() -> None:
    statements = list(TRIGGERS)
    for table in metadata.tables.values():
        statements.append(str(CreateTable(table).compile(dialect=sqlite.dialect())))
        statements += [
            str(CreateIndex(index).compile(dialect=sqlite.dialect())) for index in table.indexes
        ]
    expected = {squeezed(sql) for sql in statements}
    found = {squeezed(sql.decode()) for sql in fresh_schema().values() if sql}
    assert expected <= found
    assert all("alembic_version" in sql for sql in found - expected)


def test_every_table_is_strict_and_every_ledger_has_its_own_id(tmp_path: Path) -> None:
    ids = set()
    for name in ("a.db", "b.db"):
        create_ledger(tmp_path / name)
        connection = sqlite3.connect(tmp_path / name)
        strict = dict(connection.execute("SELECT name, strict FROM pragma_table_list"))
        assert all(strict[table] for table in metadata.tables)
        ids.add(connection.execute("SELECT value FROM meta WHERE key='ledger_id'").fetchone()[0])
        connection.close()
    assert len(ids) == 2


def test_a_creation_that_was_cut_short_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "papertape.db"
    (tmp_path / "papertape.db.new").write_bytes(b"half a file")
    ledger = SqliteLedger(path)
    ledger.append(opening(), ts_ns=1, mseq=0)
    ledger.close()
    assert verify_ledger(path).ok
    assert not (tmp_path / "papertape.db.new").exists()
    assert path.stat().st_mode & 0o077 == 0
