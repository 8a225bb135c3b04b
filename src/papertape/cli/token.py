"""`papertape token`: what proves to the dashboard that a request is the owner's."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import typer

from papertape.cli.options import ConfigOption, DataDirOption, JsonOption, settings
from papertape.cli.output import print_json
from papertape.errors import WorldError

app = typer.Typer(rich_markup_mode=None, add_completion=False)
TOKEN_BYTES = 32  # 256 bits of chance: not to be guessed


@app.command(epilog="Example: papertape token --data-dir data")
def token(
    config: ConfigOption = None, data_dir: DataDirOption = None, as_json: JsonOption = False
) -> None:
    """Print the access token: PAPERTAPE_TOKEN, or the data folder's own, made if missing."""
    chosen = settings(config, data_dir=data_dir)
    given = chosen.dashboard.token
    word = given.get_secret_value() if given else token_of(chosen.data_dir)
    if as_json:
        source = "environment" if given else str(chosen.data_dir / "token")
        print_json({"token": word, "source": source})
    else:
        typer.echo(word)


def token_of(data_dir: Path) -> str:
    """Return the token in the data folder; a new one is readable by its owner only."""
    path = data_dir / "token"
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        word = path.read_text(encoding="ascii").strip()
        if not word:
            raise WorldError(f"{path}: is empty; delete it, and a new token is made") from None
        return word
    word = secrets.token_urlsafe(TOKEN_BYTES)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(word + "\n")
    return word
