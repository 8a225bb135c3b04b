"""The Flask application: pages and API behind the gate, Socket.IO beside them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import structlog
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from papertape.clock import Clock, SystemClock
from papertape.config import load_config
from papertape.dashboard import api, pages
from papertape.dashboard.alarms import Alarms
from papertape.dashboard.alert_desk import IMMEDIATE, AlertDesk
from papertape.dashboard.api.answers import ApiError, failure
from papertape.dashboard.backtest_choices import Choices
from papertape.dashboard.backtest_jobs import BacktestJobs
from papertape.dashboard.backtests import Shelf
from papertape.dashboard.desk import JournalDesk
from papertape.dashboard.diary import Diary
from papertape.dashboard.follower import Follower
from papertape.dashboard.gate import Gate
from papertape.dashboard.installable import app_files
from papertape.dashboard.keys import BearerToken, CsrfToken
from papertape.dashboard.push_desk import PushDesk
from papertape.dashboard.settings import DashboardSettings
from papertape.dashboard.state import DashboardState
from papertape.dashboard.strict_json import BODY_BYTES_MAX, StrictJsonProvider
from papertape.dashboard.verifier import Verifier
from papertape.dashboard.websocket_server import init_socketio
from papertape.errors import ConfigError, InvalidInputError, PapertapeError
from papertape.services.apprise_channel import AppriseChannel
from papertape.services.notification_service import NotificationService
from papertape.services.push_channel import NAME as PUSH
from papertape.services.push_channel import PushChannel, PushKey
from papertape.tape.follow import LedgerReader

log = structlog.get_logger("papertape.dashboard")

FOLDER = Path(__file__).parent
CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "bad_content_type",
    429: "too_many_requests",
}


def create_app(
    settings: DashboardSettings | None = None,
    *,
    clock: Clock | None = None,
    async_mode: str = "threading",
) -> Flask:
    """Return the dashboard's application; without settings those of the environment hold.

    The Socket.IO server is `app.extensions["socketio"]`, the dashboard's state
    `app.extensions["papertape"]`.
    """
    settings = settings or settings_from_environment()
    clock = clock or SystemClock()
    app = Flask(
        "papertape.dashboard",
        root_path=str(FOLDER),
        static_folder=None,  # added below, once the rules for routes hold
        template_folder="templates",
    )
    app.config.update(
        DEBUG=False,  # whatever FLASK_DEBUG says: its debugger executes what a browser sends
        TESTING=False,
        PROPAGATE_EXCEPTIONS=False,
        PROVIDE_AUTOMATIC_OPTIONS=False,
        MAX_CONTENT_LENGTH=BODY_BYTES_MAX,
        MAX_FORM_MEMORY_SIZE=BODY_BYTES_MAX,
        MAX_FORM_PARTS=20,
        SEND_FILE_MAX_AGE_DEFAULT=0,
    )
    app.static_folder = str(FOLDER / "static")
    app.add_url_rule("/static/<path:filename>", "static", app.send_static_file)
    app.json = StrictJsonProvider(app)
    app.url_map.strict_slashes = False
    app.url_map.redirect_defaults = False
    app.url_map.merge_slashes = False
    state = _state(settings, clock)
    app.extensions["papertape"] = state
    api.register(app)
    pages.add_pages(app)
    app.register_blueprint(app_files)
    _add_errors(app)
    socketio = init_socketio(app, async_mode=async_mode)
    app.wsgi_app = Gate(  # type: ignore[method-assign]
        app.wsgi_app,
        settings,
        routes=app.url_map,
        csrf=state.csrf,
        bearer=BearerToken(settings.data_dir, settings.token),
        sockets_open=lambda: len(socketio.server.eio.sockets),
    )
    return app


def _state(settings: DashboardSettings, clock: Clock) -> DashboardState:
    follower = Follower(settings.ledger, settings.board, clock)
    desk = JournalDesk(settings.desk, clock)
    alert_desk = AlertDesk(desk.file, clock)
    alarms = Alarms(follower, alert_desk)
    wanted = settings.notifications
    for name in (IMMEDIATE | {PUSH}) & wanted.urls.keys():
        raise ConfigError(f"notifications.urls.{name}: a built-in channel has this name")
    push_desk = PushDesk(desk.file, clock)
    push = PushChannel(push_desk, PushKey(settings.data_dir), clock, allow_local=wanted.allow_local)
    channels: dict[str, AppriseChannel | PushChannel] = {
        name: AppriseChannel(place, allow_local=wanted.allow_local, env=os.environ)
        for name, place in wanted.urls.items()
    } | {PUSH: push}
    notifications = NotificationService(alert_desk, channels, clock)
    alarms.posted = notifications.ring
    shelf = Shelf(settings.data_dir)
    return DashboardState(
        settings=settings,
        clock=clock,
        follower=follower,
        desk=desk,
        csrf=CsrfToken(),
        alarms=alarms,
        channels=channels,
        push=push,
        push_desk=push_desk,
        notifications=notifications,
        verifier=Verifier(settings.data_dir, clock),
        shelf=shelf,
        choices=Choices(settings),
        jobs=BacktestJobs(shelf.folder, clock),
        diary=Diary(settings.diary, LedgerReader(settings.ledger)),
    )


def _add_errors(app: Flask) -> None:
    @app.errorhandler(ApiError)
    def api_error(error: ApiError) -> Response:
        return failure(error.status, error.code, error.message, error.field)

    @app.errorhandler(InvalidInputError)
    def invalid(error: InvalidInputError) -> Response:
        return failure(422, "invalid", str(error), error.field)

    @app.errorhandler(PapertapeError)
    def world(error: PapertapeError) -> Response:
        log.warning("a request met trouble", error=str(error))
        return failure(503, "unavailable", str(error))

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        status = error.code or 500
        return failure(status, CODES.get(status, "error"), error.description or error.name)

    @app.errorhandler(Exception)
    def ours(error: Exception) -> Response:
        state = app.extensions["papertape"]
        number = state.count("mistakes")
        log.error("a request failed", number=number, exc_info=error)
        return failure(500, "our_mistake", f"this is our mistake; the log has it as {number}")


def settings_from_environment() -> DashboardSettings:
    """Return the settings that the environment and the defaults give."""
    config = load_config(env=os.environ)
    given = config.dashboard.token
    return DashboardSettings(
        data_dir=config.data_dir,
        host=config.dashboard.host,
        port=config.dashboard.port,
        token=given.get_secret_value() if given else None,
        notifications=config.notifications,
        recordings=tuple(config.dashboard.recordings),
    )


_made: dict[str, Any] = {}


def __getattr__(name: str) -> Any:
    """Make `app` and `socketio` when they are first asked for."""
    if name not in ("app", "socketio"):
        raise AttributeError(name)
    if not _made:
        app = create_app(async_mode="gevent")
        _made.update(app=app, socketio=app.extensions["socketio"])
    return _made[name]
