"""Browsers that are subscribed to alerts: kept on the desk, shown without address and keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from papertape.clock import Clock, iso_utc
from papertape.dashboard.alert_rows import Row, number_of
from papertape.dashboard.desk_file import DeskFile, push_subscriptions
from papertape.services.push_channel import NAME, Subscription

BROWSERS_MAX = 20  # one person's; each alert is one request per browser

table = push_subscriptions


class PushDesk:
    """Subscriptions in desk.db (services.push_channel.Subscriptions)."""

    def __init__(self, file: DeskFile, clock: Clock) -> None:
        """Keep everything in this file."""
        self._file = file
        self._clock = clock

    def rows(self) -> list[Row]:
        """Return who is subscribed, oldest first, without address and keys."""
        if not self._file.exists():
            return []
        with self._file.begin() as connection:
            found = connection.execute(select(table).order_by(table.c.number))
            return [_row(row) for row in found.mappings()]

    def add(self, given: Subscription, label: str) -> Row | None:
        """Keep a subscription, or its new keys if its address is known; None if there are many."""
        values: Row = {"p256dh": given.p256dh, "auth": given.auth, "label": label}
        same = table.c.endpoint == given.endpoint
        with self._file.begin() as connection:
            known = connection.execute(update(table).where(same).values(values)).rowcount
            if not known:
                if _count(connection) >= BROWSERS_MAX:
                    return None
                values |= {"endpoint": given.endpoint, "created_ts_ns": self._clock.now_ns()}
                connection.execute(insert(table), values)
            return _row(connection.execute(select(table).where(same)).mappings().one())

    def count(self) -> int:
        """Return how many browsers are subscribed."""
        if not self._file.exists():
            return 0
        with self._file.begin() as connection:
            return _count(connection)

    def subscription(self, addressee: str) -> Subscription | None:
        """Return the subscription of an id."""
        number = number_of("P", addressee)
        if number is None or not self._file.exists():
            return None
        query = select(table.c.endpoint, table.c.p256dh, table.c.auth)
        with self._file.begin() as connection:
            row = connection.execute(query.where(table.c.number == number)).mappings().first()
        return None if row is None else Subscription(**row)

    def forget(self, addressee: str) -> bool:
        """Remove a subscription; False if there was none."""
        number = number_of("P", addressee)
        if number is None or not self._file.exists():
            return False
        with self._file.begin() as connection:
            return bool(connection.execute(delete(table).where(table.c.number == number)).rowcount)


def addressed(connection: Connection, channels: Iterable[str]) -> list[str]:
    """Return the channels with each subscribed browser in the place of `push`."""
    found: list[str] = []
    for channel in channels:
        if channel == NAME:
            numbers = connection.execute(select(table.c.number).order_by(table.c.number))
            found += [f"{NAME}:P{number}" for number in numbers.scalars()] or [NAME]
        else:
            found.append(channel)
    return found


def _count(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _row(row: Mapping[Any, Any]) -> Row:
    endpoint = str(row["endpoint"])
    return {
        "id": f"P{row['number']}",
        "label": row["label"],
        "created_at": iso_utc(row["created_ts_ns"]),
        "digest": hashlib.sha256(endpoint.encode()).hexdigest(),
    }
