"""The HTTP API: one module per subject, one envelope, every endpoint declared."""

from __future__ import annotations

from flask import Flask

from papertape.dashboard.api import (
    alerts,
    analytics,
    backtests,
    control,
    export,
    history,
    journal,
    journal_marks,
    journal_trades,
    markets,
    notifications,
    openapi,
    portfolio,
    prometheus,
    push,
    status,
    system,
    trades,
)


def register(app: Flask) -> None:
    """Give the application every endpoint."""
    modules = (portfolio, trades, journal, export, notifications, control, status, system,
               analytics, alerts, journal_trades, markets,
               journal_marks, backtests, history, prometheus, push, openapi)  # fmt: skip
    for module in modules:
        app.register_blueprint(module.api)
