"""`make screenshots`: a picture of every page into docs/img, of the simulated markets.

Two hours of seeded trading are played at full speed up to now, then the bot goes on live while the
dashboard is looked at, so that the pictures show what a user sees.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.chromium import started
from benchmarks.dashboard import serving
from playwright.sync_api import Browser, Page, expect

from papertape.dashboard.pages import PLACES

OUT = Path(__file__).resolve().parent.parent / "docs" / "img"
BYTES_MAX = 250_000  # of one picture; the repository keeps them all
HOURS = 2
SEED = "7"
DESK, PHONE = (1280, 800), (390, 844)
PATIENCE_MS = 20_000
SETTLE_MS = 1_500  # charts draw themselves, toasts of the first moments leave
# The bot as `papertape run` has it, with the time at which its simulated markets begin.
RUN = (
    "import sys; from papertape import wiring; "
    "wiring.SIMULATED_EPOCH_NS = int(sys.argv.pop(1)); "
    "from papertape.cli.main import main; sys.argv[0] = 'papertape'; sys.exit(main())"
)
RULES: tuple[dict[str, object], ...] = (
    {"kind": "bot_dead", "severity": "error", "cooldown_s": 0},
    {"kind": "drawdown", "percent": 5, "severity": "warning", "cooldown_s": 3_600},
    {"kind": "feed_stale", "seconds": 30, "severity": "warning", "cooldown_s": 600},
)


def main() -> int:
    """Make all pictures; 1 if one of them is too large for the repository."""
    OUT.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        data_dir = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "data"
        _say(f"playing {HOURS} h of simulated markets …")
        played_ns = HOURS * 3_600 * 10**9
        _run(data_dir, "--speed", "max", "--duration", f"{HOURS}h", back_ns=played_ns).wait()
        for strategy in ("momentum", "mean_reversion"):
            _backtest(data_dir, strategy)
        stack.enter_context(_live(data_dir))
        address = stack.enter_context(serving(data_dir)).address
        _write_something(address, data_dir)
        browser = stack.enter_context(started())
        sizes = [_picture(browser, address, place.name, place.path) for place in PLACES]
        sizes.append(_picture(browser, address, "phone", "/", size=PHONE))
    return 1 if max(sizes) > BYTES_MAX else 0


def _run(data_dir: Path, *words: str, back_ns: int = 0) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-c", RUN, str(time.time_ns() - back_ns), "run", "--seed", SEED]
    return subprocess.Popen([*line, *words, "--data-dir", str(data_dir)], stdout=subprocess.DEVNULL)


def _backtest(data_dir: Path, strategy: str) -> None:
    """Run a strategy over what the bot has recorded."""
    (recording,) = (data_dir / "market").iterdir()
    line = [sys.executable, "-m", "papertape.cli", "backtest", "--strategy", strategy]
    line += ["--data", str(recording), "--data-dir", str(data_dir)]
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def _live(data_dir: Path) -> Iterator[None]:
    bot = _run(data_dir)
    try:
        yield
    finally:
        bot.terminate()
        bot.wait(30)


def _write_something(address: str, data_dir: Path) -> None:
    """Write rules and two journal entries, as a user would have."""
    line = [sys.executable, "-m", "papertape.cli", "token", "--data-dir", str(data_dir)]
    token = subprocess.run(line, capture_output=True, text=True, check=True).stdout.strip()
    for rule in RULES:
        _send(address + "api/alerts/rules", rule, token)
    with urllib.request.urlopen(address + "api/journal/trades?limit=3") as answer:
        trades = json.load(answer)["data"]
    notes = ("Took the **whole** level; wait for depth next time.", "By the book.")
    for trade, note in zip(trades[1:], notes, strict=False):
        entry = {"rating": 4, "notes": note, "tags": ["depth"]}
        _send(f"{address}api/journal/trades/{trade['id']}", entry, token, method="PATCH")


def _send(url: str, body: object, token: str, method: str = "POST") -> Any:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def _picture(
    browser: Browser, address: str, name: str, path: str, size: tuple[int, int] = DESK
) -> int:
    """Take one picture and return its size in bytes."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark", reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address + path.lstrip("/"))
    expect(page.locator("#sign-connection")).to_contain_text("Connected", timeout=PATIENCE_MS)
    expect(page.locator('.panel[data-state="loading"]')).to_have_count(0, timeout=PATIENCE_MS)
    _open_something(page, name)
    page.wait_for_timeout(SETTLE_MS)
    data = _packed(page.screenshot())
    (OUT / f"{name}.png").write_bytes(data)
    context.close()
    _say(f"{name}.png: {len(data) // 1_000} KB")
    return len(data)


def _open_something(page: Page, name: str) -> None:
    """Open what is worth a look on a page that shows more than its first sight."""
    if name == "trades":
        page.locator("#rows-trades tr:not(.spacer)").filter(has_text="Sell").first.click()
        expect(page.locator("#drawer")).to_contain_text("Level used", timeout=PATIENCE_MS)
    elif name == "journal":
        page.locator(".trade-line").nth(1).click()
        expect(page.locator("#entry-book tr").first).to_be_visible(timeout=PATIENCE_MS)


def _packed(png: bytes) -> bytes:
    """Return the same picture, pressed harder than a browser has time for."""
    at, head, pixels = 8, png[:8], b""
    chunks: list[tuple[bytes, bytes]] = []
    while at < len(png):
        length = int.from_bytes(png[at : at + 4])
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        if kind == b"IDAT":
            pixels += body
        else:
            chunks.append((kind, body))
        at += 12 + length
    chunks.insert(-1, (b"IDAT", zlib.compress(zlib.decompress(pixels), 9)))
    return head + b"".join(
        len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)
        for kind, body in chunks
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
