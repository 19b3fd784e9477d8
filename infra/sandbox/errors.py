"""What the sandbox says when it cannot go on: one sentence, and where a program failed its last words."""

from __future__ import annotations

from pathlib import Path

from infra.errors import PlatformError

LAST_LINES = 15


class SandboxFailed(PlatformError):
    """The sandbox could not do what was asked; the message says what to do or which log to read."""


class NotReady(SandboxFailed):
    """Something did not come up in time."""


def failed_with_log(sentence: str, log: Path) -> SandboxFailed:
    """An error that names the log file and shows its last lines."""
    tail = last_lines(log)
    return SandboxFailed(f"{sentence}; the log is {log}" + (f", its last lines:\n{tail}" if tail else " (empty)"))


def last_lines(log: Path) -> str:
    """The end of a log, indented; empty when there is none."""
    try:
        text = log.read_text(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-LAST_LINES:])
