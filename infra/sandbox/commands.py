"""Running a command to its end: its output, or an error that says what it said."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.sandbox.errors import SandboxFailed

DEADLINE_SECONDS = 600.0
SHOWN_CHARACTERS = 2000


def run(
    argv: Sequence[object],
    *,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
    text_in: str | None = None,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> str:
    """Standard output of a command that succeeds; SandboxFailed with the end of what it wrote otherwise."""
    done = attempt(argv, env=env, folder=folder, text_in=text_in, deadline_seconds=deadline_seconds)
    if done.returncode:
        raise SandboxFailed(f"`{spoken(argv)}` failed: {said(done)}")
    return done.stdout


def attempt(
    argv: Sequence[object],
    *,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
    text_in: str | None = None,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> subprocess.CompletedProcess[str]:
    """Run a command whose failure is an answer too."""
    try:
        return subprocess.run(
            [str(word) for word in argv],
            check=False,
            text=True,
            capture_output=True,
            env=env,
            cwd=folder,
            input=text_in,
            timeout=deadline_seconds,
        )
    except FileNotFoundError as error:
        raise SandboxFailed(f"`{argv[0]}` is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise SandboxFailed(f"`{spoken(argv)}` did not end within {deadline_seconds:.0f} s") from error


def said(done: subprocess.CompletedProcess[str]) -> str:
    """The end of what a command wrote."""
    return (done.stdout + done.stderr).strip()[-SHOWN_CHARACTERS:] or f"exit code {done.returncode}"


def spoken(argv: Sequence[object]) -> str:
    """The command as a person names it: the program's name and its first words."""
    return " ".join([Path(str(argv[0])).name, *(str(word) for word in argv[1:5])])
