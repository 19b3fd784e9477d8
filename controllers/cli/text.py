"""Text from requests, shown so that it cannot act: what an officer reads is what was written.

A purpose or a reason is typed by somebody. Control characters could repaint the terminal, and direction
marks could make one address look like another; both are shown as their code instead.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

# Control, format (direction marks, zero width), surrogate and private characters, line and paragraph separators.
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def plain(text: object, *, newlines: bool = False) -> str:
    """`text` with everything a terminal would act on replaced by its visible code.

    With `newlines` line feeds stay: for messages that are several lines on purpose.
    """
    return "".join(
        character if _is_visible(character) or (newlines and character == "\n") else _code(character)
        for character in str(text)
    )


def _is_visible(character: str) -> bool:
    return (character.isascii() and character.isprintable()) or unicodedata.category(character) not in HIDDEN


def _code(character: str) -> str:
    number = ord(character)
    return f"\\u{{{number:04x}}}"


def listed(items: Iterable[object]) -> str:
    """'a, b and c': an enumeration as a person writes it."""
    every = [str(item) for item in items]
    return every[0] if len(every) == 1 else f"{', '.join(every[:-1])} and {every[-1]}" if every else "none"


def counted(number: int, noun: str) -> str:
    """'1 server', '2 servers'."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def yuan(amount: int) -> str:
    """Money with thousands separators: '12,600 yuan'."""
    return f"{amount:,} yuan"
