"""Web push in a real browser: why it cannot be, and an alert that the service worker shows."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from tests.browser.checks import AXE, PHONE, SIDEWAYS, Visit, settle
from tests.browser.conftest import PATIENCE_MS, Dashboard
from tests.dashboard.tapes import Tape

from papertape.services.push_channel import installed

pytestmark = [pytest.mark.slow, pytest.mark.browser]

ASKED = """() => {
  window.asked = 0;
  Notification.requestPermission = async () => { window.asked += 1; };
}"""
SHOWN = """navigator.serviceWorker.ready
.then((registration) => registration.getNotifications())
.then((list) => list.map(({ title, body, tag, data }) => ({ title, body, tag, ...data })))"""


def test_the_panel_says_why_it_cannot(tape: Tape, visit: Visit, axe: str) -> None:
    """In words, with the switch off; nobody is asked for a permission; nothing overflows."""
    tape.flush()
    opened = visit(path="alerts")
    page = opened.page
    page.evaluate(ASKED)
    settle(page)
    panel = page.locator("#panel-push")
    why = "does not offer push" if installed() else 'pip install "papertape[push]"'
    expect(panel).to_contain_text(why)
    expect(panel.get_by_role("switch", name="Push to this browser")).to_be_disabled()
    expect(page.locator("#rows-channels")).to_contain_text("push")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    assert page.evaluate(SIDEWAYS) <= 0
    page.evaluate(axe)
    assert page.evaluate(AXE) == []
    assert page.evaluate("window.asked") == 0
    assert opened.found() == []


# What a browser's own push service would give: an address and keys that are whole.
SERVICE = """(() => {
  let present = null;
  const text = (raw) => btoa(String.fromCharCode(...new Uint8Array(raw)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  PushManager.prototype.getSubscription = async () => present;
  PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
    if (!userVisibleOnly || applicationServerKey.length !== 65) throw new Error("a wrong key");
    const kind = { name: "ECDH", namedCurve: "P-256" };
    const pair = await crypto.subtle.generateKey(kind, true, ["deriveBits"]);
    const p256dh = text(await crypto.subtle.exportKey("raw", pair.publicKey));
    const auth = text(crypto.getRandomValues(new Uint8Array(16)));
    const endpoint = "https://push.example.com/send/1";
    const json = { endpoint, expirationTime: null, keys: { p256dh, auth } };
    const unsubscribe = async () => ((present = null), true);
    return (present = { endpoint, unsubscribe, toJSON: () => json });
  };
})()"""


@pytest.fixture
def allowed(browser: Browser, dashboard: Dashboard) -> Iterator[BrowserContext]:
    """Return a browser that allows service workers and notifications."""
    context = browser.new_context(base_url=dashboard.url)
    context.grant_permissions(["notifications"], origin=dashboard.url.rstrip("/"))
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


def test_the_worker_shows_what_is_pushed(tape: Tape, allowed: BrowserContext) -> None:
    """Title, text and tag of the alert; the same alert twice is one; noise is shown as such."""
    tape.flush()
    page = allowed.new_page()
    debugger = allowed.new_cdp_session(page)
    found: list[str] = []
    debugger.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda said: found.extend(each["registrationId"] for each in said["registrations"]),
    )
    debugger.send("ServiceWorker.enable")
    page.goto("/alerts")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    alert = {"title": "Fill", "message": "BUY 10", "level": "info", "url": "/alerts", "tag": "A7"}
    for data in (json.dumps(alert), json.dumps(alert), "noise"):
        debugger.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": page.evaluate("location.origin"), "registrationId": found[-1], "data": data},
        )
    rows: list[dict[str, str]] = []
    for _ in range(100):
        rows = page.evaluate(SHOWN)
        if len(rows) == 2:
            break
        page.wait_for_timeout(50)
    shown = {row["tag"]: row for row in rows}
    assert shown["A7"] == {"title": "Fill", "body": "BUY 10", "tag": "A7", "url": "/alerts"}
    assert shown["papertape"]["body"] == "A new alert"


@pytest.mark.skipif(not installed(), reason="the extra papertape[push]")
def test_on_and_off(tape: Tape, allowed: BrowserContext) -> None:
    """By the switch, listed by name; a rule can name it; by Remove it is off again."""
    tape.flush()
    allowed.add_init_script(SERVICE)
    page = allowed.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto("/alerts")
    settle(page)
    switch = page.get_by_role("switch", name="Push to this browser")
    rows = page.locator("#rows-push li")
    expect(switch).to_have_attribute("aria-checked", "false")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("Chrome on Linux (this browser)")
    expect(page.locator("#rows-channels")).to_contain_text("browsers subscribed: 1")
    page.locator("#new-rule").click()
    expect(page.locator("#rule-channels")).to_contain_text("push")
    page.keyboard.press("Escape")
    switch.click()
    expect(rows).to_have_count(0)
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    rows.first.get_by_role("button", name="Remove: Chrome on Linux").click()
    page.get_by_role("button", name="Confirm").click()
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(page.locator("#push-note")).to_contain_text("Off. Switch it on")
    assert complaints == []
