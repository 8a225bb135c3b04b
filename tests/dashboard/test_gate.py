"""The gate: every route of the URL map against every way of not being our own page."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from tests.dashboard.conftest import HOST, ORIGIN, PORT, Caller
from tests.dashboard.tapes import Tape

from papertape.dashboard.gate import HEADERS_BYTES_MAX, SOCKETS_MAX, URL_BYTES_MAX
from papertape.dashboard.strict_json import BODY_BYTES_MAX

SOCKET = "/socket.io/?EIO=4&transport=websocket"
UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade"}
JSON = "application/json"
PASSED = (200, 404, 409, 422)  # what the endpoints themselves say


def routes(app: Flask) -> Iterator[tuple[str, str]]:
    """Yield every (method, path) of the application, with some part where one is needed."""
    for rule in app.url_map.iter_rules():
        path = rule.rule.replace("<path:filename>", "js/none.js")
        for name in rule.arguments:
            path = path.replace(f"<{name}>", "J1")
        for method in sorted(rule.methods or ()):
            yield method, path


def ask(app: Flask, method: str, path: str, data: bytes | None = None, **headers: str):
    kind = headers.pop("kind", JSON if method not in ("GET", "HEAD") else None)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("Host", HOST)
    return app.test_client().open(path, method=method, headers=named, data=data, content_type=kind)


def writing(app: Flask) -> list[tuple[str, str]]:
    found = [(m, p) for m, p in routes(app) if m not in ("GET", "HEAD") and p != "/csp-report"]
    assert len(found) >= 4
    return found


def own(app: Flask) -> dict[str, str]:
    return {"Origin": ORIGIN, "X_CSRF_Token": app.extensions["papertape"].csrf.text}


def code(answer) -> str:
    body = answer.get_json()
    assert body["ok"] is False
    return str(body["error"]["code"])


def test_no_route_answers_to_another_host(app: Flask) -> None:
    for method, path in [*routes(app), ("GET", SOCKET)]:
        for host in ("evil.example", f"evil.example:{PORT}", "127.0.0.1", "localhost:80", ""):
            answer = ask(app, method, path, Host=host, Origin=f"http://{host}", **UPGRADE)
            assert answer.status_code == 400, (method, path, host)


def test_our_names_are_taken(app: Flask) -> None:
    for host in (f"localhost:{PORT}", f"LOCALHOST:{PORT}", f"[::1]:{PORT}"):
        assert ask(app, "GET", "/api/status", Host=host).status_code == 200


def test_forwarded_headers_count_for_nothing(app: Flask) -> None:
    answer = ask(app, "GET", "/api/status", Host="evil.example", X_Forwarded_Host=HOST)
    assert answer.status_code == 400
    more = {"X_Forwarded_Host": "evil.example", "X_Forwarded_For": "1.2.3.4", "Forwarded": "x"}
    assert ask(app, "GET", "/api/status", **more).status_code == 200
    evil = {"Origin": "http://evil.example", "X_Forwarded_Host": "evil.example"}
    assert ask(app, "GET", SOCKET, **evil, **UPGRADE).status_code == 403


def test_writing_needs_origin_token_and_json(app: Flask) -> None:
    for method, path in writing(app):
        good = own(app)
        tries = {
            "no_origin": ({"X_CSRF_Token": good["X_CSRF_Token"]}, 403),
            "bad_origin": (good | {"Origin": "http://localhost:3000"}, 403),
            "bad_csrf": ({"Origin": ORIGIN}, 403),
            "cross_site": (good | {"Sec_Fetch_Site": "same-site"}, 403),
            "bad_content_type": (good | {"kind": "text/plain"}, 415),
            "bad_token": (good | {"Authorization": "Bearer no"}, 401),
            "bad_encoding": (good | {"Content_Encoding": "gzip"}, 415),
            "length_required": (good | {"Transfer_Encoding": "chunked"}, 400),
        }
        for expected, (headers, status) in tries.items():
            answer = ask(app, method, path, data=b"{}", **headers)
            assert (code(answer), answer.status_code) == (expected, status), (method, path)
        for origin in ("null", "http://127.0.0.1", "https://" + HOST, ORIGIN + "/", ""):
            answer = ask(app, method, path, data=b"{}", **good | {"Origin": origin})
            assert answer.status_code == 403, origin
        wrong = good | {"X_CSRF_Token": "0" * 64}
        assert code(ask(app, method, path, data=b"{}", **wrong)) == "bad_csrf"
        passed = ask(app, method, path, data=b"{}", **good | {"Sec_Fetch_Site": "same-origin"})
        assert passed.status_code in PASSED, (method, path)


def test_scripts_write_with_the_token_of_the_folder(app: Flask, data_dir: Path) -> None:
    assert (
        ask(app, "POST", "/api/journal/entry", b"{}", Authorization="Bearer x").status_code == 401
    )
    path = data_dir / "token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    word = f"Bearer {path.read_text().strip()}"
    for method, route in writing(app):
        assert ask(app, method, route, b"{}", Authorization=word).status_code in PASSED
        evil = {"Authorization": word, "Origin": "http://evil.example"}
        assert ask(app, method, route, b"{}", **evil).status_code == 403


def test_sockets_need_our_origin_with_its_port(app: Flask) -> None:
    for origin in (
        None,
        "",
        "null",
        "http://127.0.0.1",
        "http://localhost:3000",
        "https://" + HOST,
    ):
        named = {} if origin is None else {"Origin": origin}
        assert ask(app, "GET", SOCKET, **named, **UPGRADE).status_code == 403, origin
    assert code(ask(app, "GET", SOCKET, Origin=ORIGIN)) == "websocket_only"
    polling = "/socket.io/?EIO=4&transport=polling"
    assert ask(app, "GET", polling, Origin=ORIGIN).status_code == 400
    assert ask(app, "GET", polling, Origin=ORIGIN, **UPGRADE).status_code == 400
    assert ask(app, "POST", SOCKET, Origin=ORIGIN).status_code == 405
    assert ask(app, "GET", "/socket.io/x", Origin=ORIGIN).status_code == 404


def test_at_most_so_many_sockets(app: Flask) -> None:
    sockets = app.extensions["socketio"].server.eio.sockets
    sockets.update({f"s{i}": None for i in range(SOCKETS_MAX)})
    assert ask(app, "GET", SOCKET, Origin=ORIGIN, **UPGRADE).status_code == 503
    sockets.clear()


def test_unknown_paths_and_methods(app: Flask) -> None:
    assert ask(app, "GET", "/nothing").status_code == 404
    assert ask(app, "GET", "/../../etc/passwd").status_code == 404
    assert ask(app, "GET", "/static/../app.py").status_code == 404
    assert ask(app, "GET", "/static/%2e%2e/app.py").status_code == 404
    for method in ("OPTIONS", "TRACE", "PUT", "DELETE", "POST", "CONNECT"):
        answer = ask(app, method, "/api/portfolio", **own(app))
        assert answer.status_code == 405
        assert answer.headers["Allow"] == "GET, HEAD"
    override = own(app) | {"X_HTTP_Method_Override": "DELETE"}
    assert ask(app, "POST", "/api/journal/entry", b"{}", **override).status_code == 422


def test_limits_of_address_headers_and_body(app: Flask) -> None:
    assert ask(app, "GET", "/api/trades?symbol=" + "a" * URL_BYTES_MAX).status_code == 400
    assert ask(app, "GET", "/api/status", X_Long="a" * HEADERS_BYTES_MAX).status_code == 400
    many = {f"X_{i}": "a" for i in range(80)}
    assert ask(app, "GET", "/api/status", **many).status_code == 400
    big = b'"' + b"a" * BODY_BYTES_MAX + b'"'
    answer = ask(app, "POST", "/api/journal/entry", big, **own(app))
    assert (answer.status_code, code(answer)) == (413, "body_too_large")


def test_headers_of_every_answer(app: Flask, tape: Tape) -> None:
    tape.flush()
    answers = [ask(app, method, path, data=b"", **own(app)) for method, path in routes(app)]
    answers += [ask(app, "GET", "/", Host="evil"), ask(app, "GET", "/x"), ask(app, "PUT", "/")]
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert f"ws://127.0.0.1:{PORT} ws://localhost:{PORT}" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert answer.headers["Origin-Agent-Cluster"] == "?1"
        assert answer.headers["Cache-Control"] == "no-store"
        assert not [n for n, _ in answer.headers if n.startswith("Access-Control")]
        assert "Server" not in answer.headers
        assert "Set-Cookie" not in answer.headers
        assert "Strict-Transport-Security" not in answer.headers


def test_static_files_are_kept_only_under_their_own_address(app: Flask, page: Caller) -> None:
    html = page.get("/").get_data(as_text=True)
    address = html.partition('href="/static/css/tokens.css')[2].partition('"')[0]
    kept = page.get("/static/css/tokens.css" + address.replace("&amp;", "&"))
    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for wrong in ("", "?v=00000000"):
        answer = page.get("/static/css/tokens.css" + wrong)
        assert answer.headers["Cache-Control"] == "no-cache"


def test_policy_reports_are_counted(app: Flask) -> None:
    answer = ask(app, "POST", "/csp-report", b"{}", kind="application/csp-report")
    assert answer.status_code == 204
    assert app.extensions["papertape"].counts["csp_reports"] == 1
    assert ask(app, "POST", "/csp-report", b"{}", kind="text/html").status_code == 415


@pytest.mark.parametrize("mode", [0o644, 0o660])
def test_token_that_others_can_read_is_not_taken(app: Flask, data_dir: Path, mode: int) -> None:
    data_dir.mkdir()
    (data_dir / "token").write_text("a" * 40)
    (data_dir / "token").chmod(mode)
    word = "Bearer " + "a" * 40
    answer = ask(app, "POST", "/api/journal/entry", b"{}", Authorization=word)
    assert (answer.status_code, code(answer)) == (503, "token_unreadable")
