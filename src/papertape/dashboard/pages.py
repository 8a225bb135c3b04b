"""Pages and static files: one table of places, and an address of its own per static file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from flask import Blueprint, Flask, Response, make_response, render_template, request, url_for
from jinja2 import StrictUndefined

from papertape import __version__
from papertape.dashboard.state import state

pages = Blueprint("pages", __name__)

STATIC_SECONDS = 31_536_000


@dataclass(frozen=True)
class Place:
    """A page that people can go to."""

    path: str
    name: str  # also of its icon
    title: str
    template: str
    letter: str  # after `g` on the keyboard


PLACES = (  # in the order of the rail
    Place("/", "overview", "Overview", "index.html", "o"),
    Place("/trades", "trades", "Trades", "trades.html", "t"),
    Place("/markets", "markets", "Markets", "markets.html", "m"),
    Place("/analytics", "analytics", "Analytics", "analytics.html", "a"),
    Place("/leaderboard", "leaderboard", "Leaderboard", "leaderboard.html", "l"),
    Place("/journal", "journal", "Journal", "trade_journal.html", "j"),
    Place("/alerts", "alerts", "Alerts", "alerts.html", "e"),
    Place("/backtests", "backtests", "Backtests", "backtests.html", "b"),
    Place("/system", "system", "System", "system.html", "s"),
)


@dataclass(frozen=True)
class Page:
    """What a template may use."""

    name: str
    title: str
    mode: str
    csrf_token: str
    version: str


def show(place: Place) -> Response:
    """Return the page of a place; its figures come over the live line and the API."""
    here = state()
    if not here.follower.driven:
        here.follower.refresh()
    page = Page(
        name=place.name,
        title=place.title,
        mode=here.follower.view.mode,
        csrf_token=here.csrf.text,
        version=__version__,
    )
    return make_response(render_template(place.template, page=page, version=__version__))


for _place in PLACES:
    pages.add_url_rule(_place.path, _place.name, partial(show, _place), methods=["GET"])


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
    app.jinja_env.globals["places"] = PLACES

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
