"""What one dashboard process holds, and how request handlers reach it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from flask import current_app

from papertape.clock import Clock
from papertape.dashboard.alarms import Alarms
from papertape.dashboard.backtest_choices import Choices
from papertape.dashboard.backtest_jobs import BacktestJobs
from papertape.dashboard.backtests import Shelf
from papertape.dashboard.desk import JournalDesk
from papertape.dashboard.diary import Diary
from papertape.dashboard.follower import Follower
from papertape.dashboard.keys import CsrfToken
from papertape.dashboard.push_desk import PushDesk
from papertape.dashboard.settings import DashboardSettings
from papertape.dashboard.verifier import Verifier
from papertape.errors import PapertapeError
from papertape.services.apprise_channel import AppriseChannel
from papertape.services.notification_service import NotificationService
from papertape.services.push_channel import PushChannel

if TYPE_CHECKING:
    from papertape.dashboard.websocket_server import LiveLine


T = TypeVar("T")


@dataclass
class DashboardState:
    """One dashboard: settings, the follower of the tape, the desk, and the line to the pages."""

    settings: DashboardSettings
    clock: Clock
    follower: Follower
    desk: JournalDesk
    csrf: CsrfToken
    alarms: Alarms
    channels: dict[str, AppriseChannel | PushChannel]
    push: PushChannel
    push_desk: PushDesk
    notifications: NotificationService
    verifier: Verifier
    diary: Diary
    shelf: Shelf
    choices: Choices
    jobs: BacktestJobs
    line: LiveLine | None = None
    counts: dict[str, int] = field(default_factory=dict)
    aside: Callable[[Callable[[], Any]], Any] = lambda work: work()
    """Runs work that waits for another process where it keeps nobody else waiting."""
    breathe: Callable[[], object] = lambda: None
    """Gives everybody else a turn, in the middle of long work."""

    def apart(self, work: Callable[[], T]) -> T:
        """Return what work on files gives, done aside; what went wrong there is raised here."""

        def careful() -> T | PapertapeError:
            try:
                return work()
            except PapertapeError as error:
                return error

        found: T | PapertapeError = self.aside(careful)
        if isinstance(found, PapertapeError):
            raise found
        return found

    def count(self, what: str) -> int:
        """Count something that happened; return how often it has by now."""
        self.counts[what] = self.counts.get(what, 0) + 1
        return self.counts[what]

    def close(self) -> None:
        """Let go of the files, and end what was started beside."""
        for part in (self.follower, self.desk, self.verifier, self.jobs, self.diary):
            part.close()


def state() -> DashboardState:
    """Return the dashboard that serves the present request."""
    found = current_app.extensions["papertape"]
    assert isinstance(found, DashboardState)
    return found
