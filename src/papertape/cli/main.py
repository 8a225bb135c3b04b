"""The command line: finds the command, runs it, and turns every error into one clear line.

Commands are loaded when they are called, so that `--help` does not wait for pyarrow or SQLAlchemy.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from papertape import __version__
from papertape.errors import PapertapeError, WorldError, nearest_match, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typer._click import Command, Context

EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells count


class _Lazy(NamedTuple):
    module: str
    help: str
    app: str = "app"


COMMANDS = {
    "up": _Lazy("up", "Run bot and dashboard together; Ctrl-C stops both."),
    "run": _Lazy("run", "Run the bot alone."),
    "dashboard": _Lazy("dashboard", "Run the web dashboard alone."),
    "backtest": _Lazy("backtest", "Run a strategy over recorded data; metrics and a report."),
    "sweep": _Lazy("sweep", "Try many parameters; how much of the best is luck."),
    "walk-forward": _Lazy("walk_forward", "Choose on the past, judge on what came after."),
    "data": _Lazy("data", "Import recordings, and say what is in them."),
    "verify": _Lazy("verify", "Recompute everything from the tape; exit 1 on any difference."),
    "replay": _Lazy("replay", "Feed a recorded run to the engine again and compare."),
    "export": _Lazy("export", "Write trades, portfolio or signals as CSV, JSON or Parquet."),
    "strategies": _Lazy("strategies", "List the strategies and their parameters."),
    "config": _Lazy("config_file", "Check, show or begin a config file."),
    "pause": _Lazy("control", "Pause one strategy or all trading.", "pause_app"),
    "resume": _Lazy("control", "Resume what was paused or halted.", "resume_app"),
    "halt": _Lazy("control", "Halt all trading and take back resting orders.", "halt_app"),
    "backup": _Lazy("backup", "Copy tape and journal into one verified file.", "backup_app"),
    "restore": _Lazy("backup", "Make a data folder from a backup.", "restore_app"),
    "doctor": _Lazy("doctor", "Look for what would keep papertape from working here."),
    "token": _Lazy("token", "Print the access token of the data folder, made if missing."),
}


class LazyGroup(TyperGroup):
    """A group that knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: Context) -> list[str]:
        """Return the names in the order people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """Return a stand-in that is enough for the list of commands."""
        lazy = COMMANDS.get(cmd_name)
        return TyperCommand(cmd_name, help=lazy.help) if lazy else None

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, Command | None, list[str]]:
        """Return the real command, loaded now."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            nearest = nearest_match(args[0], COMMANDS)
            hint = f"; did you mean {nearest}?" if nearest else ""
            ctx.fail(f"no command {shown(args[0])}{hint}")
        name, stand_in, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if stand_in and name else None, rest


def load_command(name: str) -> Command:
    """Import a command's module and return its command under its name."""
    lazy = COMMANDS[name]
    module = importlib.import_module(f"papertape.cli.{lazy.module}")
    command = typer.main.get_command(getattr(module, lazy.app))
    command.name = name
    return command


app = typer.Typer(
    cls=LazyGroup,
    name="papertape",
    help="Trading strategies on paper: honest fills, exact books, every trade live in the browser.",
    epilog="Example: papertape up --strategies arbitrage,momentum",
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"papertape {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Print the version."
    ),
    debug: bool = typer.Option(False, "--debug", help="Show a traceback when something fails."),
) -> None:
    """Trading strategies on paper: honest fills, exact books, every trade live in the browser."""


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code."""
    sys.exit(run(sys.argv[1:] if args is None else args))


def run(args: Sequence[str]) -> int:
    """Run one command and return its exit code: 0, or 1 to 5 as the contract says."""
    debug = "--debug" in args
    words = [word for word in args if word != "--debug"] or ["--help"]
    try:
        code = typer.main.get_command(app)(args=words, prog_name="papertape", standalone_mode=False)
    except PapertapeError as error:
        if debug:
            raise
        return _fail(str(error), error.exit_code)
    except typer.Abort:
        return EXIT_INTERRUPTED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away: `papertape export … | head`
        sys.stderr.close()
        return 0
    except Exception as error:
        if debug:
            raise
        return _outside(error)
    return code if isinstance(code, int) else 0


def _outside(error: Exception) -> int:
    show = getattr(error, "show", None)  # wrong usage: the parser's own words and exit code 2
    if callable(show):
        show()
        return int(getattr(error, "exit_code", 2))
    if isinstance(error, OSError):
        name = f" ({shown(str(error.filename))})" if error.filename else ""
        return _fail(f"{error.strerror or error}{name}", WorldError.exit_code)
    return _fail(f"unexpected {type(error).__name__}: {error}; --debug shows where it came from", 1)


def _fail(message: str, code: int) -> int:
    lines = message.splitlines() or ["failed"]
    for line in lines:
        typer.echo(f"papertape: {line}", err=True)
    return code
