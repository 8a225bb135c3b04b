"""Delivery of alerts: paced, retried, and given up for good only where a person can see it.

What is to be sent waits in an outbox that outlives the process; a thread of its own takes what is
due. Whoever raises an alert never waits for it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec
import structlog

from papertape.clock import NS_PER_S, Clock
from papertape.errors import PapertapeError

RETRY_S = (5, 15, 45, 135, 405)  # after this many tries, ten minutes in all, it is a dead letter
PER_MINUTE_MAX = 20  # of one channel: what chat services take without complaint
BATCH_MAX = 20  # looked at in one round
POLL_S = 1.0

log = structlog.get_logger("papertape.notifications")


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """An alert on its way to one channel, or to one addressee of it (`name:addressee`)."""

    number: int
    alert_id: str
    channel: str
    attempts: int
    severity: str
    title: str
    message: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a delivery; `due_ns` is when to try again."""

    state: Literal["waiting", "sent", "dead"]
    attempts: int
    due_ns: int
    detail: str


class Outbox(Protocol):
    """Where deliveries wait."""

    def due(self, now_ns: int, limit: int) -> list[Waiting]:
        """Return what is to be sent now, oldest first."""
        ...

    def settle(self, number: int, outcome: Outcome) -> None:
        """Note what became of a delivery."""
        ...


class NotDeliveredError(PapertapeError):
    """A channel did not take a message; its text never holds an address or a secret.

    final: trying again would change nothing.
    """

    def __init__(self, reason: str, *, final: bool = False) -> None:
        """Keep the reason, and whether it stays."""
        super().__init__(reason)
        self.final = final


class Channel(Protocol):
    """A way to a person."""

    def send(self, waiting: Waiting) -> None:
        """Deliver, or raise NotDeliveredError."""
        ...


class NotificationService:
    """Sends what waits, channel by channel."""

    def __init__(self, outbox: Outbox, channels: Mapping[str, Channel], clock: Clock) -> None:
        """Deliver from `outbox` to channels by their names."""
        self._outbox = outbox
        self._channels = channels
        self._clock = clock
        self._sent: dict[str, deque[int]] = {}  # times of the last minute, per channel
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to deliver in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="notifications", daemon=True)
        self._thread.start()

    def ring(self) -> None:
        """Say that there is something to deliver."""
        self._wake.set()

    def stop(self, timeout_s: float) -> None:
        """End after the present delivery; what waits is sent after the next start."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self.deliver_due()
            except PapertapeError as error:
                log.warning("notifications cannot be read", error=str(error))
            self._wake.wait(POLL_S)

    def deliver_due(self) -> int:
        """Send what is due now; return how many deliveries were looked at."""
        due = self._outbox.due(self._clock.now_ns(), BATCH_MAX)
        for waiting in due:
            if self._stopping.is_set():
                break
            self._outbox.settle(waiting.number, self._deliver(waiting))
        return len(due)

    def _deliver(self, waiting: Waiting) -> Outcome:
        now_ns = self._clock.now_ns()
        channel = self._channels.get(waiting.channel.partition(":")[0])
        if channel is None:
            detail = "no channel of this name is configured"
            return Outcome(state="dead", attempts=waiting.attempts, due_ns=now_ns, detail=detail)
        free_ns = self._free_ns(waiting.channel, now_ns)
        if free_ns > now_ns:
            return Outcome(
                state="waiting", attempts=waiting.attempts, due_ns=free_ns, detail="rate limit"
            )
        self._sent[waiting.channel].append(now_ns)
        attempts = waiting.attempts + 1
        try:
            channel.send(waiting)
        except NotDeliveredError as error:
            return self._failed(waiting, attempts, error)
        return Outcome(state="sent", attempts=attempts, due_ns=now_ns, detail="")

    def _failed(self, waiting: Waiting, attempts: int, error: NotDeliveredError) -> Outcome:
        now_ns, detail = self._clock.now_ns(), str(error)
        if error.final or attempts > len(RETRY_S):
            log.warning("an alert was not delivered", channel=waiting.channel, reason=detail)
            return Outcome(state="dead", attempts=attempts, due_ns=now_ns, detail=detail)
        due_ns = now_ns + RETRY_S[attempts - 1] * NS_PER_S
        return Outcome(state="waiting", attempts=attempts, due_ns=due_ns, detail=detail)

    def _free_ns(self, channel: str, now_ns: int) -> int:
        """Return when the channel may be used again: now, or a minute after the oldest use."""
        sent = self._sent.setdefault(channel, deque(maxlen=PER_MINUTE_MAX))
        if len(sent) < PER_MINUTE_MAX or sent[0] > now_ns:  # the clock was set back
            return now_ns
        return max(now_ns, sent[0] + 60 * NS_PER_S)
