"""Pages and static files: each page's context is a type, each static file has its own address."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from flask import Blueprint, Flask, Response, make_response, render_template, request, url_for
from jinja2 import StrictUndefined

from papertape import __version__
from papertape.dashboard.state import state

pages = Blueprint("pages", __name__)

STATIC_SECONDS = 31_536_000


@dataclass(frozen=True)
class Page:
    """What a template may use."""

    template: ClassVar[str]
    name: str
    title: str
    mode: str
    csrf_token: str
    version: str


@dataclass(frozen=True)
class IndexPage(Page):
    """`index.html`: the overview; its figures come over the live line."""

    template: ClassVar[str] = "index.html"


@dataclass(frozen=True)
class JournalPage(Page):
    """`trade_journal.html`: trades from flat to flat, and what people say of them."""

    template: ClassVar[str] = "trade_journal.html"


@dataclass(frozen=True)
class SystemPage(Page):
    """`system.html`: the machine room; its facts come from the API."""

    template: ClassVar[str] = "system.html"


@dataclass(frozen=True)
class TradesPage(Page):
    """`trades.html`: every trade of the account, and what led to each."""

    template: ClassVar[str] = "trades.html"


@dataclass(frozen=True)
class AlertsPage(Page):
    """`alerts.html`: rules, what they raised, and where it went."""

    template: ClassVar[str] = "alerts.html"


@dataclass(frozen=True)
class MarketsPage(Page):
    """`markets.html`: every book live, and what is known of each market."""

    template: ClassVar[str] = "markets.html"


@pages.get("/")
def index() -> Response:
    """Show the overview."""
    return show(IndexPage, "overview", "papertape")


@pages.get("/journal")
def journal() -> Response:
    """Show the journal."""
    return show(JournalPage, "journal", "Journal")


@pages.get("/system")
def system() -> Response:
    """Show the machine room."""
    return show(SystemPage, "system", "System")


@pages.get("/trades")
def trades() -> Response:
    """Show the trades."""
    return show(TradesPage, "trades", "Trades")


@pages.get("/alerts")
def alerts() -> Response:
    """Show the alerts."""
    return show(AlertsPage, "alerts", "Alerts")


@dataclass(frozen=True)
class AnalyticsPage(Page):
    """`analytics.html`: figures with their formulas, and where the result came from."""

    template: ClassVar[str] = "analytics.html"


@pages.get("/analytics")
def analytics() -> Response:
    """Show the analytics."""
    return show(AnalyticsPage, "analytics", "Analytics")


@dataclass(frozen=True)
class LeaderboardPage(Page):
    """`leaderboard.html`: strategies ranked by what they surely earn."""

    template: ClassVar[str] = "leaderboard.html"


@pages.get("/leaderboard")
def leaderboard() -> Response:
    """Show the leaderboard."""
    return show(LeaderboardPage, "leaderboard", "Leaderboard")


@pages.get("/markets")
def markets() -> Response:
    """Show the markets."""
    return show(MarketsPage, "markets", "Markets")


def show(kind: type[Page], name: str, title: str) -> Response:
    """Return a page whose context needs no more than every page has."""
    here = state()
    if not here.follower.driven:
        here.follower.refresh()
    page = kind(
        name=name,
        title=title,
        mode=here.follower.view.mode,
        csrf_token=here.csrf.text,
        version=__version__,
    )
    return make_response(render_template(page.template, page=page, version=__version__))


@pages.get("/favicon.ico")
def favicon() -> Response:
    """Return the icon under the name that browsers ask for by themselves."""
    icon = Path(__file__).parent / "static" / "favicon.svg"
    if not icon.exists():
        return Response(status=404)
    return Response(icon.read_bytes(), content_type="image/svg+xml")


@pages.post("/csp-report")
def csp_report() -> Response:
    """Count a report of a violated content policy."""
    here = state()
    request.get_data(cache=False)
    here.count("csp_reports")
    return Response(status=204)


class StaticFiles:
    """Addresses of static files that change with their content, so that they may be kept."""

    def __init__(self, folder: Path) -> None:
        """Serve this folder."""
        self._folder = folder
        self._known: dict[str, tuple[int, str]] = {}

    def version(self, name: str) -> str:
        """Return the first 8 digits of the file's hash, "" if there is no such file."""
        path = self._folder / name
        try:
            changed_ns = path.stat().st_mtime_ns
        except OSError:
            return ""
        known = self._known.get(name)
        if known is None or known[0] != changed_ns:
            known = (changed_ns, hashlib.sha256(path.read_bytes()).hexdigest()[:8])
            self._known[name] = known
        return known[1]


def add_pages(app: Flask) -> None:
    """Give the application its pages and the rules of templates and static files."""
    assert app.static_folder is not None
    files = StaticFiles(Path(app.static_folder))
    app.register_blueprint(pages)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.autoescape = True

    @app.url_defaults
    def versioned(endpoint: str, values: dict[str, object]) -> None:
        if endpoint == "static" and "filename" in values and "v" not in values:
            version = files.version(str(values["filename"]))
            if version:
                values["v"] = version

    @app.template_global()
    def static_url(name: str) -> str:
        return url_for("static", filename=name)

    @app.after_request
    def cached(response: Response) -> Response:
        if request.endpoint == "static" and response.status_code in (200, 304):
            view_args = request.view_args or {}
            asked, own = request.args.get("v", ""), files.version(str(view_args["filename"]))
            kept = bool(asked) and asked == own
            response.headers["Cache-Control"] = (
                f"public, max-age={STATIC_SECONDS}, immutable" if kept else "no-cache"
            )
        return response
