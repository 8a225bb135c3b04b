"""What commands print: one JSON document, or tables for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PIPE_COLUMNS = 200  # where no terminal says its width, nothing needs to be folded


def print_json(document: object) -> None:
    """Print one JSON document on stdout; NaN and infinity are our mistake, so they raise."""
    text = json.dumps(document, allow_nan=False, ensure_ascii=False, default=str)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_pairs(title: str, pairs: Mapping[str, object]) -> None:
    """Print names and values as a table of two columns."""
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(justify="right", overflow="fold")
    for name, value in pairs.items():
        table.add_row(name, cell(value))
    _console().print(cell(title), table, sep="\n")


def print_rows(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows as a table; columns of numbers stand to the right."""
    from rich.table import Table

    body = [list(row) for row in rows]
    table = Table(box=None, pad_edge=False, header_style="dim")
    for index, name in enumerate(columns):
        numbers = all(isinstance(row[index], int | float) for row in body) and bool(body)
        table.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in body:
        table.add_row(*[cell(value) for value in row])
    _console().print(*([cell(title)] if title else []), table, sep="\n")


def _console() -> Console:
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS)


def cell(value: object) -> str:
    """Return a value as people read it; Rich markup in it stays text."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return str(value).replace("[", "\\[")
