"""/metrics: what a monitor watches, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from flask import Blueprint, Response

from papertape import __version__
from papertape.dashboard import picture
from papertape.dashboard.api.answers import Query, endpoint
from papertape.dashboard.api.status import current_status
from papertape.dashboard.state import state

api = Blueprint("prometheus", __name__)

TEXT = "text/plain; version=0.0.4; charset=utf-8"
MS_PER_S = 1_000

Labels = Mapping[str, str]


@endpoint(api, "/metrics", "Figures for Prometheus", always=True, content=("text/plain",))
def metrics(_: Query) -> Response:
    """Return every figure with its help and type; what is not known is left out."""
    return Response("".join(_lines()), content_type=TEXT)


def _lines() -> Iterator[str]:
    follower = state().follower
    told = current_status()
    bot, view = told["bot"], follower.view
    beat_s, data_ms = bot["heartbeat_age_ms"], told["feed"]["age_ms"]
    summary = picture.portfolio(follower)["summary"]
    yield from _one("info", "gauge", "Version and mode.", 1,
                    version=__version__, mode=told["mode"] or "none")  # fmt: skip
    yield from _one("bot_up", "gauge", "1 while the bot runs.", int(bot["state"] == "running"))
    yield from _one("bot_heartbeat_age_seconds", "gauge", "Since the bot's last sign of life.",
                    None if beat_s is None else beat_s / MS_PER_S)  # fmt: skip
    yield from _one("bot_events_total", "counter", "Market records of this run.", bot["events"])
    yield from _one("feed_age_seconds", "gauge", "Age of the newest price.",
                    None if data_ms is None else data_ms / MS_PER_S)  # fmt: skip
    yield from _one("ledger_seq", "gauge", "Newest record that the dashboard folded.", view.seq)
    yield from _one("ledger_behind", "gauge", "Records not folded yet.", told["behind"])
    yield from _one("dashboard_sockets", "gauge", "Open pages.", told.get("sockets"))
    for name, meaning in (
        ("total_value", "Equity of the account."),
        ("cash", "Cash of the account."),
        ("exposure", "Worth of what is held."),
        ("unrealized_pnl", "Profit and loss of open positions at mark."),
        ("realized_pnl", "Realised profit and loss, before fees."),
        ("fees", "Fees paid."),
        ("positions_count", "Open positions."),
        ("max_drawdown_pct", "Deepest fall of equity, percent."),
    ):
        yield from _one(f"account_{name}", "gauge", meaning, summary[name])
    yield from _one("trades_total", "counter", "Trades of the account.", summary["trades_count"])
    seen = view.activity
    yield from _one("signals_total", "counter", "Signals raised.", seen.signals_count)
    refused = [({"reason": reason}, n) for reason, n in sorted(seen.refusals_by_reason.items())]
    yield from _many("signals_refused_total", "counter", "Signals refused, by reason.", refused)


def _one(name: str, kind: str, meaning: str, value: float | None, **labels: str) -> Iterator[str]:
    if value is not None:
        yield from _many(name, kind, meaning, [(labels, value)])


def _many(
    name: str, kind: str, meaning: str, samples: Sequence[tuple[Labels, float]]
) -> Iterator[str]:
    if not samples:
        return
    yield f"# HELP papertape_{name} {meaning}\n# TYPE papertape_{name} {kind}\n"
    for labels, value in samples:
        said = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        yield f"papertape_{name}{'{' + said + '}' if said else ''} {value!r}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
