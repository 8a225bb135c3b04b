"""`papertape up`: bot and dashboard together."""

from __future__ import annotations

import typer

from papertape.cli.bot_choice import BotChoice, takes_bot_choice, words
from papertape.cli.options import HostOption, PortOption
from papertape.cli.ports import refuse_taken
from papertape.cli.supervisor import Child, Supervisor

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog="Example: papertape up --port 5001 --strategies arbitrage,momentum")
@takes_bot_choice
def up(choice: BotChoice, host: HostOption = None, port: PortOption = None) -> int:
    """Run bot and dashboard together, restart one that dies, stop both on Ctrl-C.

    The dashboard stays when the bot has come to the end of a recording.
    """
    chosen = choice.settings(dashboard__host=host, dashboard__port=port)
    refuse_taken(chosen.dashboard.host, chosen.dashboard.port)
    shared, web = choice.shared_words(), words({"host": host, "port": port})
    children = [
        Child("bot", ["run", *choice.words(), *shared]),
        Child("dashboard", ["dashboard", *web, *shared]),
    ]
    return Supervisor(children, chosen.dashboard.host, chosen.dashboard.port).run()
