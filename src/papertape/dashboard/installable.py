"""What makes the pages an app: manifest, service worker, and the page for when nobody answers."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, make_response, render_template, url_for

from papertape import __version__

app_files = Blueprint("app_files", __name__)

FOLDER = Path(__file__).parent
WORKER = FOLDER / "static" / "js" / "service_worker.js"
GROUND = "#0f1419"  # --bg of tokens.css in the dark; a manifest knows one theme only
VERSIONED = ("static", "templates")


@cache
def build() -> str:
    """Return a name of everything that pages are made of: another file, another name."""
    digest = hashlib.sha256(__version__.encode())
    for folder in VERSIONED:
        for path in sorted((FOLDER / folder).rglob("*")):
            if path.is_file():
                digest.update(path.relative_to(FOLDER).as_posix().encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _icon(name: str, size: int, purpose: str) -> dict[str, str]:
    source = url_for("static", filename=f"icons/{name}")
    sizes = f"{size}x{size}"
    return {"src": source, "sizes": sizes, "type": "image/png", "purpose": purpose}


@app_files.get("/manifest.webmanifest")
def manifest() -> Response:
    """Return what an installed app is called, looks like and begins with."""
    body = {
        "id": "/",
        "name": "papertape",
        "short_name": "papertape",
        "description": "Trading strategies on paper, live.",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": GROUND,
        "theme_color": GROUND,
        "icons": [
            _icon("app-192.png", 192, "any"),
            _icon("app-512.png", 512, "any"),
            _icon("app-maskable-512.png", 512, "maskable"),
        ],
        "shortcuts": [
            {"name": "Trades", "url": "/trades"},
            {"name": "Alerts", "url": "/alerts"},
        ],
    }
    return Response(json.dumps(body), content_type="application/manifest+json")


@app_files.get("/sw.js")
def worker() -> Response:
    """Return the service worker with the name of this build: a new build is a new worker."""
    source = WORKER.read_text(encoding="utf-8")
    body = f"const BUILD = {json.dumps(build())};\n{source}"
    return Response(body, content_type="text/javascript; charset=utf-8")


@app_files.get("/offline")
def offline() -> Response:
    """Show what the service worker shows for a page that it does not have."""
    return make_response(render_template("offline.html"))
