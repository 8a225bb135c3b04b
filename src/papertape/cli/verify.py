"""`papertape verify`: the tape, recomputed."""

from __future__ import annotations

import typer

from papertape.cli.options import ConfigOption, DataDirOption, JsonOption, settings
from papertape.cli.output import print_json, print_pairs
from papertape.errors import CheckFailedError

app = typer.Typer(rich_markup_mode=None, add_completion=False)
DIFFERENCES_SHOWN_MAX = 20


@app.command(epilog="Example: papertape verify --data-dir data")
def verify(
    config: ConfigOption = None, data_dir: DataDirOption = None, as_json: JsonOption = False
) -> int:
    """Recompute hash chain, numbering, books and projections from the tape; change nothing."""
    from papertape.services.verification import verify as recompute

    chosen = settings(config, data_dir=data_dir)
    report = recompute(chosen.data_dir)
    if as_json:
        print_json(report.to_dict())
        return 0 if report.ok else CheckFailedError.exit_code
    figures = {
        name.replace("_", " "): value
        for name, value in report.to_dict().items()
        if isinstance(value, str | int | float | bool | None)
    }
    print_pairs(f"Verification of {chosen.data_dir}", figures)
    for difference in report.differences[:DIFFERENCES_SHOWN_MAX]:
        typer.echo(f"  {difference}")
    left = len(report.differences) - DIFFERENCES_SHOWN_MAX
    if left > 0:
        typer.echo(f"  and {left} more (--json shows all)")
    return 0 if report.ok else CheckFailedError.exit_code
