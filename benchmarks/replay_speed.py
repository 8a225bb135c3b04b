"""Market events per second through the whole bot, simulated feed at max, against the feed alone."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

import structlog

from papertape.clock import NS_PER_S, SystemClock
from papertape.config import load_config
from papertape.feeds.simulated import SimulatedFeed
from papertape.runner import run_bot
from papertape.wiring import SIMULATED_EPOCH_NS

MARKET_S = 900
ROUNDS = 3


def run() -> dict[str, object]:
    """Return medians over the rounds; the feed alone alternates with the bot."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    whole, feed = [], []
    for _ in range(ROUNDS):
        feed.append(_feed_alone())
        with tempfile.TemporaryDirectory(prefix="papertape-bench-") as folder:
            overrides: dict[str, object] = {
                "data_dir": str(Path(folder)),
                "feed.speed": "max",
                "feed.duration_s": float(MARKET_S),
            }
            whole.append(run_bot(load_config(overrides=overrides)).events_per_s)
    return {
        "market_s": MARKET_S,
        "rounds": ROUNDS,
        "events_per_s": round(median(whole)),
        "feed_alone_events_per_s": round(median(feed)),
        "ratio_to_feed": round(median(whole) / median(feed), 3),
    }


def _feed_alone() -> float:
    feed = SimulatedFeed(
        seed=7,
        start_ns=SIMULATED_EPOCH_NS,
        speed="max",
        clock=SystemClock(),
        duration_ns=MARKET_S * NS_PER_S,
    )
    began = time.perf_counter()
    count = sum(1 for _ in feed.items())
    return count / (time.perf_counter() - began)
