"""The operator's process from the outside: killed like by a power cut, started as the sandbox starts it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class OperatorControl:
    """`pid` finds the running operator, `start_it` starts one, `ready` is the file it makes when it is ready."""

    pid: Callable[[], int]
    start_it: Callable[[], None]
    ready: Path

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        process = psutil.Process(self.pid())
        process.kill()
        process.wait(START_SECONDS)
        self.ready.unlink(missing_ok=True)

    def stop(self) -> None:
        """SIGTERM, and wait until it is gone."""
        process = psutil.Process(self.pid())
        process.terminate()
        process.wait(START_SECONDS)

    def start(self) -> None:
        """Start it and wait until it says it is ready."""
        self.start_it()
        deadline = time.monotonic() + START_SECONDS
        while not self.ready.exists():
            assert time.monotonic() < deadline, "the operator did not become ready"
            time.sleep(0.1)

    def engines(self) -> list[psutil.Process]:
        """Engine processes of the running operator."""
        found = []
        for child in psutil.Process(self.pid()).children(recursive=True):
            try:
                if child.name() == "pulumi":
                    found.append(child)
            except psutil.NoSuchProcess:
                continue
        return found
