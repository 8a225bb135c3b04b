"""Body: what every record on the tape is built on."""

from __future__ import annotations

import msgspec


class Body(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of every record body: its JSON says its kind."""
