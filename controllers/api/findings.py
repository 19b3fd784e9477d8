"""What is wrong with a request, where, and what would be right: the form every check reports in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from infra.wire import wire_name

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong. `where` is a path a user can follow (`spec.servers[0].image`), `what` a sentence."""

    where: str
    what: str
    rule: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def sentence(findings: Iterable[Finding]) -> str:
    """All findings in one message, bounded: what does not fit is counted."""
    every = [str(finding) for finding in findings]
    shown = "; ".join(every[:SHOWN])
    return shown if len(every) <= SHOWN else f"{shown}; and {len(every) - SHOWN} more"


def findings_of(error: ValidationError, prefix: str) -> list[Finding]:
    """A model's own errors in the same form, with the names people write."""
    return [Finding(_path(prefix, item["loc"]), item["msg"], rule="form") for item in error.errors()]


def _path(prefix: str, location: tuple[int | str, ...]) -> str:
    path = prefix
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{wire_name(part)}"
    return path
