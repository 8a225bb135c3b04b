"""`papertape strategies`: what can trade, and with which parameters."""

from __future__ import annotations

from typing import Any

import typer

from papertape.cli.options import ConfigOption, JsonOption, settings
from papertape.cli.output import print_json, print_rows

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog="Example: papertape strategies --json")
def strategies(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the shipped strategies with their parameters: value in force, range and unit."""
    rows = _described(config)
    if as_json:
        print_json({"strategies": rows})
        return
    for row in rows:
        typer.echo(f"{row['strategy']}{'' if row['enabled'] else ' (off)'}: {row['summary']}")
        columns = ("parameter", "value", "from", "to", "unit", "what it does")
        body = [tuple(param.values()) for param in row["params"]]
        print_rows("", columns, [[str(value) for value in line] for line in body])
        typer.echo()


def _described(config: ConfigOption) -> list[dict[str, Any]]:
    from papertape.config import StrategySettings
    from papertape.strategies.registry import BY_DEFAULT, SHIPPED, strategy_class

    chosen = settings(config).strategies
    rows = []
    for name in dict.fromkeys([*SHIPPED, *chosen]):
        mine = chosen.get(name, StrategySettings())
        values = strategy_class(name)(**mine.params).values()
        params = [
            {
                "name": param.name,
                "value": values[param.name],
                "low": param.low,
                "high": param.high,
                "unit": param.unit,
                "doc": param.doc,
            }
            for param in strategy_class(name).params
        ]
        summary = strategy_class(name).summary
        runs = mine.enabled and (name in BY_DEFAULT or name in chosen)
        rows.append({"strategy": name, "enabled": runs, "summary": summary, "params": params})
    return rows
