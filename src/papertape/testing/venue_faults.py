"""What may go wrong on a scripted venue that streams: numbers are positions in the script."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class StreamFaults:
    """Faults of a stream and of the REST answers beside it.

    drop, duplicate, truncate, wrong_schema: these messages. swap: these come after their
    successor. disconnect: every connection is cut instead. silent_from: the connections of that
    moment are held open and never heard again. mute_connections: the first ones accept a
    subscription and say nothing. half_open_at: the connections of that moment are neither read nor
    answered any more.
    burst: so many messages are sent at once. skew_ms: of the venue's clock.
    """

    drop: set[int] = field(default_factory=set)
    duplicate: set[int] = field(default_factory=set)
    swap: set[int] = field(default_factory=set)
    truncate: set[int] = field(default_factory=set)
    wrong_schema: set[int] = field(default_factory=set)
    disconnect: set[int] = field(default_factory=set)
    delay_s: dict[int, float] = field(default_factory=dict)
    burst: int = 1
    silent_from: int | None = None
    mute_connections: int = 0
    half_open_at: int | None = None
    too_many: int = 0
    retry_after_s: int = 0
    server_errors: int = 0
    truncated_answers: int = 0
    skew_ms: int = 0
