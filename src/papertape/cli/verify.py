"""`papertape verify`: the tape, recomputed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import typer

from papertape.cli.options import ConfigOption, DataDirOption, JsonOption, settings
from papertape.cli.output import print_json, print_pairs
from papertape.errors import CheckFailedError

app = typer.Typer(rich_markup_mode=None, add_completion=False)
DIFFERENCES_SHOWN_MAX = 20


class Report(Protocol):
    """What a check has found."""

    @property
    def ok(self) -> bool:
        """Return whether there is no difference."""
        ...

    @property
    def differences(self) -> Sequence[object]:
        """Return what differs, each in a line."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        ...


@app.command(epilog="Example: papertape verify --data-dir data")
def verify(
    config: ConfigOption = None, data_dir: DataDirOption = None, as_json: JsonOption = False
) -> int:
    """Recompute hash chain, numbering, books and projections from the tape; change nothing.

    Exit 1 on any difference.
    """
    from papertape.services.verification import verify as recompute

    chosen = settings(config, data_dir=data_dir)
    report = recompute(chosen.data_dir)
    return show_report(report, f"Verification of {chosen.data_dir}", as_json=as_json)


def show_report(report: Report, title: str, *, as_json: bool) -> int:
    """Print a check's report and return its exit code."""
    code = 0 if report.ok else CheckFailedError.exit_code
    if as_json:
        print_json(report.to_dict())
        return code
    figures = {
        name.replace("_", " "): value
        for name, value in report.to_dict().items()
        if isinstance(value, str | int | float | None)
    }
    print_pairs(title, figures)
    for difference in report.differences[:DIFFERENCES_SHOWN_MAX]:
        typer.echo(f"  {difference}")
    left = len(report.differences) - DIFFERENCES_SHOWN_MAX
    if left > 0:
        typer.echo(f"  and {left} more (--json shows all)")
    typer.echo("nothing differs" if report.ok else "this tape does not add up")
    return code
