"""What a piece of work costs, read from outside and for everybody alike.

The clock, the processor time of who did it and of the cloud meanwhile, and the calls, as OpenStack's own access
logs have them. Processor time of anybody else is told, too: with much of it, a figure means little.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from tests.conftest import Sandbox

CONTROL_PLANE = ("operator", "kube-apiserver", "etcd", "kube-controller-manager")
LOGGED_SECONDS = 0.3  # an answer is sent before its line is written


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one piece of work. `others` is how many cores somebody else used meanwhile."""

    seconds: float
    cpu_seconds: float
    calls: int
    cloud_calls: int
    cloud_cpu_seconds: float
    others: float


class Doer(Protocol):
    """Whose work is measured."""

    @property
    def agent(self) -> str:
        """How the User-Agent of its calls begins."""

    def cpu_seconds(self) -> float:
        """Spent so far, ended children included."""


class AccessLogs:
    """What OpenStack's services have answered; every service writes one line for each call."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def mark(self) -> dict[Path, int]:
        """Where the logs end now."""
        return {path: path.stat().st_size for path in self._folder.glob("*-access.log")}

    def since(self, mark: dict[Path, int]) -> list[str]:
        """The lines written after a mark."""
        found: list[str] = []
        for path in self._folder.glob("*-access.log"):
            with path.open("rb") as lines:
                lines.seek(mark.get(path, 0))
                found += lines.read().decode(errors="replace").splitlines()
        return found


class Meter:
    """Of one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._processes = sandbox.processes
        self._logs = AccessLogs(sandbox.home / "logs")

    def measured(self, doer: Doer, work: Callable[[], None]) -> Cost:
        """Does the work, alone as far as we are concerned, and says what it cost."""
        mark = self._logs.mark()
        own, cloud, machine = doer.cpu_seconds(), self._cloud_cpu_seconds(), _machine_cpu_seconds()
        began = time.monotonic()
        work()
        seconds = time.monotonic() - began
        own, cloud = doer.cpu_seconds() - own, self._cloud_cpu_seconds() - cloud
        others = (_machine_cpu_seconds() - machine - own - cloud) / seconds
        time.sleep(LOGGED_SECONDS)
        lines = self._logs.since(mark)
        calls = calls_by(doer.agent, lines)
        return Cost(seconds, own, calls, len(lines), cloud, max(others, 0.0))

    def program_cpu_seconds(self, names: Iterable[str]) -> float:
        """Of programs of the sandbox, by name; their children count once they have ended."""
        pids = [line.pid for name in names for line in self._processes.members(name)]
        return sum(_cpu_seconds(pid) for pid in pids)

    def _cloud_cpu_seconds(self) -> float:
        return self.program_cpu_seconds(name for name in self._processes.names() if name not in CONTROL_PLANE)


def calls_by(agent: str, lines: Iterable[str]) -> int:
    """How many of the calls bear a User-Agent that begins like this."""
    return sum(f'"{agent}' in line for line in lines)


def _cpu_seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _machine_cpu_seconds() -> float:
    """Of everybody, since the machine started."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)
