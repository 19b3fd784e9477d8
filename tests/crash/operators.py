"""Operators under test: started as a supervisor would, killed as a power cut would."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from infra.sandbox.processes import ProcessTable, Program

END_SECONDS = 10.0
RESTART_SECONDS = 1.0


@dataclass(slots=True)
class OperatorProcess:
    """One operator with a state folder of its own. Its record ends it with the sandbox, whatever becomes of us."""

    name: str
    table: ProcessTable
    argv: tuple[str, ...]
    state: Path
    log: Path
    environ: Mapping[str, str]
    folder: Path
    wanted: bool = False
    started_at: float = 0.0

    def start(self) -> None:
        """Returns at once; `is_ready` says when it watches."""
        (self.state / "ready").unlink(missing_ok=True)
        self.table.launch(Program(self.name, self.argv, self.log, self.environ, self.folder))
        self.wanted, self.started_at = True, time.monotonic()

    def keep(self) -> None:
        """What a supervisor does: an operator that ended by itself is started again."""
        rested = time.monotonic() > self.started_at + RESTART_SECONDS
        if self.wanted and rested and self.table.alive(self.name) is None:
            self.start()

    def is_ready(self) -> bool:
        return (self.state / "ready").exists()

    def kill(self) -> None:
        """kill -9, and wait until it is gone. Its engine lives on, as it would."""
        self.wanted = False
        self._signal(signal.SIGKILL)
        deadline = time.monotonic() + END_SECONDS
        while self.table.alive(self.name) is not None and time.monotonic() < deadline:
            time.sleep(0.01)

    def pause(self) -> None:
        """SIGSTOP: a machine that hangs."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT: it goes on as if no time had passed."""
        self._signal(signal.SIGCONT)

    def engines(self) -> list[psutil.Process]:
        """Running engines on this state folder, those of killed predecessors included."""
        return [process for process in psutil.process_iter() if self._is_engine(process)]

    def end(self) -> None:
        """End it and its engines for good."""
        self.wanted = False
        self.resume()
        self.table.end(self.name, grace_seconds=END_SECONDS)
        for engine in self.engines():
            with suppress(psutil.NoSuchProcess):
                engine.kill()

    def _signal(self, number: signal.Signals) -> None:
        if pid := self.table.alive(self.name):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _is_engine(self, process: psutil.Process) -> bool:
        try:
            return (
                process.name() == "pulumi"
                and process.status() != psutil.STATUS_ZOMBIE
                and any(str(self.state) in word for word in process.cmdline())
            )
        except psutil.Error:
            return False
