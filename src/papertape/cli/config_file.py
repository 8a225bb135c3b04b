"""`papertape config`: check, show or begin a config file."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from papertape.cli.options import DEFAULT_CONFIG, ConfigOption, DataDirOption, JsonOption, settings
from papertape.cli.output import print_json
from papertape.errors import ConfigError

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    help="Check, show or begin a config file.",
    epilog="Example: papertape config check --config config.yaml",
)
KEY_COLUMN = 34  # where values begin


@app.command(epilog="Example: papertape config check --config config.yaml")
def check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Read the settings as `run` would; exit 2 naming file, line, key and what was expected."""
    settings(config)
    if as_json:
        print_json({"ok": True})
    else:
        typer.echo("the settings are good")


@app.command(epilog="Example: PAPERTAPE__RISK__MAX_ORDER_USD=250 papertape config show")
def show(
    config: ConfigOption = None, data_dir: DataDirOption = None, as_json: JsonOption = False
) -> None:
    """Show every setting in force, after file and environment."""
    values = settings(config, data_dir=data_dir).plain()
    if as_json:
        print_json(values)
        return
    for section, value in values.items():
        if not isinstance(value, dict):
            typer.echo(f"{section:<{KEY_COLUMN}}{_word(value)}")
            continue
        for key, inner in value.items():
            typer.echo(f"{section + '.' + key:<{KEY_COLUMN}}{_word(inner)}")


@app.command(epilog="Example: papertape config init --config config.yaml")
def init(
    config: Annotated[
        Path, typer.Option("--config", metavar="FILE", help="Where to write it.")
    ] = DEFAULT_CONFIG,
) -> None:
    """Write a config file that holds every setting with its default and a word on it."""
    example = resources.files("papertape").joinpath("config.example.yaml")
    try:
        with config.open("x", encoding="utf-8") as file:
            file.write(example.read_text(encoding="utf-8"))
    except FileExistsError:
        raise ConfigError(f"{config}: exists already and is left as it is") from None
    typer.echo(f"wrote {config}")


def _word(value: object) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
