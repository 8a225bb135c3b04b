"""What the dashboard needs to know to start."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from papertape.config import Notifications

PORT = 5001
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class DashboardSettings:
    """Where the dashboard listens and which data folder it shows; `token` None: from the folder."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = PORT
    token: str | None = None
    debug: bool = False
    market_quota_mb: int | None = None
    notifications: Notifications = field(default_factory=Notifications)
    config_path: Path | None = None  # for the commands that are run for a page
    recordings: tuple[Path, ...] = ()  # that a backtest may be started on, beside the recorded

    @property
    def ledger(self) -> Path:
        """Return the bot's ledger, which is only read here."""
        return self.data_dir / "papertape.db"

    @property
    def board(self) -> Path:
        """Return the bot's newest prices and heartbeat."""
        return self.data_dir / "board.db"

    @property
    def desk(self) -> Path:
        """Return what people write; the dashboard is its only writer."""
        return self.data_dir / "desk.db"

    @property
    def diary(self) -> Path:
        """Return the stories of trades: a cache, made again from the ledger where it is lost."""
        return self.data_dir / "diary.db"

    @property
    def logs(self) -> Path:
        """Return the folder of the log files of bot and dashboard."""
        return self.data_dir / "logs"

    @property
    def hosts(self) -> frozenset[str]:
        """Return the Host headers that mean us."""
        names = ("127.0.0.1", "localhost", "[::1]")
        bare = names if self.port == 80 else ()
        return frozenset({f"{name}:{self.port}" for name in names} | set(bare))

    @property
    def origins(self) -> frozenset[str]:
        """Return the origins of our own pages."""
        return frozenset(f"http://{host}" for host in self.hosts)
