"""`papertape token`: what proves to the dashboard that a script is the owner's."""

from __future__ import annotations

import typer

from papertape.cli.options import ConfigOption, DataDirOption, JsonOption, settings
from papertape.cli.output import print_json

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog="Example: papertape token --data-dir data")
def token(
    config: ConfigOption = None, data_dir: DataDirOption = None, as_json: JsonOption = False
) -> None:
    """Print the access token: PAPERTAPE_TOKEN, or the data folder's own, made if missing."""
    from papertape.dashboard.keys import read_or_make_token

    chosen = settings(config, data_dir=data_dir)
    given = chosen.dashboard.token
    word = given.get_secret_value() if given else read_or_make_token(chosen.data_dir)
    source = "environment" if given else str(chosen.data_dir / "token")
    if as_json:
        print_json({"token": word, "source": source})
    else:
        typer.echo(word)
