"""`papertape backup` and `papertape restore`: the tape and the journal as one verified file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from papertape.cli.options import ConfigOption, DataDirOption, JsonOption, settings
from papertape.cli.output import print_json, print_pairs
from papertape.errors import CheckFailedError, ConfigError, WorldError

if TYPE_CHECKING:
    from papertape.services.verification import VerificationReport

backup_app = typer.Typer(rich_markup_mode=None, add_completion=False)
restore_app = typer.Typer(rich_markup_mode=None, add_completion=False)

OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Default papertape-<time>.tar.gz, here."),
]


@backup_app.command(epilog="Example: papertape backup --data-dir data --out monday.tar.gz")
def backup(
    out: OutOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy ledger and journal into one file, verified; the bot may go on meanwhile.

    Recorded market data is not in it. An existing file is never replaced.
    """
    from papertape import __version__
    from papertape.clock import NS_PER_S, SystemClock, iso_utc
    from papertape.tape.backup import FORMAT, Manifest, copy_folder, pack

    chosen = settings(config, data_dir=data_dir)
    now = iso_utc(SystemClock().now_ns() // NS_PER_S * NS_PER_S)
    stamp = now[:19].replace("-", "").replace(":", "")
    target = out or Path(f"papertape-{stamp}Z.tar.gz")
    if target.exists():
        raise ConfigError(f"{target} is there already; a backup replaces nothing")
    if not target.absolute().parent.is_dir():
        raise WorldError(f"{target.parent}: there is no such folder")
    with _staging(target.absolute().parent) as staging:
        copy_folder(chosen.data_dir, staging)
        report = _verified(staging, "the copy does not add up, and so is not kept")
        manifest = Manifest(
            format=FORMAT,
            made_at=now,
            software=f"papertape {__version__}",
            ledger_id=report.ledger_id,
            head_seq=report.events,
            head_hash=report.head_hash,
            files={},
        )
        pack(staging, target, manifest)
    _show("Backup", report, {"file": str(target), "bytes": target.stat().st_size}, as_json)


@restore_app.command(epilog="Example: papertape restore monday.tar.gz --data-dir data2")
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What backup wrote.")],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a data folder from a backup, verified; a folder with anything in it is refused."""
    from papertape.tape.backup import MANIFEST, unpack

    target = settings(config, data_dir=data_dir).data_dir.absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"{target} is not empty; name a new folder with --data-dir")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorldError(f"{target.parent}: {error.strerror}") from error
    with _staging(target.parent) as staging:
        unpack(file, staging)
        report = _verified(staging, "this backup does not add up, and so is not restored")
        (staging / MANIFEST).unlink(missing_ok=True)
        os.replace(staging, target)  # onto nothing, or an empty folder: the whole of it at once
        staging.mkdir()
    _show("Restored", report, {"data_dir": str(target)}, as_json)


@contextmanager
def _staging(parent: Path) -> Iterator[Path]:
    """Yield a new folder beside what will be made, gone afterwards."""
    try:
        with tempfile.TemporaryDirectory(prefix=".papertape-", dir=parent) as folder:
            yield Path(folder)
    except OSError as error:
        raise WorldError(f"{parent}: {error.strerror or error}") from error


def _verified(staging: Path, trouble: str) -> VerificationReport:
    from papertape.services.verification import verify

    report = verify(staging)
    if not report.ok:
        found = "; ".join(report.differences)
        raise CheckFailedError(f"{trouble}: {found}")
    return report


def _show(
    title: str, report: VerificationReport, more: dict[str, str | int], as_json: bool
) -> None:
    figures = more | {
        "records": report.events,
        "trades": report.trades,
        "head": report.head_hash,
        "verified": "nothing differs",
    }
    if as_json:
        print_json(figures)
    else:
        print_pairs(title, figures)
