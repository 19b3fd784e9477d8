"""How pages look: sections of quiet tables, and text that is shown, never interpreted."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from controllers.cli.text import plain

PIPE_WIDTH = 160  # where there is no terminal to ask, long sentences should stay on one line


def screen(stream: TextIO | None = None) -> Console:
    """The console for `stream` (standard output by default); plain and wide when it is not a terminal."""
    target = stream or sys.stdout
    width = None if target.isatty() else PIPE_WIDTH
    return Console(file=target, width=width, markup=False, emoji=False, highlight=False)


def section(title: str, *content: RenderableType) -> RenderableType:
    """A titled part of a page."""
    return Group(Text(""), Text(title, style="bold"), *(Padding(part, (0, 0, 0, 2), expand=False) for part in content))


def grid(columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> Table:
    """A table in kubectl's manner: capital headings, no lines. Columns named in `right` are numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(shown(cell) for cell in row))
    return table


def facts(rows: Iterable[tuple[str, object]]) -> Table:
    """Names and values, one a line."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(name), shown(value))
    return table


def shown(value: object) -> Text:
    """One cell: text made harmless; styled text of our own is kept."""
    return value if isinstance(value, Text) else Text(plain(value))


def lines(*texts: str) -> Text:
    """Lines of our own making, such as commands to copy."""
    return Text("\n".join(plain(text) for text in texts))
