"""Every page of the rail is told of in docs/pages.md, with a picture (`make screenshots`)."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest
from scripts.screenshots import BYTES_MAX

from papertape.dashboard.pages import PLACES

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "pages.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("place", PLACES, ids=[place.name for place in PLACES])
def test_a_page_has_its_words_and_its_picture(place) -> None:
    """A heading, words, and a PNG that is a page wide and not too large for a repository."""
    found = re.search(rf"^## {re.escape(place.title)}\n\n(.+?)(?=^## |\Z)", TEXT, re.M | re.S)
    assert found is not None, f"docs/pages.md says nothing of {place.title}"
    assert len(found[1].split()) > 10
    assert f"(img/{place.name}.png)" in found[1]
    picture = (DOCS / "img" / f"{place.name}.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", picture[16:24]) >= (1_000, 700)
    assert len(picture) <= BYTES_MAX


def test_no_picture_is_left_over() -> None:
    """What lies in docs/img is shown somewhere."""
    shown = set(re.findall(r"\(img/([a-z_]+\.png)\)", TEXT))
    assert {path.name for path in (DOCS / "img").iterdir()} == shown


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT)
    assert all((DOCS / link).exists() for link in links)
