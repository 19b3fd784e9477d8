"""What runs: every program is recorded by pid, kernel start time and boot, and ended by that record only.

A process writes its own record before it becomes the program, so that a crash of the command that started it
leaves no process without a record. Each program leads its own session; its children belong to it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from infra.kernel import BOOT, KernelLine, boot_id, kernel_line, kernel_lines, parsed

# The record is the kernel's own line about the process, and the id of this boot.
RECORDING = (
    f'read -r stat </proc/self/stat && read -r boot <{BOOT} && printf "%s\\n" "$stat" "$boot" >"$0" && exec "$@"'
)


@dataclass(frozen=True, slots=True)
class Program:
    """One program to keep running."""

    name: str
    argv: tuple[str, ...]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path("/")


class ProcessTable:
    """The records of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def record(self, name: str) -> Path:
        return self.folder / f"{name}.process"

    def names(self) -> list[str]:
        """Every program that has been started and not ended by us, alive or not."""
        return sorted(path.stem for path in self.folder.glob("*.process"))

    def alive(self, name: str) -> int | None:
        """The pid of the program if it still is the process we started."""
        known = self._recorded(name)
        now = kernel_line(known.pid) if known else None
        return now.pid if known and now and now.start == known.start and now.alive else None

    def members(self, name: str) -> list[KernelLine]:
        """The program's live processes: its session, even after the leader's death.

        The kernel does not reuse a number while a session bears it; if another process has it, the session is gone.
        """
        known = self._recorded(name)
        if known is None:
            return []
        leader = kernel_line(known.pid)
        if leader and leader.start != known.start:
            return []
        return [line for line in kernel_lines() if line.session == known.pid and line.start >= known.start]

    def launch(self, program: Program) -> None:
        """Start the program unless it runs; remains of a dead predecessor are ended first."""
        if self.alive(program.name):
            return
        self.end(program.name, grace_seconds=0)
        with program.log.open("ab") as log:
            subprocess.Popen(  # noqa: S603, RUF100
                ["/bin/sh", "-c", RECORDING, str(self.record(program.name)), *program.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(program.env),
                cwd=program.folder,
                start_new_session=True,
            )
        self.await_record(program.name)

    def await_record(self, name: str, deadline_seconds: float = 10) -> None:
        """Return when the process has written its record (milliseconds after its birth)."""
        end = time.monotonic() + deadline_seconds
        while self._recorded(name) is None and time.monotonic() < end:
            time.sleep(0.005)

    def end(self, name: str, *, grace_seconds: float) -> None:
        """Ask the program to end, then make it and all of its session end. Without a grace: at once."""
        pid = self.alive(name)
        if pid and grace_seconds:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            self._await_end(name, grace_seconds)
        while remaining := self.members(name):
            for line in remaining:
                with suppress(ProcessLookupError):
                    os.kill(line.pid, signal.SIGKILL)
            self._await_end(name, 1)
        self.record(name).unlink(missing_ok=True)

    def _await_end(self, name: str, seconds: float) -> None:
        end = time.monotonic() + seconds
        while self.members(name) and time.monotonic() < end:
            time.sleep(0.02)

    def _recorded(self, name: str) -> KernelLine | None:
        """The record, unless it is of an earlier boot or was never finished."""
        with suppress(FileNotFoundError, ValueError):
            text, boot = self.record(name).read_text().splitlines()
            return parsed(text) if boot == boot_id() else None
        return None
