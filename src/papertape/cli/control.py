"""`papertape pause`, `resume`, `halt`: a person's word to the running bot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from papertape.cli.options import ConfigOption, DataDirOption, JsonOption, settings
from papertape.cli.output import print_json

pause_app = typer.Typer(rich_markup_mode=None, add_completion=False)
resume_app = typer.Typer(rich_markup_mode=None, add_completion=False)
halt_app = typer.Typer(rich_markup_mode=None, add_completion=False)

Action = Literal["pause", "resume", "halt"]
StrategyArgument = Annotated[
    str, typer.Argument(metavar="[STRATEGY]", help="One strategy; nothing means all trading.")
]
StrategyOption = Annotated[
    str, typer.Option("--strategy", metavar="NAME", help="The same, as an option.")
]


@pause_app.command(epilog="Example: papertape pause --strategy momentum")
def pause(
    strategy: StrategyArgument = "",
    named: StrategyOption = "",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> int:
    """Pause one strategy or all trading: nothing is traded until `resume`, a restart included."""
    target = _target(strategy, named)
    return _send("pause", target, settings(config, data_dir=data_dir).data_dir, as_json)


@resume_app.command(epilog="Example: papertape resume --strategy momentum")
def resume(
    strategy: StrategyArgument = "",
    named: StrategyOption = "",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> int:
    """Resume one strategy, or all trading after a pause or halt."""
    target = _target(strategy, named)
    return _send("resume", target, settings(config, data_dir=data_dir).data_dir, as_json)


@halt_app.command(epilog="Example: papertape halt")
def halt(
    config: ConfigOption = None, data_dir: DataDirOption = None, as_json: JsonOption = False
) -> int:
    """Halt all trading and take back every resting order."""
    return _send("halt", "", settings(config, data_dir=data_dir).data_dir, as_json)


def _target(strategy: str, named: str) -> str:
    if strategy and named and strategy != named:
        raise typer.BadParameter(f"{named!r} and {strategy!r}: name one strategy")
    return strategy or named


def _send(action: Action, target: str, data_dir: Path, as_json: bool) -> int:
    import secrets

    from papertape.errors import CheckFailedError
    from papertape.tape.command_channel import Command, send_command

    command = Command(f"cli-{secrets.token_hex(4)}", action, target)
    outcome = send_command(data_dir, command)
    if as_json:
        print_json({"ok": outcome.ok, "id": outcome.command_id, "message": outcome.message})
    else:
        typer.echo(outcome.message)
    return 0 if outcome.ok else CheckFailedError.exit_code
