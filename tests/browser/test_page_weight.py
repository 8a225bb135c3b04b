"""What a first visit loads: bytes do not depend on how busy the machine is."""

from __future__ import annotations

import pytest
from benchmarks.pages import weight
from playwright.sync_api import Browser
from tests.browser.conftest import Dashboard
from tests.dashboard.tapes import Tape, busy

from papertape.dashboard.pages import PLACES

pytestmark = [pytest.mark.slow, pytest.mark.browser]

SCRIPTS_KB_MAX = 300  # ours and vendored ones, before the chart libraries
PAGE_KB_MAX = 1_000


def test_every_page_is_light(tape: Tape, dashboard: Dashboard, browser: Browser) -> None:
    busy(tape)
    page = browser.new_page()
    weights = {place.name: weight(page, dashboard.url + place.path[1:]) for place in PLACES}
    page.close()
    print(weights)
    assert all(each["scripts"] > 50 for each in weights.values()), weights  # it was counted
    assert all(each["scripts"] < SCRIPTS_KB_MAX for each in weights.values()), weights
    assert all(each["all"] < PAGE_KB_MAX for each in weights.values()), weights
